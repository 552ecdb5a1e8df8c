"""What an expression is: one class each for cron, rate and at."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import ClassVar
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.core.cron_calendar import Calendar
from toolkit.core.expression_error import ExpressionError
from toolkit.core.zones import find_zone, first_instant, is_repeated

_TICK = timedelta.resolution
_RATE_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60}


@frozen
class Expression(ABC):
    """When something fires; ``text`` is the expression as AWS gets it.

    ``warnings`` says what AWS accepts or may accept, but people rarely mean.
    """

    kind: ClassVar[str]

    text: str
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        return self.text

    @property
    def never(self) -> bool:
        """Whether no zone and no moment could make it fire (30 February)."""
        return False

    def firings(
        self,
        after: datetime,
        timezone: str = "UTC",
        until: datetime | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        anchor: datetime | None = None,
    ) -> Iterator[datetime]:
        """The firings after a moment, oldest first, as aware UTC datetimes.

        Args:
            after: aware; firings are strictly later.
            timezone: the IANA zone whose wall clock cron and at follow.
            until: aware; firings are at or before it.
            start: the schedule's StartDate: no cron or rate fires before it.
            end: the schedule's EndDate: no cron or rate fires after it.
            anchor: where a rate counts from, its first firing: the start date, or else the moment
                of creation. The default is ``start``, and without one ``after``.

        Raises:
            ExpressionError: the zone is unknown, or it skips the wall time of an at().
        """
        _require_aware(after=after, until=until, start=start, end=end, anchor=anchor)
        self.check(timezone)
        anchor = anchor or start or after
        if self.bounded:
            after = max(after, start - _TICK) if start else after
            until = min(filter(None, (until, end)), default=None)
        found = self._after(after.astimezone(UTC), find_zone(timezone), anchor.astimezone(UTC))
        return found if until is None else takewhile(lambda time: time <= until, found)

    def firings_before(
        self,
        before: datetime,
        timezone: str = "UTC",
        since: datetime | None = None,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        anchor: datetime | None = None,
    ) -> Iterator[datetime]:
        """The firings before a moment, newest first: strictly before, and at or after ``since``.

        The other arguments and errors are those of ``firings``; a rate without ``anchor`` and
        ``start`` has no past.
        """
        _require_aware(before=before, since=since, start=start, end=end, anchor=anchor)
        self.check(timezone)
        anchor = anchor or start or before
        if self.bounded:
            before = min(before, end + _TICK) if end else before
            since = max(filter(None, (since, start)), default=None)
        found = self._before(before.astimezone(UTC), find_zone(timezone), anchor.astimezone(UTC))
        return found if since is None else takewhile(lambda time: time >= since, found)

    def check(self, timezone: str) -> tuple[str, ...]:
        """Warnings that depend on the zone; raises ExpressionError where it cannot work there."""
        find_zone(timezone)
        return ()

    @property
    def bounded(self) -> bool:
        """Whether start and end dates apply to it."""
        return True

    @abstractmethod
    def _after(self, after: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]: ...

    @abstractmethod
    def _before(self, before: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]: ...


@frozen
class Cron(Expression):
    """cron(minutes hours day-of-month month day-of-week year): wall times in a zone."""

    kind = "cron"

    calendar: Calendar

    @property
    def never(self) -> bool:
        """Whether no date matches."""
        return self.calendar.empty

    def _after(self, after: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        return self.calendar.instants(after, zone)

    def _before(self, before: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        return self.calendar.instants_before(before, zone)


@frozen
class Rate(Expression):
    """rate(value unit): every so many minutes, hours or days of 24 hours; zones do not matter."""

    kind = "rate"

    value: int
    unit: str

    @property
    def interval(self) -> timedelta | None:
        """The time between two firings; None where it is longer than the calendar."""
        try:
            return timedelta(minutes=self.value * _RATE_MINUTES[self.unit])
        except OverflowError:
            return None

    def _after(self, after: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        if anchor > after:
            yield anchor
            after = anchor
        if self.interval is None:
            return
        count = (after - anchor) // self.interval + 1
        try:
            time = anchor + count * self.interval
            while True:
                yield time
                time += self.interval
        except OverflowError:  # the year 9999 ends
            return

    def _before(self, before: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        if before <= anchor:
            return
        time = anchor
        if self.interval is not None:
            time += (before - anchor - _TICK) // self.interval * self.interval
            while time > anchor:
                yield time
                time -= self.interval
        yield anchor


@frozen
class At(Expression):
    """at(yyyy-mm-ddThh:mm:ss): once; start and end dates do not apply to it."""

    kind = "at"

    wall: datetime

    @property
    def bounded(self) -> bool:
        """Scheduler ignores StartDate and EndDate of a one-time schedule."""
        return False

    def check(self, timezone: str) -> tuple[str, ...]:
        """Refuse a wall time that the zone skips, warn of one that it repeats."""
        wall = self.wall.replace(tzinfo=find_zone(timezone))
        if first_instant(wall) is None:
            later = wall.astimezone(UTC).astimezone(wall.tzinfo)
            raise ExpressionError(
                "date-time",
                f"{self.wall:%Y-%m-%dT%H:%M:%S}",
                f"{timezone} skips this time when its clock is set forward",
                f"write at({later:%Y-%m-%dT%H:%M:%S})",
            )
        if is_repeated(wall):
            shown = f"{timezone} shows {self.wall:%Y-%m-%d %H:%M} twice when its clock is set back"
            return (f"{shown}; read as the first time (AWS does not document it)",)
        return ()

    def _instant(self, zone: ZoneInfo) -> datetime:
        instant = first_instant(self.wall.replace(tzinfo=zone))
        assert instant is not None  # check() came before
        return instant

    def _after(self, after: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        instant = self._instant(zone)
        return iter((instant,) if instant > after else ())

    def _before(self, before: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        instant = self._instant(zone)
        return iter((instant,) if instant < before else ())


def _require_aware(**moments: datetime | None) -> None:
    for name, moment in moments.items():
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name} has no time zone: {moment}")
