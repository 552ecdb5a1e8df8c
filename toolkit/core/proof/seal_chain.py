"""Which days are to be sealed, what of a sealed day has changed, and whether the chain holds.

Pure: seals and firings go in, plans and problems come out.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from attrs import define, field, frozen

from toolkit.core.errors import EvidenceError
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.proof.seal import Kept, Link, Seal, SealedRow, whole
from toolkit.runtime.layout import sealed

# A record that was late has come by then: EventBridge tries for 24 hours.
GRACE = timedelta(days=1)
DAY = timedelta(days=1)
_UNFINISHED = frozenset({State.LATE, State.RUNNING, State.SETTLING, State.NOT_YET_DUE})
# Older than its records, a firing is as good as when it was sealed.
_FADED = frozenset({State.WITNESS_EXPIRED})
_GOOD = frozenset(state for state in State if not state.bad) - _UNFINISHED


def start_of(day: date) -> datetime:
    """When a day begins (UTC)."""
    return datetime.combine(day, time(), UTC)


def sealed_by(day: date) -> datetime:
    """The first moment at which a day may be sealed."""
    return start_of(day) + DAY + GRACE


def due_days(first: datetime | None, complete: Collection[date], now: datetime) -> list[date]:
    """The days that are to be sealed, the oldest first.

    Args:
        first: since when it is known what was to fire; None where nothing was.
        complete: the days that are sealed whole.
        now: the present; a day is due once it has been over for 24 hours.
    """
    if first is None:
        return []
    day, last, found = first.astimezone(UTC).date(), (now - GRACE - DAY).astimezone(UTC).date(), []
    while day <= last:
        if day not in complete:
            found.append(day)
        day += DAY
    return found


def final(firings: Iterable[Firing]) -> bool:
    """Whether nothing of a day is still to come to an end."""
    return not any(row.state in _UNFINISHED for row in firings)


def changed(rows: Mapping[str, SealedRow], firings: Iterable[Firing]) -> list[Firing]:
    """The firings of a sealed day that became something else since; what fades does not count."""
    found = []
    for firing in firings:
        row = rows.get(str(firing.run_id))
        if row is None or not _same(row, firing):
            found.append(firing)
    return [firing for firing in found if firing.state not in _UNFINISHED]


def _same(row: SealedRow, firing: Firing) -> bool:
    if firing.state in _FADED and row.state in _GOOD:
        return row.expected == firing.expected
    return (row.state, row.expected) == (firing.state, firing.expected)


@frozen
class SealedDay:
    """All seals of a day in their order."""

    seals: tuple[Seal, ...]

    @property
    def complete(self) -> bool:
        """Whether the day's own seal is there, and the last of the parts that it was written in."""
        return (
            self.seals[:1] != ()
            and not self.seals[0].number
            and any(seal.complete for seal in self.seals)
        )

    @property
    def next_number(self) -> int:
        """The number of the next amendment."""
        return self.seals[-1].number + 1 if self.seals else 0

    def rows(self) -> dict[str, SealedRow]:
        """The last row of each firing, by run id."""
        return {row.run_id: row for seal in self.seals for row in seal.firings}

    def last_rows(self) -> dict[str, tuple[Seal, SealedRow]]:
        """The last seal that has a row of each firing, and that row, by run id."""
        return {row.run_id: (seal, row) for seal in self.seals for row in seal.firings}


@frozen
class Problem:
    """What is wrong with a seal, by its key."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}"


@frozen
class Chain:
    """Seals that were read, with what is wrong with them.

    ``links`` gives each seal's own digest, ``heads`` those that no other seal refers to.
    """

    days: Mapping[date, SealedDay] = field(factory=dict)
    links: Mapping[str, Link] = field(factory=dict)
    heads: tuple[Link, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def bad_days(self) -> frozenset[date]:
        """The days whose seals cannot be believed."""
        named = (sealed(problem.key) for problem in self.problems)
        return frozenset(found[0] for found in named if found is not None)

    @property
    def complete(self) -> frozenset[date]:
        """The days that are sealed whole, and can be believed."""
        found = {day for day, seals in self.days.items() if seals.complete}
        return frozenset(found) - self.bad_days


def own_seal(key: str, content: bytes, bucket: str, kept: Kept = whole) -> Seal:
    """Read the seal at a key; EvidenceError for one that is of another key or bucket."""
    seal = Seal.from_json(content, kept)
    if seal.key != key:
        raise EvidenceError(f"it is the seal that belongs to {seal.key}")
    if seal.bucket != bucket:
        raise EvidenceError(f"it is a seal of bucket {seal.bucket}")
    return seal


def without_facts(row: SealedRow) -> SealedRow:
    """A row as the ledger needs it: the facts take most of its memory."""
    return SealedRow(row.run_id, row.state, row.detail, row.expected)


def without_rows(_row: SealedRow) -> None:
    """Leave a row out: only what the seal says of itself is wanted."""


@define
class ChainCheck:
    """Holds seals against each other that are read a few at a time, in whatever order.

    ``kept`` is what the chain keeps of a row that was read and checked; None leaves it out.
    """

    bucket: str
    kept: Kept = whole
    _digests: dict[str, str] = field(factory=dict)
    _named: dict[str, list[tuple[str, str]]] = field(factory=dict)
    _roots: list[tuple[str, str]] = field(factory=list)

    def add(self, contents: Iterable[tuple[str, bytes]]) -> Chain:
        """Take seals, whole days of them; their problems, and those that they reveal in others.

        Args:
            contents: seals by their keys, as they are stored; each is read when it comes.
        """
        seals: dict[str, Seal] = {}
        added: dict[str, str] = {}
        problems: list[Problem] = []
        for key, content in contents:
            added[key] = _sha256(content)
            try:
                seals[key] = own_seal(key, content, self.bucket, self.kept)
            except EvidenceError as error:
                problems.append(Problem(key, error.message))
        self._digests |= added
        for key, seal in seals.items():
            if not seal.previous:
                self._roots.append((seal.sealed_at, key))
            for link in seal.previous:
                self._named.setdefault(link.key, []).append((link.sha256, key))
                if link.key in self._digests and link.key not in added:
                    problems += self._altered(link.key)
        for key in added:
            problems += self._altered(key)
        days = _by_day(seals)
        links = {key: Link(key, self._digests[key]) for key in seals}
        heads = tuple(link for key, link in sorted(links.items()) if key not in self._named)
        return Chain(days, links, heads, (*problems, *_gaps(days)))

    def named_by(self, key: str) -> str:
        """The key of a seal that names another as it is, by its SHA-256; empty where none does."""
        digest = self._digests.get(key)
        return next((later for sha256, later in self._named.get(key, ()) if sha256 == digest), "")

    def missed(self) -> Iterator[Problem]:
        """What is missing once all seals were taken."""
        for key, named in self._named.items():
            if key not in self._digests:
                yield Problem(key, f"it is gone; {named[0][1]} was made after it")
        for _, key in sorted(self._roots)[1:]:
            yield Problem(key, "it begins a second chain: a seal before it is gone")

    def _altered(self, key: str) -> Iterator[Problem]:
        for digest, later in self._named.get(key, ()):
            if digest != self._digests[key]:
                text = f"it is not the seal that {later} was made after: it was altered"
                yield Problem(key, text)
                return


def _gaps(days: Mapping[date, SealedDay]) -> Iterator[Problem]:
    for seals in days.values():
        last = seals.seals[-1]
        if last.number != len(seals.seals) - 1:
            count = last.number + 1 - len(seals.seals)
            yield Problem(last.key, f"{count} of the seals before it are gone")


def _by_day(seals: Mapping[str, Seal]) -> dict[date, SealedDay]:
    found: dict[date, list[Seal]] = defaultdict(list)
    for seal in seals.values():
        found[date.fromisoformat(seal.day)].append(seal)
    return {
        day: SealedDay(tuple(sorted(rows, key=lambda seal: seal.number)))
        for day, rows in sorted(found.items())
    }


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
