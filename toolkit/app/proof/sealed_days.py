"""Sealed days for the ledger: a GET a day instead of the runs, their records and their claims."""

from collections.abc import Iterator
from datetime import date, datetime

from toolkit.app.app import App
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.seal import SealedRow, whole
from toolkit.core.proof.seal_chain import (
    DAY,
    ChainCheck,
    SealedDay,
    sealed_by,
    without_facts,
)
from toolkit.core.proof.seal_witness import sealed_task
from toolkit.runtime.contract import RunId

_STATES = {str(state): state for state in State}
_Day = tuple[date, list[Firing]]


class SealedDays:
    """The sealed days of a period in order; ``problems`` grows while they are read.

    With ``tasks`` the firings come with what their seals say of their tasks.
    """

    def __init__(
        self, app: App, since: datetime, until: datetime, now: datetime, *, tasks: bool = False
    ) -> None:
        self._app = app
        self._tasks = tasks
        self._check = ChainCheck(app.seals.bucket, whole if tasks else without_facts)
        self._last = until.date()
        self._bad: set[date] = set()
        self._listed: list[StoredObject] = []
        self.problems: list[str] = []
        if sealed_by(since.date()) <= now:  # else nothing of it can be sealed yet
            # The day after, too: its seal tells if the last one was altered.
            self._listed = list(app.seals.listed(since.date(), until.date() + DAY))

    def __bool__(self) -> bool:
        return bool(self._listed)

    def days(self) -> Iterator[_Day]:
        """The days that are sealed whole and can be believed, each with its firings in order.

        A day is given once the next one was read, whose seal tells if this one was altered.
        """
        before: _Day | None = None
        for day, seals in self._app.seals.days(self._listed):
            chain = self._check.add(seals)
            self._bad |= chain.bad_days
            texts = map(str, chain.problems)
            self.problems += [text for text in texts if text not in self.problems]
            yield from self._believed(before)
            before = None
            if day in chain.complete:
                before = (day, _firings(chain.days[day], tasks=self._tasks))
        yield from self._believed(before)

    def _believed(self, day: _Day | None) -> Iterator[_Day]:
        if day is not None and day[0] <= self._last and day[0] not in self._bad:
            yield day


def _firings(day: SealedDay, *, tasks: bool) -> list[Firing]:
    found = [_firing(row, seal.key, tasks=tasks) for seal, row in day.last_rows().values()]
    return sorted(found, key=lambda row: (row.run_id.scheduled_time, row.run_id.schedule))


def _firing(row: SealedRow, key: str, *, tasks: bool) -> Firing:
    state = _STATES.get(row.state)
    if state is None:
        raise EvidenceError(
            f"the seal says of {row.run_id} {row.state!r}, which this version does not know",
            hint="upgrade the toolkit: pip install --upgrade fargate-toolkit",
        )
    run_id = RunId.parse(row.run_id)
    if not tasks:
        return Firing(run_id, state, row.detail, row.expected)
    catalog, task = row.facts.get("catalog"), sealed_task(row.facts)
    digest = catalog if isinstance(catalog, str) else ""
    return Firing(run_id, state, row.detail, row.expected, task, key, digest)
