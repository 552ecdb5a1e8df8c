"""All that decides when a schedule fires and how late a launch may come, as it is stored."""

from datetime import UTC, datetime
from functools import lru_cache

from attrs import frozen

from toolkit.core.expressions.expression import parse as parse_expression
from toolkit.core.schedules.firings import Timetable
from toolkit.runtime.contract import ContractError, parse_time

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTES = 366 * 24 * 60  # AWS takes a day of either: what is more than a year is no window


@frozen
class Pause:
    """Until when a schedule does not fire, and who wanted that, and why.

    ``start`` is the schedule's own start; ``until``, the StartDate meanwhile, is later. Both are
    UTC as ISO 8601; ``start`` may be empty.
    """

    until: str
    who: str = ""
    why: str = ""
    start: str = ""

    def active(self, now: datetime) -> bool:
        """Whether it is not over."""
        return now < parse_time(self.until)

    def words(self, until: str = "") -> str:
        """For lists: such as ``paused until 2026-12-01 06:00Z by user/ada: a new station``.

        ``until`` goes before the time of its end in UTC.
        """
        until = until or f"{parse_time(self.until):%Y-%m-%d %H:%M}Z"
        by = f" by {self.who.rpartition(':')[2]}" if self.who else ""
        why = f": {self.why}" if self.why else ""
        return f"paused until {until}{by}{why}"

    def __str__(self) -> str:
        by = f" by {self.who}" if self.who else ""
        return f"until {self.until}{by}" + (f": {self.why}" if self.why else "")


@frozen
class Timing:
    """When a schedule fires, in force since ``changed_at`` (ISO 8601, UTC; empty if not known).

    The last two say how late Scheduler may deliver a launch; version 0.1 did not store them, and
    deployed the defaults of templates/schedule.yaml.
    """

    name: str
    expression: str
    timezone: str
    state: str
    start: str
    end: str
    changed_at: str
    flexible_window_minutes: int = 0
    event_age_seconds: int = 900
    pause: Pause | None = None

    @property
    def launch_window(self) -> float:
        """For how many seconds after a firing its launch may come, a minute's grace included."""
        return 60.0 * self.flexible_window_minutes + self.event_age_seconds + 60.0

    def timetable(self) -> Timetable:
        """When it fires; a rate without a start counts from its last change."""
        return Timetable(
            parse_expression(self.expression),
            self.timezone or "UTC",
            parse_time(self.start) if self.start else None,
            parse_time(self.end) if self.end else None,
            self.state == "ENABLED",
            parse_time(self.changed_at) if self.changed_at else None,
        )


@lru_cache(maxsize=4096)
def check(timing: Timing) -> None:
    """Refuse a timing that no firing can be computed from.

    Most rows of many records are the same, so each is checked once.

    Raises:
        ContractError: a time is none, or the launch window is negative or longer than a year.
        ExpressionError: AWS would refuse its expression or its zone.
    """
    pause = timing.pause
    needed = (timing.changed_at, *((pause.until,) if pause else ()))
    optional = (timing.start, timing.end, pause.start if pause else "")
    for text in (*needed, *filter(None, optional)):
        if parse_time(text) < _EPOCH:
            raise ContractError(f"schedule {timing.name} has a time before 1970: {text}")
    timetable = timing.timetable()
    timetable.expression.check(timetable.zone)
    minutes, seconds = timing.flexible_window_minutes, timing.event_age_seconds
    if not (0 <= minutes <= _MINUTES and 0 <= seconds <= 60 * _MINUTES):
        raise ContractError(f"schedule {timing.name} has a launch window that is none")
