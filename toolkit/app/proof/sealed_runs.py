"""What the seals say of runs, for their verdicts."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime

from toolkit.app.app import App
from toolkit.app.proof.sealed_days import batches
from toolkit.core.proof.seal import Sealed
from toolkit.core.proof.seal_chain import DAY, Chain, ChainCheck, sealed_by
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import sealed, seals_by_day


class SealedRuns:
    """The seals of some runs; no more of them is kept than what they say of these runs."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._rows: dict[str, Sealed] = {}
        self._problems: defaultdict[date, list[str]] = defaultdict(list)

    def read(self, run_ids: Iterable[RunId], now: datetime) -> None:
        """Read the seals of the days of some runs, as far as they may be sealed by now.

        The day after is read, too: its seal tells if the day's own was altered.
        """
        self._rows.clear()
        self._problems.clear()
        wanted: defaultdict[date, set[str]] = defaultdict(set)
        for run_id in run_ids:
            day = run_id.scheduled_time.date()
            if run_id.token is None and sealed_by(day) <= now:
                wanted[day].add(str(run_id))
        if not wanted:
            return
        days = wanted.keys() | {day + DAY for day in wanted}
        listed = self._app.seals.listed(min(days), max(days))
        sizes = {stored.key: stored.bytes for stored in listed}
        keys = {day: own for day, own in seals_by_day(sizes).items() if day in days}
        check = ChainCheck(self._app.seals.bucket)
        for batch in batches(keys, sizes):
            contents = self._app.seals.raw(key for day in batch for key in keys[day])
            for day in batch:
                own = {key: contents.pop(key) for key in keys[day] if key in contents}
                self._take(check.add(own), wanted[day])

    def of(self, run_id: RunId) -> Sealed | None:
        """What the last seal that tells of a run says; None where that cannot be believed."""
        return None if self.problems(run_id) else self._rows.get(str(run_id))

    def problems(self, run_id: RunId) -> tuple[str, ...]:
        """What is wrong with the seals of a run's day, in words."""
        day = run_id.scheduled_time.date()
        return tuple(self._problems.get(day, ())) if run_id.token is None else ()

    def _take(self, chain: Chain, wanted: Collection[str]) -> None:
        for problem in chain.problems:
            found = sealed(problem.key)
            if found and str(problem) not in self._problems[found[0]]:
                self._problems[found[0]].append(str(problem))
        for day in chain.days.values():
            for run_id, (seal, row) in day.last_rows().items():
                if run_id in wanted:
                    self._rows[run_id] = Sealed(seal.key, seal.sealed_at, seal.bucket, row)
