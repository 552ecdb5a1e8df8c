"""What a schedule's timing makes happen, and what a change of it changes.

Timetable           an expression in a zone, within its dates, on or off
compare(old, new)   which firings a change adds, removes and shifts
localize(times)     firings on the zone's wall clock, clock changes marked
overlaps(times)     firings that may begin before the run ahead of them has ended
merge(timetables)   the firings of many schedules in one order
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from attrs import evolve, frozen

from toolkit.core.expressions.expression import Cron, Expression, Rate
from toolkit.core.expressions.zones import find_zone, is_repeated

_COUNTS_FROM_CREATION = (
    "a rate counts from the moment of its creation or change; a start date would fix that moment"
)


@frozen
class Timetable:
    """When a schedule fires: all of its definition that time depends on.

    ``timezone`` is None where the schedule names none, which AWS reads as UTC. ``start`` and
    ``end`` are its StartDate and EndDate; ``anchor`` is the moment of its creation, from which a
    rate without ``start`` counts (see ``Expression.firings``).
    """

    expression: Expression
    timezone: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    enabled: bool = True
    anchor: datetime | None = None

    @property
    def zone(self) -> str:
        """The IANA zone whose wall clock it follows."""
        return "UTC" if self.timezone is None else self.timezone

    def warnings(self, now: datetime) -> tuple[str, ...]:
        """All that may surprise its owner, as of a moment.

        Raises:
            ExpressionError: the zone is unknown, or it skips the wall time of an at().
        """
        expression = self.expression
        found = [*expression.warnings, *expression.check(self.timezone)]
        if self.start is None and isinstance(expression, Rate):
            found.append(_COUNTS_FROM_CREATION)
        if not expression.bounded and (self.start or self.end):
            found.append("start and end dates do not apply to a one-time schedule")
        if not expression.never and evolve(self, enabled=True).next(now) is None:
            found.append(f"no firing is left after {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC")
        return tuple(found)

    def spent(self, now: datetime) -> str:
        """Why an enabled schedule fires no more; empty while it may."""
        if not self.enabled or self.next(now) is not None:
            return ""
        if self.end is not None and self.end <= now:
            return f"its end, {self.end.astimezone(UTC):%Y-%m-%d %H:%M} UTC, has passed"
        return "no firing is left"

    def firings(self, after: datetime, until: datetime | None = None) -> Iterator[datetime]:
        """The firings after a moment and up to another, in UTC; none while it is disabled."""
        if not self.enabled:
            return iter(())
        return self.expression.firings(
            after, self.zone, until, start=self.start, end=self.end, anchor=self.anchor
        )

    def next(self, after: datetime) -> datetime | None:
        """The first firing after a moment; None where there is none any more."""
        return next(self.firings(after), None)

    def previous(self, before: datetime) -> datetime | None:
        """The last firing before a moment; None where there was none."""
        if not self.enabled:
            return None
        found = self.expression.firings_before(
            before, self.zone, start=self.start, end=self.end, anchor=self.anchor
        )
        return next(found, None)


@frozen
class Shift:
    """One firing that moves."""

    before: datetime
    after: datetime

    @property
    def by(self) -> timedelta:
        """How far, positive when it comes later."""
        return self.after - self.before


@frozen
class FiringDiff:
    """What a change does to the firings of a period; every tuple is in order of time, in UTC."""

    kept: tuple[datetime, ...] = ()
    added: tuple[datetime, ...] = ()
    removed: tuple[datetime, ...] = ()
    shifted: tuple[Shift, ...] = ()

    @property
    def unchanged(self) -> bool:
        """Whether the period sees no difference."""
        return not (self.added or self.removed or self.shifted)

    def __str__(self) -> str:
        if self.unchanged:
            return "changes no firing"
        counts = {"adds": self.added, "removes": self.removed, "shifts": self.shifted}
        return ", ".join(f"{verb} {len(times)}" for verb, times in counts.items() if times)


def compare(
    old: Timetable | None, new: Timetable | None, after: datetime, until: datetime
) -> FiringDiff:
    """The firing diff of a period; None stands for a schedule that is not there.

    A firing counts as shifted, not as removed and added, where a day of the wall clock loses as
    many firings as it gains: they are paired in order.

    >>> from toolkit.core.expressions.expression import parse
    >>> six, seven = Timetable(parse("cron(0 6 * * ? *)")), Timetable(parse("cron(0 7 * * ? *)"))
    >>> str(compare(six, seven, datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)))
    'shifts 3'
    """
    old_times = set(old.firings(after, until)) if old else set()
    new_times = set(new.firings(after, until)) if new else set()
    removed = _by_day(old, old_times - new_times)
    added = _by_day(new, new_times - old_times)
    shifted: list[Shift] = []
    for day in removed.keys() & added.keys():
        if len(removed[day]) == len(added[day]):
            shifted += map(Shift, removed.pop(day), added.pop(day))
    return FiringDiff(
        kept=tuple(sorted(old_times & new_times)),
        added=_flat(added),
        removed=_flat(removed),
        shifted=tuple(sorted(shifted, key=lambda shift: shift.before)),
    )


def _by_day(timetable: Timetable | None, times: Iterable[datetime]) -> dict[date, list[datetime]]:
    days: defaultdict[date, list[datetime]] = defaultdict(list)
    if timetable is not None:
        zone = find_zone(timetable.zone)
        for time in sorted(times):
            days[time.astimezone(zone).date()].append(time)
    return dict(days)


def _flat(days: Mapping[date, list[datetime]]) -> tuple[datetime, ...]:
    return tuple(sorted(time for times in days.values() for time in times))


@frozen
class LocalFiring:
    """A firing on a wall clock; ``clock_change`` is how far the clock moved since the one before.

    It is zero for most, +1 h for the first firing in summer time and -1 h for the first after it.
    """

    utc: datetime
    local: datetime
    clock_change: timedelta = timedelta()


def localize(times: Iterable[datetime], timezone: str) -> Iterator[LocalFiring]:
    """Firings on the zone's wall clock, in the order given, clock changes marked."""
    zone = find_zone(timezone)
    offset: timedelta | None = None
    for time in times:
        local = time.astimezone(zone)
        now = local.utcoffset()
        assert now is not None
        yield LocalFiring(time, local, now - offset if offset is not None else timedelta())
        offset = now


@frozen
class ClockEffect:
    """A wall time of a schedule that its zone skips (no firing) or repeats (fires once)."""

    wall: datetime
    repeated: bool

    def __str__(self) -> str:
        when = f"{self.wall:%Y-%m-%d %H:%M}"
        if self.repeated:
            return f"{when} comes twice when the clock is set back: fires the first time only"
        return f"{when} is skipped when the clock is set forward: no firing"


def clock_effects(timetable: Timetable, after: datetime, until: datetime) -> Iterator[ClockEffect]:
    """What the clock changes of a period (in whole wall days) do to a cron schedule."""
    expression = timetable.expression
    if timetable.enabled and isinstance(expression, Cron):
        for wall in expression.disturbed(after, timetable.zone, until):
            yield ClockEffect(wall, is_repeated(wall))


@frozen
class Overlap:
    """A firing that comes while the run of the one before it may still go on, and for how long."""

    firing: datetime
    previous: datetime
    overlap: timedelta


def overlaps(times: Iterable[datetime], max_runtime: timedelta) -> Iterator[Overlap]:
    """The firings, of those given in order, that come less than ``max_runtime`` after another."""
    for previous, firing in pairwise(times):
        left = max_runtime - (firing - previous)
        if left > timedelta():
            yield Overlap(firing, previous, left)


def merge(
    timetables: Mapping[str, Timetable], after: datetime, until: datetime
) -> Iterator[tuple[datetime, str]]:
    """The firings of schedules by name, as (UTC time, name) in order; names break ties."""
    streams = [
        _named(name, timetable.firings(after, until)) for name, timetable in timetables.items()
    ]
    return heapq.merge(*streams)


def _named(name: str, times: Iterable[datetime]) -> Iterator[tuple[datetime, str]]:
    for time in times:
        yield time, name
