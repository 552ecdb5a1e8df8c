"""Check all seals of an app: the chain, the signatures, and the objects in the bucket."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from attrs import field, frozen

from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.proof.seal_signatures import SealSignatures
from toolkit.app.schedules.history import Deployments
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.seal import Link, SealedRow
from toolkit.core.proof.seal_chain import Chain, ChainCheck, Problem, SealedDay, due_days
from toolkit.core.proof.seal_facts import ALL
from toolkit.core.time_words import EPOCH
from toolkit.runtime import layout
from toolkit.runtime.contract import RunId


@frozen
class Verification:
    """What was checked of the seals, and what is wrong.

    ``signed`` and ``unsigned`` count seals; ``waiting`` are days that are due and not sealed;
    ``gone`` counts artifacts that are no longer in the bucket, which a lifecycle rule may delete.
    """

    days: int = 0
    seals: int = 0
    firings: int = 0
    objects: int = 0
    signed: int = 0
    unsigned: int = 0
    gone: int = 0
    first: date | None = None
    last: date | None = None
    head: Link | None = None
    problems: tuple[Problem, ...] = ()
    waiting: tuple[date, ...] = field(factory=tuple)

    @property
    def exit_code(self) -> int:
        """0 where everything holds, 1 where something does not, 4 where nothing is sealed."""
        return 1 if self.problems else 0 if self.seals else 4


def verify(app: App, key: bytes | None = None, *, deep: bool = False) -> Verification:
    """Check every seal of the app, and the manifests in the bucket against them.

    Args:
        app: the app.
        key: the public key, as PEM, that must have signed the last seal, and each that is signed;
            None takes the keys that the bucket keeps, which whoever writes there could exchange.
        deep: also check the SHA-256 of manifests, claims and artifacts, a HEAD for each.
    """
    reader = _Reader(app, key, deep=deep)
    days = []
    for day, rows in app.seals.days(app.seals.listed(), app.seals.signed()):
        days.append(day)
        reader.read(list(rows))
    now = app.now()
    first = Deployments(app, now).since(EPOCH).earliest
    return reader.result(days, due_days(first, days, now))


class _Reader:
    """Takes the seals, some days at a time, and remembers what it counted and found."""

    def __init__(self, app: App, key: bytes | None, *, deep: bool) -> None:
        self._app = app
        self._key = key
        self._deep = deep
        self._check = ChainCheck(app.seals.bucket)
        self._manifests = _ListedManifests(app)
        self._signed = SealSignatures(app, key)
        self._problems: list[Problem] = []
        self._heads: dict[str, tuple[str, Link]] = {}
        self._unsigned: set[str] = set()
        self._previous: dict[str, tuple[str, ...]] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)

    def read(self, stored: Sequence[tuple[str, bytes, bytes | None]]) -> None:
        """Check the seals of a day, each with its key and its signature."""
        chain = self._check.add((key, content) for key, content, _ in stored)
        self._problems += chain.problems
        self._signatures(chain, stored)
        for seals in chain.days.values():
            self._objects(seals)
            for seal in seals.seals:
                self._heads[seal.key] = (seal.sealed_at, chain.links[seal.key])
                self._previous[seal.key] = tuple(link.key for link in seal.previous)
        self._counts["seals"] += len(stored)

    def result(self, days: Sequence[date], waiting: Sequence[date]) -> Verification:
        self._problems += self._check.missed()
        head = max(self._heads.values(), default=None, key=lambda row: (row[0], row[1].key))
        if self._key is not None:
            self._problems += self._slipped_in()
        return Verification(
            **self._counts,
            unsigned=len(self._unsigned),
            days=len(days),
            first=days[0] if days else None,
            last=days[-1] if days else None,
            head=head[1] if head else None,
            problems=tuple(dict.fromkeys(self._problems)),
            waiting=tuple(waiting),
        )

    def _slipped_in(self) -> Iterator[Problem]:
        """The seals that are not signed, although they stand after some that are, or at the end.

        Only what was sealed before there was a key needs no signature. Whoever can write into the
        bucket could add another seal, and the next audit, finding it, would make its own after it.
        """
        named = {key for previous in self._previous.values() for key in previous}
        for key in sorted(self._unsigned & self._previous.keys()):
            if any(self._is_signed(before) for before in self._previous[key]):
                yield Problem(key, "it is not signed, and seals that it was made after are")
            elif key not in named:
                text = (
                    "it is not signed: the key proves nothing of what came since the last that is"
                )
                yield Problem(key, text)
        for key, previous in sorted(self._previous.items()):
            if self._is_signed(key) and any(map(self._is_signed, previous)):
                for before in sorted(self._unsigned.intersection(previous)):
                    yield Problem(before, f"it is not signed, and stands beside what {key} names")

    def _is_signed(self, key: str) -> bool:
        return key in self._previous and key not in self._unsigned

    def _signatures(self, chain: Chain, stored: Iterable[tuple[str, bytes, bytes | None]]) -> None:
        for key, content, signature in stored:
            if key not in chain.links:
                continue  # it cannot be read, which is a problem of its own
            if signature is None:
                self._unsigned.add(key)
                continue
            wrong = self._signed.problem(content, signature)
            self._counts["signed"] += not wrong
            if wrong:
                self._problems.append(Problem(key, f"its signature does not hold: {wrong}"))

    def _objects(self, seals: SealedDay) -> None:
        """The manifests of a day are those that were sealed; with ``deep`` all else, too."""
        rows = seals.last_rows()
        self._counts["firings"] += len(rows)
        wanted = {
            stored["key"]: (stored, seal)
            for seal, row in rows.values()
            for stored in row.facts.get("manifests") or ()
        }
        listed = {stored.key: stored for stored in self._manifests.of(rows)}
        for key in sorted(wanted.keys() | listed.keys()):
            self._counts["objects"] += 1
            said, seal = wanted.get(key, ({}, seals.seals[-1]))
            wrong = _difference(said, listed.get(key))
            if wrong:
                self._problems.append(Problem(seal.key, f"{key} {wrong}"))
        if self._deep:
            self._deeply(seals, [row for _, row in rows.values()])

    def _deeply(self, seals: SealedDay, rows: Iterable[SealedRow]) -> None:
        wanted = {key: digest for row in rows for key, digest in _digests(row)}
        heads = self._app.archive.heads(wanted)
        for key, digest in wanted.items():
            self._counts["objects"] += 1
            if key not in heads:
                self._counts["gone"] += 1
            elif heads[key].sha256 != digest:
                text = f"{key} is not what was sealed: it was altered"
                self._problems.append(Problem(seals.seals[-1].key, text))


class _ListedManifests:
    """What S3 lists of the manifests of sealed days, asked for day by day in their order.

    A schedule's manifests sort by time, so that a page of its listing serves 1,000 of them.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._rows: dict[str, Iterator[StoredObject]] = {}
        self._next: dict[str, StoredObject | None] = {}

    def of(self, run_ids: Iterable[str]) -> list[StoredObject]:
        """The manifests of the firings of a day, given by their run ids."""
        runs: defaultdict[str, set[RunId]] = defaultdict(set)
        for run_id in map(RunId.parse, run_ids):
            runs[run_id.schedule].add(run_id)
        new = runs.keys() - self._rows.keys()
        for name in new:
            first = min(run_id.scheduled_time for run_id in runs[name])
            self._rows[name] = self._app.archive.listed_manifests(name, first)
        side_by_side(self._advance, new)
        return [stored for name, wanted in runs.items() for stored in self._of(name, wanted)]

    def _of(self, name: str, wanted: Collection[RunId]) -> Iterator[StoredObject]:
        last = layout.manifests_of(max(wanted, key=lambda run_id: run_id.scheduled_time))
        while (stored := self._next[name]) is not None and stored.key < f"{last}~":
            found = layout.committed(stored.key)
            if found is not None and found[0] in wanted:
                yield stored
            self._advance(name)

    def _advance(self, name: str) -> None:
        self._next[name] = next(self._rows[name], None)


def _digests(row: SealedRow) -> Iterator[tuple[str, str]]:
    """The keys of a run's objects and their SHA-256, as far as both were sealed."""
    run_id = RunId.parse(row.run_id)
    if row.facts.get("claim"):
        yield run_id.claim_key, row.facts["claim"]
    for stored in row.facts.get("manifests") or ():
        yield stored["key"], stored["sha256"]
    for name, stored in (row.facts.get("artifacts") or {}).items():
        if stored.get("sha256") and name != ALL:
            yield stored.get("key", f"{run_id.prefix}{name}"), stored["sha256"]


def _difference(said: Mapping[str, Any], found: StoredObject | None) -> str:
    """What is wrong with a manifest, by what its listing shows."""
    if found is None:
        return "is gone"
    if not said:
        return "was written after its day was sealed, and no amendment tells of it"
    if (said["bytes"], said["modified_at"]) != (found.bytes, found.modified_at):
        return f"is not what was sealed: it was written again at {found.modified_at}"
    return ""
