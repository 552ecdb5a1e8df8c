"""Dates that have passed, as AWS takes them.

CreateSchedule and UpdateSchedule refuse a StartDate that lies more than five minutes back, so a
schedule cannot be updated with the start that it once had. A start that has passed says nothing to
a cron; a rate counts from it, and without it would count from the update.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from datetime import datetime

from attrs import evolve

from toolkit.core.expressions.expression import parse as parse_expression
from toolkit.core.expressions.kinds import At, Rate
from toolkit.core.schedules.schedule import Schedule
from toolkit.runtime.contract import parse_time


def sendable(schedule: Schedule, now: datetime) -> Schedule:
    """The schedule with a start that AWS takes: one that has passed goes.

    A rate gets the next moment of its beat in its place, unless it ends before that.
    """
    if not schedule.start or parse_time(schedule.start) > now:
        return schedule
    return evolve(schedule, start=_next_of_beat(schedule, now))


def as_deployed(wanted: Schedule, deployed: Schedule, now: datetime) -> Schedule:
    """The wanted schedule with the deployed start, where both mean the same firings from now on."""
    if sendable(wanted, now).start == sendable(deployed, now).start:
        return evolve(wanted, start=deployed.start)
    return wanted


def has_fired(schedule: Schedule, now: datetime) -> bool:
    """Whether it is a one-time schedule whose time has passed: AWS may refuse to write it again."""
    expression = parse_expression(schedule.expression)
    if not isinstance(expression, At):
        return False
    return next(expression.firings(now, schedule.timezone), None) is None


def _next_of_beat(schedule: Schedule, now: datetime) -> str:
    expression = parse_expression(schedule.expression)
    if not isinstance(expression, Rate):
        return ""
    start = parse_time(schedule.start)
    end = parse_time(schedule.end) if schedule.end else None
    beat = next(expression.firings(now, schedule.timezone, start=start, end=end), None)
    return f"{beat:%Y-%m-%dT%H:%M:%SZ}" if beat and (end is None or beat < end) else ""
