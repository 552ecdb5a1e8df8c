"""Writes seals: rows part by part, each seal chained to those before it, and signed."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Protocol

from attrs import evolve, frozen

from toolkit.app.app import App
from toolkit.app.proof.evidence import Gatherer
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.seal import PART_BYTES, Link, Seal, SealedRow, in_parts
from toolkit.core.proof.seal_chain import SealedDay, changed, without_facts
from toolkit.core.proof.seal_facts import facts
from toolkit.core.proof.signature import Signature
from toolkit.core.proof.verdict import judge
from toolkit.runtime.contract import format_time, parse_time

_RUNS_AT_ONCE = 1000


class Signer(Protocol):
    """What signs a seal."""

    arn: str

    @property
    def public(self) -> str:
        """The public key as PEM."""

    def sign(self, seal: bytes) -> Signature:
        """The signature of a seal."""


@frozen
class SealingLimits:
    """From ``until`` on no other seal is begun; a seal has ``part_bytes`` at most, or one row.

    Sealed days are looked at again about ``firings`` at a time.
    """

    until: datetime | None = None
    part_bytes: int = PART_BYTES
    firings: int = 5_000


UNLIMITED = SealingLimits()


class SealWriter:
    """Writes seals, each with the digests of those that nothing referred to before.

    ``until`` is when the time to write is over; None is never.
    """

    def __init__(
        self,
        app: App,
        now: datetime,
        heads: tuple[Link, ...],
        signer: Signer | None,
        limits: SealingLimits,
    ) -> None:
        self._app = app
        self.now = now
        self._signer = signer
        self._heads = heads
        self._part_bytes = limits.part_bytes
        self.until = limits.until
        self.keys: list[str] = []

    @property
    def late(self) -> bool:
        """Whether the time to write seals is over."""
        return self.until is not None and self._app.now() >= self.until

    def write_day(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> None:
        """Seal a day, or what is missing of it where another audit ended half-way."""
        rows = known.rows()
        missing = [row for row in firings if str(row.run_id) not in rows]
        self._write(day, known.next_number, missing)

    def amend(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> SealedDay | None:
        """Write what of a sealed day became something else.

        Returns:
            The day with what was written; None where another audit is at it, or the time is over.
        """
        rows = changed(known.rows(), firings)
        written = self._write(day, known.next_number, rows) if rows else ()
        return None if written is None else SealedDay((*known.seals, *written))

    def _write(self, day: date, number: int, firings: Sequence[Firing]) -> tuple[Seal, ...] | None:
        """Write rows part by part, each before the facts of the next are gathered.

        Returns:
            What was written, without its facts; None where it is not all.
        """
        written, seals = 0, []
        parts = in_parts(self._rows(firings), self._part_bytes)
        for offset, part in enumerate(parts):
            written += len(part)
            seal = Seal(
                app=self._app.name,
                bucket=self._app.seals.bucket,
                day=day.isoformat(),
                sealed_at=format_time(self.now),
                previous=self._heads,
                firings=part,
                number=number + offset,
                complete=written == len(firings),
            )
            if not self._keep(seal):
                return None  # another audit is at it
            seals.append(evolve(seal, firings=tuple(map(without_facts, part))))
            if self.late and not seal.complete:
                return None  # the next audit goes on
        return tuple(seals)

    def _keep(self, seal: Seal) -> bool:
        content = seal.to_json()
        if self._signer is not None:
            self._app.seals.keep_public_key(self._signer.arn, self._signer.public)
            self._app.seals.keep_signature(content, self._signer.sign(content))
        if self._app.seals.write(seal):
            self.keys.append(seal.key)
            self._heads = (Link(seal.key, sha256(content).hexdigest()),)
            return True
        self._go_on_from(seal.key)
        return False

    def _go_on_from(self, key: str) -> None:
        """Take another audit's seal for the end of the chain, beside what it knew nothing of."""
        content = self._app.seals.raw([key]).get(key)
        try:
            named = {link.key for link in Seal.from_json(content or b"").previous}
        except EvidenceError:
            return  # it cannot be read; `verify` says so
        rest = [link for link in self._heads if link.key not in named]
        self._heads = (*rest, Link(key, sha256(content or b"").hexdigest()))

    def _rows(self, rows: Sequence[Firing]) -> Iterator[SealedRow]:
        # A source that did not answer would be sealed as one that had nothing to tell.
        gatherer = Gatherer(self._app, sealed=False, strict=True)
        # By schedule: records are searched for those of one, and a search goes through the records
        # of two weeks, whatever of them is wanted.
        ordered = sorted(rows, key=lambda row: (row.run_id.schedule, row.run_id.scheduled_time))
        for start in range(0, len(ordered), _RUNS_AT_ONCE):
            chunk = ordered[start : start + _RUNS_AT_ONCE]
            gathered = gatherer.gather_all([row.run_id for row in chunk])
            for row in chunk:
                evidence = gathered[row.run_id]
                ruling = judge(evidence, parse_time(evidence.gathered_at)).ruling
                state, detail, known = row.state, row.detail, facts(evidence)
                yield SealedRow(str(row.run_id), state, detail, row.expected, known, ruling)
