"""Seal each day once every firing of it is final, and write later what of it has changed.

The audit does this; nobody else may write below `seals/`. Two audits at once do no harm: a key is
written once, and a seal names every seal that nothing referred to before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Protocol

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.evidence import Gatherer
from toolkit.app.schedules.history import Deployments
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.seal import PART_BYTES, Link, Seal, SealedRow, in_parts
from toolkit.core.proof.seal_chain import (
    DAY,
    ChainCheck,
    SealedDay,
    changed,
    due_days,
    final,
    own_seal,
    start_of,
    stretches,
    without_facts,
)
from toolkit.core.proof.seal_facts import facts
from toolkit.core.proof.signature import Signature
from toolkit.core.proof.verdict import judge
from toolkit.core.schedules.history import History
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import format_time, parse_time
from toolkit.runtime.layout import sealed, seals_by_day

# A first audit may find years that nobody sealed; each seals so many days, the oldest first.
_DAYS_AT_ONCE = 31
# So long a sealed day is looked at again: the longest run takes 14 days, a launch two more.
_LOOKED_BACK = 31 * DAY
_RUNS_AT_ONCE = 1000
_TICK = timedelta(microseconds=1)


class Signer(Protocol):
    """What signs a seal."""

    arn: str

    @property
    def public(self) -> str:
        """The public key as PEM."""

    def sign(self, seal: bytes) -> Signature:
        """The signature of a seal."""


@frozen
class SealsWritten:
    """What one call wrote, and the days that wait because something of them is not final."""

    keys: tuple[str, ...]
    waiting: tuple[date, ...]


@frozen
class SealingLimits:
    """From ``until`` on no other seal is begun; a seal has ``part_bytes`` at most, or one row."""

    until: datetime | None = None
    part_bytes: int = PART_BYTES


UNLIMITED = SealingLimits()


def seal_due_days(
    app: App, now: datetime, signer: Signer | None = None, limits: SealingLimits = UNLIMITED
) -> SealsWritten:
    """Seal every day that is due and final; amend what of the last month changed since.

    Memory holds the firings of a day and the facts of a part, whatever was sealed before.

    Args:
        app: the app.
        now: the present.
        signer: what signs each seal before it is written; None leaves them unsigned.
        limits: how long to go on; what is left is for the next call.
    """
    history = Deployments(app, now).since(EPOCH)
    listed = {stored.key: stored for stored in app.seals.listed()}
    since = (now - _LOOKED_BACK).date()
    known = _KnownSeals(app, listed)
    known.read(since)
    due = due_days(history.earliest, known.complete, now)[:_DAYS_AT_ONCE]
    writer = _Writer(app, now, known.heads, signer, limits)
    waiting = []
    for day, firings in _days(app, history, due):
        if writer.late:
            break
        if not final(firings):
            waiting.append(day)
        elif (standing := known.day(day)) is not None:
            writer.write_day(day, standing, firings)
    if writer.keys:
        recent = sorted(day for day in known.complete if day >= since and day in known.keys)
        for day, firings in _days(app, history, recent):
            if writer.late:
                break
            if (standing := known.day(day)) is not None:
                writer.amend(day, standing, firings)
    return SealsWritten(tuple(writer.keys), tuple(waiting))


class _KnownSeals:
    """The seals that stand, as far as sealing goes on from them: read one by one, none is kept."""

    def __init__(self, app: App, listed: Mapping[str, StoredObject]) -> None:
        self._app = app
        self._listed = listed
        self.keys = seals_by_day(listed)
        self.complete: set[date] = set(self.keys)
        self.heads: tuple[Link, ...] = ()

    def read(self, since: date) -> None:
        """Find the days that are whole, and the seals that no other seal names.

        A day is whole by its last seal: amendments follow the last of its parts only. The heads of
        the chain are among the seals of the day on which the newest was written.
        """
        times = {key: parse_time(stored.modified_at) for key, stored in self._listed.items()}
        newest = max(times.values(), default=EPOCH)
        late = {key for key, time in times.items() if newest - time < DAY}
        last = {max(keys, key=_number) for day, keys in self.keys.items() if day >= since}
        last |= {max(self.keys[day], key=_number) for day in seals_by_day(late)}
        named: set[str] = set()
        links = {}
        for key, content in self._contents(late | last):
            try:
                seal = own_seal(key, content, self._app.seals.bucket)
            except EvidenceError:
                continue  # it is not written over: there is one object a key; `verify` names it
            named |= {link.key for link in seal.previous}
            if key in late:
                links[key] = Link(key, sha256(content).hexdigest())
            if key in last and not seal.complete:
                self.complete.discard(date.fromisoformat(seal.day))
        self.heads = tuple(link for key, link in sorted(links.items()) if key not in named)

    def day(self, day: date) -> SealedDay | None:
        """A day's seals without their facts; None where one of them is broken: `verify` names it.

        What stands in a seal that cannot be read is not known, so nothing is added to it.
        """
        check = ChainCheck(self._app.seals.bucket, without_facts)
        keys = self.keys.get(day, [])
        chain = check.add(self._contents(keys))
        return None if chain.problems else chain.days.get(day, SealedDay(()))

    def _contents(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        return self._app.seals.contents(self._listed[key] for key in sorted(keys))


def _number(key: str) -> int:
    found = sealed(key)
    return found[1] if found else 0


def _days(app: App, history: History, days: Sequence[date]) -> Iterator[tuple[date, list[Firing]]]:
    """The firings of some days, from the runs themselves; those in one stretch are read at once."""
    for begin, end in stretches(days):
        # A period begins after its start and goes up to its end.
        period = ledger.Period(start_of(begin) - _TICK, start_of(end) + DAY - _TICK)
        firings = ledger.read(app, period, history, sealed=False).firings
        by_day = groupby(firings, key=lambda row: row.run_id.scheduled_time.date())
        following = next(by_day, None)
        day = begin
        while day <= end:
            found: list[Firing] = []
            if following is not None and following[0] == day:
                found = list(following[1])
                following = next(by_day, None)
            yield day, found
            day += DAY


class _Writer:
    """Writes seals, each with the digests of those that nothing referred to before."""

    def __init__(
        self,
        app: App,
        now: datetime,
        heads: tuple[Link, ...],
        signer: Signer | None,
        limits: SealingLimits,
    ) -> None:
        self._app = app
        self._now = now
        self._signer = signer
        self._heads = heads
        self._limits = limits
        self.keys: list[str] = []

    @property
    def late(self) -> bool:
        """Whether the time to write seals is over."""
        until = self._limits.until
        return until is not None and self._app.now() >= until

    def write_day(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> None:
        """Seal a day, or what is missing of it where another audit ended half-way."""
        rows = known.rows()
        missing = [row for row in firings if str(row.run_id) not in rows]
        self._write(day, known.next_number, missing)

    def amend(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> None:
        """Write what of a sealed day became something else."""
        rows = changed(known.rows(), firings)
        if rows:
            self._write(day, known.next_number, rows)

    def _write(self, day: date, number: int, firings: Sequence[Firing]) -> None:
        """Write rows part by part, each before the facts of the next are gathered."""
        written = 0
        parts = in_parts(self._rows(firings), self._limits.part_bytes)
        for offset, part in enumerate(parts):
            written += len(part)
            seal = Seal(
                app=self._app.name,
                bucket=self._app.seals.bucket,
                day=day.isoformat(),
                sealed_at=format_time(self._now),
                previous=self._heads,
                firings=part,
                number=number + offset,
                complete=written == len(firings),
            )
            if not self._keep(seal) or self.late:
                return  # another audit is at it, or the next one goes on

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
        for start in range(0, len(rows), _RUNS_AT_ONCE):
            chunk = rows[start : start + _RUNS_AT_ONCE]
            gathered = gatherer.gather_all([row.run_id for row in chunk])
            for row in chunk:
                evidence = gathered[row.run_id]
                ruling = judge(evidence, parse_time(evidence.gathered_at)).ruling
                state, detail, known = row.state, row.detail, facts(evidence)
                yield SealedRow(str(row.run_id), state, detail, row.expected, known, ruling)
