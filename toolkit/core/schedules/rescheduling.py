"""What a change of a schedule's stack does to its firings, told by the stack's parameters alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice

from attrs import frozen

from toolkit.core.schedules.firings import FiringDiff, LocalFiring, compare, localize
from toolkit.core.schedules.schedule import Schedule

_PERIOD = timedelta(days=7)
_SHOWN = 3


@frozen
class Rescheduling:
    """The firing diff of one schedule until a time, and its next firings after the change."""

    name: str
    diff: FiringDiff
    until: datetime
    next: tuple[LocalFiring, ...]

    def __str__(self) -> str:
        if self.diff.unchanged:
            return f"{self.name}: {self.diff}"
        times = ", ".join(f"{firing.local:%a %d %b %H:%M %Z}" for firing in self.next)
        return f"{self.name}: {self.diff} until {self.until:%d %b}\n  next {times or 'never'}"


def rescheduling(
    before: Mapping[str, str] | None, after: Mapping[str, str], now: datetime
) -> Rescheduling:
    """The effect of new parameters on the next seven days; ``before`` is None for a new stack."""
    old = Schedule.from_parameters(before).timetable() if before else None
    wanted = Schedule.from_parameters(after)
    new = wanted.timetable()
    until = now + _PERIOD
    shown = tuple(localize(islice(new.firings(now), _SHOWN), wanted.timezone))
    return Rescheduling(wanted.name, compare(old, new, now, until), until, shown)
