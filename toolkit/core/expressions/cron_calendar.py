"""From the parsed fields of a cron expression to instants, in either direction.

A day without a clock change needs one subtraction for all its firings; only the few days on which
the zone shifts are looked at wall time by wall time.
"""

from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from attrs import frozen

from toolkit.core.expressions.cron_days import DayRule
from toolkit.core.expressions.zones import first_instant, is_shifted

_DAY = timedelta(days=1)
# Every zone's 1970-2199 lies within these; nothing beyond can fire.
_FIRST = datetime(1969, 12, 30, tzinfo=UTC)
_LAST = datetime(2200, 1, 3, tzinfo=UTC)


@frozen
class Calendar:
    """The wall times that a cron expression selects; all tuples are sorted."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: DayRule

    @property
    def empty(self) -> bool:
        """Whether no date at all matches, such as 30 February."""
        return next(self._dates(_FIRST, UTC, 1), None) is None

    def instants(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """UTC instants strictly after an aware one, oldest first."""
        if after >= _LAST:
            return
        after = max(after, _FIRST)
        times = _times(self.hours, self.minutes)
        for wall in self._dates(after.astimezone(zone), zone, 1):
            midnight = _midnight(wall)
            if midnight is None:
                yield from (time for time in _changing(wall, times) if time > after)
                continue
            skip = bisect_right(times, after - midnight) if midnight <= after else 0
            for time in times[skip:]:
                yield midnight + time

    def instants_before(self, before: datetime, zone: tzinfo) -> Iterator[datetime]:
        """UTC instants strictly before an aware one, newest first."""
        if before <= _FIRST:
            return
        before = min(before, _LAST)
        times = _times(self.hours, self.minutes)
        # A clock set back over midnight shows yesterday again, while today has fired already.
        for wall in self._dates(before.astimezone(zone) + _DAY, zone, -1):
            midnight = _midnight(wall)
            if midnight is None:
                day = [time for time in _changing(wall, times) if time < before]
                yield from reversed(day)
                continue
            count = bisect_left(times, before - midnight)
            for time in reversed(times[:count]):
                yield midnight + time

    def disturbed(self, after: datetime, zone: tzinfo, until: datetime) -> Iterator[datetime]:
        """The wall times, aware in the zone, that it skips or repeats; on whole wall days."""
        times = _times(self.hours, self.minutes)
        last = min(until, _LAST).astimezone(zone).replace(fold=0)
        for wall in self._dates(max(after, _FIRST).astimezone(zone), zone, 1):
            if wall > last:
                return
            if _midnight(wall) is None:
                yield from (wall + time for time in times if is_shifted(wall + time))

    def _dates(self, start: datetime, zone: tzinfo, step: int) -> Iterator[datetime]:
        """Midnights, as wall times in the zone, from a wall time's day on or back."""
        memo: dict[tuple[int, int], tuple[int, ...]] = {}
        start_month = (start.year, start.month)
        for month in self._months(start, step):
            shape = _shape(month)
            days = memo.get(shape)
            if days is None:
                days = memo[shape] = self.days.in_month(*shape)[::step]
            if month == start_month:
                days = tuple(day for day in days if (day - start.day) * step >= 0)
            for day in days:
                yield datetime(*month, day, tzinfo=zone)

    def _months(self, start: datetime, step: int) -> Iterator[tuple[int, int]]:
        if step > 0:
            years = self.years[bisect_left(self.years, start.year) :]
        else:
            years = self.years[: bisect_right(self.years, start.year)][::-1]
        months = self.months[::step]
        for year in years:
            for month in months:
                if year != start.year or (month - start.month) * step >= 0:
                    yield year, month


@lru_cache(maxsize=256)
def _times(hours: tuple[int, ...], minutes: tuple[int, ...]) -> tuple[timedelta, ...]:
    return tuple(timedelta(hours=hour, minutes=minute) for hour in hours for minute in minutes)


@lru_cache(maxsize=4096)
def _shape(month: tuple[int, int]) -> tuple[int, int]:
    """The weekday of the first day of a (year, month), 0 = Sunday, and its length."""
    first, length = monthrange(*month)
    return (first + 1) % 7, length


def _midnight(wall: datetime) -> datetime | None:
    """The instant that all times of this day count from; None where the clock changes.

    Both offsets are those before a shift, so a shift exactly at midnight belongs to the day that
    it begins. No zone shifts twice within a day (a test looks at all of them).
    """
    offset = wall.utcoffset()
    if offset != (wall + _DAY).utcoffset():
        return None
    assert offset is not None
    return wall.replace(tzinfo=UTC) - offset


def _changing(wall: datetime, times: tuple[timedelta, ...]) -> Iterator[datetime]:
    for time in times:
        instant = first_instant(wall + time)
        if instant is not None:
            yield instant
