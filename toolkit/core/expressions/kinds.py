"""What an expression is: one class each for cron, rate and at."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import ClassVar
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.core.expressions.cron_calendar import Calendar
from toolkit.core.expressions.cron_words import date_words, describe_calendar
from toolkit.core.expressions.error import ExpressionError
from toolkit.core.expressions.zones import find_zone, first_instant, is_repeated

_TICK = timedelta.resolution
# A day from the ends of Python's calendar, so that no zone can push a moment over them.
_EARLIEST = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
_HOURS_OF_A_DAY = 24
_NO_ZONE = "no time zone is set, so its hours are those of UTC, the whole year round"
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
            start: the schedule's StartDate: no cron or rate fires before it, a rate counts from it.
            end: the schedule's EndDate: no cron or rate fires after it.
            anchor: where a rate without ``start`` counts from, and first fires: the moment of its
                creation. The default is ``after``.

        Raises:
            ExpressionError: the zone is unknown, or it skips the wall time of an at().
            ValueError: a datetime has no zone.
        """
        self.check(timezone)
        after, last = _utc(after), until and _utc(until)
        origin = _utc(start or anchor or after)
        if self.bounded and start:
            after = max(after, _utc(start) - _TICK)
        if self.bounded and end:
            last = min(last, _utc(end)) if last else _utc(end)
        found = self._after(after, find_zone(timezone), origin)
        return found if last is None else takewhile(lambda time: time <= last, found)

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

        The other arguments and errors are those of ``firings``; a rate with neither ``start`` nor
        ``anchor`` has no past.
        """
        self.check(timezone)
        before, first = _utc(before), since and _utc(since)
        origin = _utc(start or anchor or before)
        if self.bounded and end:
            before = min(before, _utc(end) + _TICK)
        if self.bounded and start:
            first = max(first, _utc(start)) if first else _utc(start)
        found = self._before(before, find_zone(timezone), origin)
        return found if first is None else takewhile(lambda time: time >= first, found)

    @abstractmethod
    def describe(self) -> str:
        """What it means, in plain English."""

    def check(self, timezone: str | None) -> tuple[str, ...]:
        """Warnings that depend on the zone; None stands for a schedule that names none.

        Raises:
            ExpressionError: the zone is unknown, or the expression cannot work in it.
        """
        find_zone("UTC" if timezone is None else timezone)
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

    def describe(self) -> str:
        """Such as ``At 06:00, Monday to Friday``."""
        return describe_calendar(self.calendar)

    def check(self, timezone: str | None) -> tuple[str, ...]:
        """Warn of hours without a zone: they would be UTC's."""
        find_zone("UTC" if timezone is None else timezone)
        if timezone is None and len(self.calendar.hours) < _HOURS_OF_A_DAY:
            return (_NO_ZONE,)
        return ()

    def disturbed(self, after: datetime, timezone: str, until: datetime) -> Iterator[datetime]:
        """The wall times (aware, in the zone) of a period that the zone skips or repeats.

        ``after`` and ``until`` are aware; ``zones.is_repeated`` tells the two apart.
        """
        return self.calendar.disturbed(_utc(after), find_zone(timezone), _utc(until))

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
    def interval(self) -> timedelta:
        """The time between two firings."""
        return timedelta(minutes=self.value * _RATE_MINUTES[self.unit])

    def describe(self) -> str:
        """Such as ``Every 5 minutes``."""
        if self.unit == "day":
            return f"Every {self.value} days of 24 hours" if self.value > 1 else "Every 24 hours"
        return f"Every {self.value} {self.unit}s" if self.value > 1 else f"Every {self.unit}"

    def _after(self, after: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        interval = self.interval
        count = max((after - anchor) // interval + 1, 0)
        try:
            time = anchor + count * interval
            while True:
                yield time
                time += interval
        except OverflowError:  # Python's calendar ends with the year 9999
            return

    def _before(self, before: datetime, zone: ZoneInfo, anchor: datetime) -> Iterator[datetime]:  # noqa: ARG002
        interval = self.interval
        count = (before - anchor - _TICK) // interval  # negative: nothing before the anchor
        yield from (anchor + n * interval for n in range(count, -1, -1))


@frozen
class At(Expression):
    """at(yyyy-mm-ddThh:mm:ss): once; start and end dates do not apply to it."""

    kind = "at"

    wall: datetime

    @property
    def bounded(self) -> bool:
        """Scheduler ignores StartDate and EndDate of a one-time schedule."""
        return False

    def describe(self) -> str:
        """Such as ``Once, on Thursday 31 December 2026 at 23:59``."""
        time = self.wall.isoformat().partition("T")[2].removesuffix(":00")
        return f"Once, on {date_words(self.wall)} at {time}"

    def check(self, timezone: str | None) -> tuple[str, ...]:
        """Refuse a wall time that the zone skips, warn of one that it repeats."""
        if timezone is None:
            return ("no time zone is set, so it is a time of UTC",)
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


def _utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"{moment} has no time zone")
    return min(max(moment, _EARLIEST), _LATEST).astimezone(UTC)
