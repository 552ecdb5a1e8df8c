"""A seal: what became of every firing of a day, with digests of all that proves it.

A seal is written once and never changed. It names the seals before it by their digests, so none of
them can be changed or taken away without leaving a trace in those that came later.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any, Self

from attrs import evolve, field, frozen

from toolkit.core.errors import EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, RunId
from toolkit.runtime.documents import FORMAT, DocumentError, bounded
from toolkit.runtime.layout import seal_key

_FORMAT = "seal/1"
# A seal of many firings is written in parts; a reader takes 16 MiB at most.
PART_BYTES = 4 * 1024 * 1024
_MANIFEST = frozenset({"key", "sha256", "bytes", "modified_at"})
_TEXT = (str, type(None))
# Between a seal's head and its rows, and behind them.
_ROWS, _END = b'\n"firings":[\n', b"\n]}\n"


@frozen
class SealedRow:
    """One firing: its state in the ledger, and the facts of its evidence (`seal_facts.facts`).

    ``ruling`` is that of the verdict on it when it was sealed, when its record and its log were
    there; empty where the version that sealed did not judge.
    """

    run_id: str
    state: str
    detail: str = ""
    expected: bool = True
    facts: Mapping[str, Any] = field(factory=dict)
    ruling: str = ""

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "run_id": self.run_id,
            "state": self.state,
            "detail": self.detail,
            "expected": self.expected,
            "facts": dict(self.facts),
            **({"ruling": self.ruling} if self.ruling else {}),
        }


# What a reader keeps of a row; None leaves it out.
Kept = Callable[[SealedRow], SealedRow | None]


def whole(row: SealedRow) -> SealedRow:
    """A row as it is."""
    return row


@frozen
class Link:
    """An earlier seal, by its key and the SHA-256 of its bytes."""

    key: str
    sha256: str


@frozen
class Seal:
    """The seal of a day (UTC), or a later part or amendment of it (``number`` from 1 on).

    ``previous`` are the seals that nothing referred to when this one was made: one, or several
    where two audits wrote at the same time. A day of many firings is written in parts, of which
    only the last is ``complete``.
    """

    app: str
    bucket: str
    day: str
    sealed_at: str
    previous: tuple[Link, ...] = ()
    firings: tuple[SealedRow, ...] = ()
    number: int = 0
    complete: bool = True

    @property
    def key(self) -> str:
        """Where it is kept."""
        return seal_key(date.fromisoformat(self.day), self.number)

    def to_json(self) -> bytes:
        """The seal as UTF-8 JSON: a firing a line, keys in order, so that people can compare."""
        head = {
            FORMAT: _FORMAT,
            "app": self.app,
            "bucket": self.bucket,
            "day": self.day,
            "number": self.number,
            "complete": self.complete,
            "sealed_at": self.sealed_at,
            "previous": [{"key": link.key, "sha256": link.sha256} for link in self.previous],
        }
        lines = ",\n".join(canonical(row.to_json()) for row in self.firings)
        return f'{canonical(head)[:-1]},\n"firings":[\n{lines}\n]}}\n'.encode()

    @classmethod
    def from_json(cls, content: bytes, kept: Kept = whole) -> Self:
        """Read a seal; raises EvidenceError when it is none or of a later format.

        Args:
            content: the seal as it is stored.
            kept: what to keep of each row once it was checked.
        """
        try:
            with suppress(DocumentError):
                # As `to_json` writes it. What is written otherwise is JSON all the same.
                return cls._of(*_lines(content), kept)
            return cls._of(*_document(content), kept)
        except (DocumentError, ContractError, ValueError) as error:
            raise EvidenceError(str(error)) from error

    @classmethod
    def _of(cls, head: Any, rows: Iterable[Any], kept: Kept) -> Self:
        seal = documents.read(cls, head, "seal")
        day = date.fromisoformat(seal.day)
        return evolve(seal, firings=tuple(_checked(rows, day, kept)))

    def row(self, run_id: str) -> SealedRow | None:
        """The row of a firing."""
        return next((row for row in self.firings if row.run_id == run_id), None)


@frozen
class Sealed:
    """What a seal says of one run, with the seal that says it."""

    key: str
    sealed_at: str
    bucket: str
    row: SealedRow


def _lines(content: bytes) -> tuple[Any, Iterator[Any]]:
    """A seal's head, and its rows, each read when it is taken: a day of them fills no memory.

    Raises DocumentError where a row is not a line.
    """
    head, mark, rest = content.partition(_ROWS)
    if len(content) > documents.MAX_BYTES or not mark or head[-1:] != b"," or rest[-4:] != _END:
        raise DocumentError("the seal is not a row a line")
    lines = rest[:-4].split(b",\n") if len(rest) > len(_END) else ()
    return documents.load(head[:-1] + b"}", "seal"), (
        documents.load(line, "seal") for line in lines
    )


def _document(content: bytes) -> tuple[Any, Iterable[Any]]:
    document = documents.load(content, "seal")
    if not isinstance(document, dict):
        return document, ()
    rows = document.pop("firings", [])
    if not isinstance(rows, list):
        raise DocumentError("this is not a seal: firings: a list is needed")
    return document, rows


def _checked(rows: Iterable[Any], day: date, kept: Kept) -> Iterator[SealedRow]:
    """The rows of a day, of each what is kept; EvidenceError for one that is of no seal."""
    seen: set[str] = set()
    for document in rows:
        row = documents.read(SealedRow, document, "seal")
        if RunId.parse(row.run_id).scheduled_time.date() != day:
            raise EvidenceError(f"the seal of {day} holds firings of another day")
        if not _has_shape(row.facts):
            raise EvidenceError(f"the facts of {row.run_id} are not as a seal has them")
        if row.run_id in seen:
            raise EvidenceError(f"the seal of {day} holds a firing twice")
        seen.add(row.run_id)
        known = kept(row)
        if known is not None:
            yield known


def _has_shape(facts: Mapping[str, Any]) -> bool:
    """Whether the facts that lead to objects have the types that they should."""
    manifests, artifacts = facts.get("manifests", []), facts.get("artifacts", {})
    if not isinstance(manifests, list) or not isinstance(artifacts, dict):
        return False
    if not isinstance(facts.get("claim", ""), _TEXT):
        return False
    for row in manifests:
        if not isinstance(row, dict) or not row.keys() >= _MANIFEST:
            return False
    # A million firings have some million of these: a loop, and no list of them.
    for row in (*manifests, *artifacts.values()):
        if not isinstance(row, dict) or not isinstance(row.get("key", ""), _TEXT):
            return False
        if not isinstance(row.get("sha256", ""), _TEXT):
            return False
    return all(isinstance(row["modified_at"], _TEXT) for row in manifests)


def canonical(value: object) -> str:
    """JSON with one spelling for one value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: object) -> str:
    """The SHA-256 of a JSON value's canonical form, without what steers a terminal."""
    return hashlib.sha256(canonical(bounded(value)).encode()).hexdigest()


def in_parts(rows: Iterable[SealedRow], limit: int = PART_BYTES) -> Iterator[tuple[SealedRow, ...]]:
    """The rows in parts of at most ``limit`` bytes of JSON, or of one row; one part at least."""
    part: list[SealedRow] = []
    size = 0
    for row in rows:
        length = len(canonical(row.to_json()).encode())
        if part and size + length > limit:
            yield tuple(part)
            part, size = [], 0
        part.append(row)
        size += length
    yield tuple(part)
