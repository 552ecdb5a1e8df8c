"""Sealed days for the ledger: a GET a day instead of the runs, their records and their claims."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from toolkit.app.app import App
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.seal import SealedRow
from toolkit.core.proof.seal_chain import ChainCheck, SealedDay, sealed_by
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import seals_by_day

_AT_ONCE = 16  # days; a seal has up to some megabytes


class SealedDays:
    """The sealed days of a period in order; ``problems`` grows while they are read."""

    def __init__(self, app: App, since: datetime, until: datetime, now: datetime) -> None:
        self._app = app
        self._check = ChainCheck(app.seals.bucket)
        self.problems: list[str] = []
        self._keys: dict[date, list[str]] = {}
        if sealed_by(since.date()) > now:
            return  # nothing of it can be sealed yet
        listed = app.seals.listed(since.date(), until.date())
        self._keys = seals_by_day(stored.key for stored in listed)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def days(self) -> Iterator[tuple[date, list[Firing]]]:
        """The days that are sealed whole and can be believed, each with its firings in order."""
        days = sorted(self._keys)
        for start in range(0, len(days), _AT_ONCE):
            yield from self._read(days[start : start + _AT_ONCE])

    def _read(self, days: Sequence[date]) -> Iterator[tuple[date, list[Firing]]]:
        contents = self._app.seals.raw(key for day in days for key in self._keys[day])
        chain = self._check.add(contents)
        self.problems += map(str, chain.problems)
        for day in days:
            if day in chain.complete:
                yield day, _firings(chain.days[day])


def _firings(day: SealedDay) -> list[Firing]:
    found = [_firing(row) for row in day.rows().values()]
    return sorted(found, key=lambda row: (row.run_id.scheduled_time, row.run_id.schedule))


def _firing(row: SealedRow) -> Firing:
    try:
        state = State(row.state)
    except ValueError:
        raise EvidenceError(
            f"the seal says of {row.run_id} {row.state!r}, which this version does not know",
            hint="upgrade the toolkit: pip install --upgrade fargate-toolkit",
        ) from None
    return Firing(RunId.parse(row.run_id), state, row.detail, row.expected)
