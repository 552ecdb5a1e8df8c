"""Seal each day once every firing of it is final, and write later what of it has changed.

The audit does this; nobody else may write below `seals/`. Two audits at once do no harm: a key is
written once, and a seal names every seal that nothing referred to before.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Protocol

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.evidence import Gatherer
from toolkit.app.schedules.history import Deployments
from toolkit.core.errors import EvidenceError
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.seal import Link, Seal, SealedRow, in_parts
from toolkit.core.proof.seal_chain import (
    DAY,
    Chain,
    SealedDay,
    changed,
    due_days,
    final,
    start_of,
    stretches,
    verify_chain,
)
from toolkit.core.proof.seal_facts import facts
from toolkit.core.proof.signature import Signature
from toolkit.core.schedules.history import History
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import format_time, parse_time
from toolkit.runtime.layout import seals_by_day

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


def seal_due_days(app: App, now: datetime, signer: Signer | None = None) -> SealsWritten:
    """Seal every day that is due and final; amend what of the last month changed since.

    Args:
        app: the app.
        now: the present.
        signer: what signs each seal before it is written; None leaves them unsigned.
    """
    history = Deployments(app, now).since(EPOCH)
    listed = {stored.key: stored.modified_at for stored in app.seals.listed()}
    since = (now - _LOOKED_BACK).date()
    chain = _read(app, listed, since)
    known = _complete(listed, chain)
    due = due_days(history.earliest, known, now)[:_DAYS_AT_ONCE]
    writer = _Writer(app, now, chain, signer)
    waiting = []
    for day, firings in _days(app, history, due):
        if final(firings):
            writer.write_day(day, chain.days.get(day, SealedDay(())), firings)
        else:
            waiting.append(day)
    if writer.keys:
        recent = sorted(day for day in chain.complete if day >= since)
        for day, firings in _days(app, history, recent):
            writer.amend(day, chain.days[day], firings)
    return SealsWritten(tuple(writer.keys), tuple(waiting))


def _complete(listed: Mapping[str, str], chain: Chain) -> set[date]:
    """The days that need no seal: read and whole, or older and listed with their own seal."""
    older = seals_by_day(listed).keys() - chain.days.keys()
    # A seal that cannot be believed is not written over: there is one object a key.
    return older | {day for day, seals in chain.days.items() if seals.complete} | chain.bad_days


def _read(app: App, listed: Mapping[str, str], since: date) -> Chain:
    """The seals of the days that are looked at again, and the last ones that were written.

    The chain goes on from those that nothing refers to: they are among the last of all.
    """
    newest = max((parse_time(time) for time in listed.values()), default=EPOCH)
    keys = [
        key
        for day, own in seals_by_day(listed).items()
        if day >= since or any(newest - parse_time(listed[key]) < DAY for key in own)
        for key in own
    ]
    return verify_chain(app.seals.raw(keys), app.seals.bucket, whole=False)


def _days(app: App, history: History, days: Sequence[date]) -> Iterator[tuple[date, list[Firing]]]:
    """The firings of some days, from the runs themselves; those in one stretch are read at once."""
    for begin, end in stretches(days):
        # A period begins after its start and goes up to its end.
        period = ledger.Period(start_of(begin) - _TICK, start_of(end) + DAY - _TICK)
        found: defaultdict[date, list[Firing]] = defaultdict(list)
        for firing in ledger.read(app, period, history, sealed=False).firings:
            found[firing.run_id.scheduled_time.date()].append(firing)
        day = begin
        while day <= end:
            yield day, found[day]
            day += DAY


class _Writer:
    """Writes seals, each with the digests of those that nothing referred to before."""

    def __init__(self, app: App, now: datetime, chain: Chain, signer: Signer | None) -> None:
        self._app = app
        self._now = now
        self._signer = signer
        self._heads: tuple[Link, ...] = chain.heads
        self.keys: list[str] = []

    def write_day(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> None:
        """Seal a day, or what is missing of it where another audit ended half-way."""
        missing = [row for row in firings if str(row.run_id) not in known.rows()]
        self._write(day, known.next_number, list(in_parts(self._rows(missing))))

    def amend(self, day: date, known: SealedDay, firings: Sequence[Firing]) -> None:
        """Write what of a sealed day became something else."""
        rows = changed(known.rows(), firings)
        if rows:
            self._write(day, known.next_number, list(in_parts(self._rows(rows))))

    def _write(self, day: date, number: int, parts: Sequence[tuple[SealedRow, ...]]) -> None:
        for offset, part in enumerate(parts):
            seal = Seal(
                app=self._app.name,
                bucket=self._app.seals.bucket,
                day=day.isoformat(),
                sealed_at=format_time(self._now),
                previous=self._heads,
                firings=part,
                number=number + offset,
                complete=offset == len(parts) - 1,
            )
            if not self._keep(seal):
                return  # another audit is at it

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

    def _rows(self, firings: Iterable[Firing]) -> Iterator[SealedRow]:
        rows = list(firings)
        gatherer = Gatherer(self._app, sealed=False)
        for start in range(0, len(rows), _RUNS_AT_ONCE):
            chunk = rows[start : start + _RUNS_AT_ONCE]
            gathered = gatherer.gather_all([row.run_id for row in chunk])
            for row in chunk:
                known = facts(gathered[row.run_id])
                yield SealedRow(str(row.run_id), row.state, row.detail, row.expected, known)
