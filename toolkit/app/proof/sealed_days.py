"""Sealed days for the ledger: a GET a day instead of the runs, their records and their claims."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from toolkit.app.app import App
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.seal import SealedRow
from toolkit.core.proof.seal_chain import DAY, ChainCheck, SealedDay, sealed_by
from toolkit.core.proof.seal_facts import sealed_task
from toolkit.runtime.contract import RunId
from toolkit.runtime.layout import seals_by_day

# What is fetched at once: so many days, and of days with many firings so many bytes.
_DAYS, _BYTES = 32, 8 * 1024 * 1024
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
        self._check = ChainCheck(app.seals.bucket)
        self._last = until.date()
        self._bad: set[date] = set()
        self.problems: list[str] = []
        self._sizes: dict[str, int] = {}
        if sealed_by(since.date()) <= now:  # else nothing of it can be sealed yet
            # The day after, too: its seal tells if the last one was altered.
            listed = app.seals.listed(since.date(), until.date() + DAY)
            self._sizes = {stored.key: stored.bytes for stored in listed}
        self._keys = seals_by_day(self._sizes)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def days(self) -> Iterator[_Day]:
        """The days that are sealed whole and can be believed, each with its firings in order.

        A day is given once the next one was read, whose seal tells if this one was altered.
        """
        waiting: list[_Day] = []
        for days in batches(self._keys, self._sizes):
            waiting += self._read(days)
            yield from self._believed(waiting[:-1])
            waiting = waiting[-1:]
        yield from self._believed(waiting)

    def _believed(self, days: Sequence[_Day]) -> Iterator[_Day]:
        return (row for row in days if row[0] <= self._last and row[0] not in self._bad)

    def _read(self, days: Sequence[date]) -> Iterator[_Day]:
        """The days that are whole; of a seal no more is kept than its firings."""
        contents = self._app.seals.raw(key for day in days for key in self._keys[day])
        for day in days:
            own = {key: contents.pop(key) for key in self._keys[day] if key in contents}
            chain = self._check.add(own)
            self._bad |= chain.bad_days
            texts = map(str, chain.problems)
            self.problems += [text for text in texts if text not in self.problems]
            if day in chain.complete:
                yield day, _firings(chain.days[day], tasks=self._tasks)


def batches(keys: Mapping[date, Sequence[str]], sizes: Mapping[str, int]) -> Iterator[list[date]]:
    """Days in order, as many at a time as are fetched at once.

    Args:
        keys: the keys of each day's seals.
        sizes: the bytes of each seal by its key.
    """
    batch: list[date] = []
    size = 0
    for day in sorted(keys):
        own = sum(sizes[key] for key in keys[day])
        if batch and (len(batch) == _DAYS or size + own > _BYTES):
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += own
    if batch:
        yield batch


def _firings(day: SealedDay, *, tasks: bool) -> list[Firing]:
    last = {row.run_id: (row, seal.key) for seal in day.seals for row in seal.firings}
    found = [_firing(row, key, tasks=tasks) for row, key in last.values()]
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
