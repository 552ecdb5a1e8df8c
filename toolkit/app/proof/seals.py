"""Seal each day once every firing of it is final, and write later what of it has changed.

The audit does this; nobody else may write below `seals/`. Two audits at once do no harm: a key is
written once, and a seal names every seal that nothing referred to before.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.known_seals import KnownSeals
from toolkit.app.proof.seal_writer import UNLIMITED, SealingLimits, SealWriter, Signer
from toolkit.app.schedules.history import Deployments
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.seal_chain import DAY, SealedDay, due_days, final, start_of
from toolkit.core.proof.seal_periods import day_stretches, periods
from toolkit.core.schedules.history import History
from toolkit.core.time_words import EPOCH

# A first audit may find years that nobody sealed; each seals so many days, the oldest first.
_DAYS_AT_ONCE = 31
# So long a sealed day is looked at again: the longest run takes 14 days, a launch two more.
_LOOKED_BACK = 31 * DAY
_TICK = timedelta(microseconds=1)


@frozen
class SealsWritten:
    """What one call wrote, and the days that wait because something of them is not final.

    ``amended`` is from when on sealed days are to be looked at again; None where that is done.
    """

    keys: tuple[str, ...]
    waiting: tuple[date, ...]
    amended: datetime | None = None


def seal_due_days(
    app: App,
    now: datetime,
    signer: Signer | None = None,
    limits: SealingLimits = UNLIMITED,
    amended: datetime | None = None,
) -> SealsWritten:
    """Seal every day that is due and final; amend what of the last month changed since.

    The month is looked at again, from its first day on, once a day was sealed. Where the time is
    over before that is done, the next call goes on where this one ended. Of the time, a quarter is
    left for it. Memory holds the firings of a day and the facts of a part, whatever was sealed
    before.

    Args:
        app: the app.
        now: the present.
        signer: what signs each seal before it is written; None leaves them unsigned.
        limits: how long to go on; what is left is for the next call.
        amended: where the call before ended looking at sealed days again; None where it was done.
    """
    history = Deployments(app, now).since(EPOCH)
    known = KnownSeals(app, {stored.key: stored for stored in app.seals.listed()})
    known.read((now - _LOOKED_BACK).date())
    writer = SealWriter(app, now, known.heads, signer, limits)
    again = _Again(app, history, known, writer, limits.firings)
    if limits.until is not None and amended is not None:
        writer.until = limits.until - (limits.until - now) / 4
    waiting = _seal(app, history, known, writer, limits.firings)
    writer.until = limits.until
    if writer.keys or amended is not None:
        since = (now - _LOOKED_BACK).replace(hour=0, minute=0, second=0, microsecond=0)
        amended = again.look(max(since, amended or since))
    return SealsWritten(tuple(writer.keys), tuple(waiting), amended)


def _seal(
    app: App, history: History, known: KnownSeals, writer: SealWriter, firings_at_once: int
) -> list[date]:
    """Seal the days that are due; returns those that are not final."""
    due = due_days(history.earliest, known.complete, writer.now)[:_DAYS_AT_ONCE]
    waiting: list[date] = []
    for begin, end in day_stretches(due, history, firings_at_once):
        for day, firings in _days(app, history, begin, end):
            if writer.late:
                return waiting
            if not final(firings):
                waiting.append(day)
            elif (standing := known.day(day)) is not None:
                writer.write_day(day, standing, firings)
    return waiting


def _days(
    app: App, history: History, begin: date, end: date
) -> Iterator[tuple[date, list[Firing]]]:
    """The firings of each day of a stretch, from the runs themselves."""
    firings = _firings(app, history, start_of(begin), start_of(end) + DAY)
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


def _firings(app: App, history: History, begin: datetime, end: datetime) -> Iterator[Firing]:
    """The firings from a time to before another, from the runs themselves."""
    # A period begins after its start and goes up to its end.
    period = ledger.Period(begin - _TICK, end - _TICK)
    return ledger.read(app, period, history, sealed=False).firings


class _Again:
    """Looks at sealed days again, and amends what changed."""

    def __init__(
        self,
        app: App,
        history: History,
        known: KnownSeals,
        writer: SealWriter,
        firings_at_once: int,
    ) -> None:
        self._app = app
        self._history = history
        self._known = known
        self._writer = writer
        self._at_once = firings_at_once
        # Before this call: what it seals itself is as it is.
        self._days = sorted(day for day in known.complete if day in known.keys)
        self._last: tuple[date, SealedDay | None] | None = None

    def look(self, since: datetime) -> datetime | None:
        """Look at what is sealed from a time on; returns where to go on, None where it is done."""
        days = [day for day in self._days if day >= since.date()]
        for begin, end in periods(days, since, self._history, self._at_once):
            if self._writer.late:
                return begin
            firings = _firings(self._app, self._history, begin, end)
            by_day = groupby(firings, key=lambda row: row.run_id.scheduled_time.date())
            if not all(self._amend(day, list(rows)) for day, rows in by_day):
                return begin
        return None

    def _amend(self, day: date, firings: Sequence[Firing]) -> bool:
        """Whether all of a day's changes are written; one that is broken has none."""
        if self._last is None or self._last[0] != day:
            self._last = day, self._known.day(day)
        standing = self._last[1]
        if standing is None:
            return True
        after = self._writer.amend(day, standing, firings)
        self._last = None if after is None else (day, after)
        return after is not None
