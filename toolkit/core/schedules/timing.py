"""All that decides when a schedule fires, as it is stored."""

from attrs import frozen

from toolkit.core.expressions.expression import parse as parse_expression
from toolkit.core.schedules.firings import Timetable
from toolkit.runtime.contract import parse_time


@frozen
class Timing:
    """When a schedule fires, in force since ``changed_at`` (ISO 8601, UTC; empty if not known)."""

    name: str
    expression: str
    timezone: str
    state: str
    start: str
    end: str
    changed_at: str

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
