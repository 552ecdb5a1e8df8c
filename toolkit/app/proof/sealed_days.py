"""Sealed days for the ledger: a GET a day instead of the runs, their records and their claims."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof.seal_confirmations import SealConfirmations
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.ledger import STATES, Firing
from toolkit.core.proof.seal import Link, Seal, SealedRow, whole
from toolkit.core.proof.seal_chain import (
    DAY,
    ChainCheck,
    Problem,
    SealedDay,
    sealed_by,
    without_facts,
)
from toolkit.core.proof.seal_witness import sealed_task
from toolkit.runtime.contract import RunId

_Read = tuple[date, SealedDay, Mapping[str, Link]]


@frozen
class DayFromSeals:
    """The firings of a sealed day in order.

    Of the ``unconfirmed`` ones nothing vouches for the seal that tells of them last, such as the
    newest seal that nobody signed: no witness in a verdict, and so none in a ledger either.
    """

    day: date
    firings: list[Firing]
    unconfirmed: frozenset[RunId]


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
        self._confirmations = SealConfirmations(app)
        self._last = until.date()
        self._bad: set[date] = set()
        self._listed: list[StoredObject] = []
        self.problems: list[str] = []
        if sealed_by(since.date()) <= now:  # else nothing of it can be sealed yet
            # The day after, too: its seal tells if the last one was altered.
            self._listed = list(app.seals.listed(since.date(), until.date() + DAY))

    def __bool__(self) -> bool:
        return bool(self._listed)

    def days(self) -> Iterator[DayFromSeals]:
        """The days that are sealed whole and can be believed.

        A day is given once the next one was read, whose seal tells if this one was altered.
        """
        before: _Read | None = None
        for day, seals in self._confirmations.days(self._listed):
            chain = self._check.add(seals)
            self._confirmations.take(chain)
            self._bad |= chain.bad_days
            self._note(chain.problems)
            yield from self._believed(before)
            before = None
            if day in chain.complete:
                before = (day, chain.days[day], chain.links)
        yield from self._believed(before)

    def _believed(self, read: _Read | None) -> Iterator[DayFromSeals]:
        if read is None or read[0] > self._last or read[0] in self._bad:
            return
        day, seals, links = read
        confirmed = {key: self._is_confirmed(link) for key, link in links.items()}
        self._note(problem for key in links if (problem := self._confirmations.problems.get(key)))
        rows = seals.last_rows().values()
        yield DayFromSeals(
            day,
            _firings((row for row in rows if confirmed[row[0].key]), tasks=self._tasks),
            frozenset(RunId.parse(row.run_id) for seal, row in rows if not confirmed[seal.key]),
        )

    def _is_confirmed(self, link: Link) -> bool:
        return self._confirmations.of(link, self._check.named_by(link.key)) is not None

    def _note(self, problems: Iterable[Problem]) -> None:
        texts = map(str, problems)
        self.problems += [text for text in texts if text not in self.problems]


def _firings(rows: Iterable[tuple[Seal, SealedRow]], *, tasks: bool) -> list[Firing]:
    found = [_firing(row, seal.key, tasks=tasks) for seal, row in rows]
    return sorted(found, key=lambda row: (row.run_id.scheduled_time, row.run_id.schedule))


def _firing(row: SealedRow, key: str, *, tasks: bool) -> Firing:
    state = STATES.get(row.state)
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
