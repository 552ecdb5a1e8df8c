"""What the seals say of runs, for their verdicts."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain

from toolkit.app.app import App
from toolkit.app.proof.seal_confirmations import SealConfirmations
from toolkit.core.proof.ledger import STATES, State
from toolkit.core.proof.seal import Link, Sealed
from toolkit.core.proof.seal_chain import DAY, Chain, ChainCheck, Problem, sealed_by
from toolkit.core.proof.seal_witness import Confirmation
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import day_of_seal


class SealedRuns:
    """The seals of some runs; no more of them is kept than what they say of these runs."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._rows: dict[str, Sealed] = {}
        self._links: dict[str, Link] = {}
        self._confirmations: dict[str, Confirmation] = {}
        self._problems: defaultdict[date, list[str]] = defaultdict(list)
        self._confirmed = SealConfirmations(app)

    def read(self, run_ids: Iterable[RunId], now: datetime) -> None:
        """Read the seals of the days of some runs, as far as they may be sealed by now.

        The day after is read, too: its seal tells if the day's own was altered.
        """
        self._rows.clear()
        self._links.clear()
        self._confirmations.clear()
        self._problems.clear()
        wanted: defaultdict[date, set[str]] = defaultdict(set)
        for run_id in run_ids:
            day = run_id.scheduled_time.date()
            if run_id.token is None and sealed_by(day) <= now:
                wanted[day].add(str(run_id))
        if not wanted:
            return
        days = wanted.keys() | {day + DAY for day in wanted}
        runs = frozenset(chain.from_iterable(wanted.values()))
        check = ChainCheck(self._app.seals.bucket, lambda row: row if row.run_id in runs else None)
        listed = self._app.seals.listed(min(days), max(days))
        wanted_seals = [row for row in listed if day_of_seal(row.key) in days]
        if not wanted_seals:
            return
        for _, seals in self._confirmed.days(wanted_seals):
            self._take(check.add(seals))
        self._confirm(check)

    def of(self, run_id: RunId) -> Sealed | None:
        """What the last seal that tells of a run says; None where that cannot be believed."""
        return None if self.problems(run_id) else self._rows.get(str(run_id))

    def confirmation(self, run_id: RunId) -> Confirmation | None:
        """What vouches for that seal."""
        sealed = self.of(run_id)
        return None if sealed is None else self._confirmations.get(sealed.key)

    def state(self, run_id: RunId) -> State | None:
        """What became of a firing, by a seal that something vouches for; else None."""
        sealed = self.of(run_id) if self.confirmation(run_id) is not None else None
        return STATES.get(sealed.row.state) if sealed is not None else None

    def problems(self, run_id: RunId) -> tuple[str, ...]:
        """What is wrong with the seals of a run's day, in words."""
        day = run_id.scheduled_time.date()
        return tuple(self._problems.get(day, ())) if run_id.token is None else ()

    def _take(self, found: Chain) -> None:
        self._confirmed.take(found)
        for problem in found.problems:
            self._note(problem)
        for day in found.days.values():
            for run_id, (seal, row) in day.last_rows().items():
                self._rows[run_id] = Sealed(seal.key, seal.sealed_at, seal.bucket, row)
                self._links[seal.key] = found.links[seal.key]

    def _note(self, problem: Problem) -> None:
        texts = self._problems[day_of_seal(problem.key)]
        if str(problem) not in texts:
            texts.append(str(problem))

    def _confirm(self, check: ChainCheck) -> None:
        """Find what vouches for each seal that tells of a run."""
        for key, link in self._links.items():
            found = self._confirmed.of(link, check.named_by(key))
            if found is not None:
                self._confirmations[key] = found
        for problem in self._confirmed.problems.values():
            if problem.key in self._links:
                self._note(problem)
