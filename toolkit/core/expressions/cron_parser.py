"""The six fields of a cron expression, and how they go together."""

import re
from calendar import monthrange
from collections.abc import Iterator

from toolkit.core.expressions.cron_calendar import Calendar
from toolkit.core.expressions.cron_days import (
    DayRule,
    MonthDays,
    parse_day_of_month,
    parse_day_of_week,
)
from toolkit.core.expressions.cron_fields import HOURS, MINUTES, MONTH, YEAR, parse_values
from toolkit.core.expressions.error import ExpressionError, FieldProblem

_NAMES = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")
_HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR = 1, 2, 3, 4, 5
_RARE_DAY = 29
_UNIX_WEEK = "1-5"  # Monday to Friday to whoever knows crontab
_VALUE_FIELDS = {0: MINUTES, _HOURS: HOURS, _MONTH: MONTH, _YEAR: YEAR}


def parse_cron(body: str) -> tuple[Calendar, tuple[str, ...]]:
    """The calendar and the warnings of what stands between ``cron(`` and ``)``.

    Raises:
        ExpressionError: a field is wrong; it has no hint.
    """
    fields = _split(body)
    warnings: list[str] = []
    calendar = _read(fields, warnings)
    if calendar.empty:
        warnings.append("no date matches, so it never fires")
    else:
        warnings.extend(_surprises(fields, calendar))
    return calendar, tuple(dict.fromkeys(warnings))


def _split(body: str) -> list[str]:
    fields = body.split(" ")
    words = body.split()
    if len(fields) == len(_NAMES) and fields == words:
        return fields
    if len(words) == len(_NAMES):
        reason = "single spaces separate the fields, and none stand around them"
    else:
        reason = f"has {len(words)} of the six fields {' '.join(_NAMES)}"
    raise ExpressionError("expression", f"cron({body})", reason)


def _read(fields: list[str], warnings: list[str]) -> Calendar:
    values = {}
    for place, spec in _VALUE_FIELDS.items():
        try:
            values[place] = parse_values(spec, fields[place], warnings)
        except FieldProblem as problem:
            raise ExpressionError(_NAMES[place], problem.value, problem.reason) from None
    days = _read_days(fields, warnings)
    return Calendar(values[0], values[_HOURS], values[_MONTH], values[_YEAR], days)


def _read_days(fields: list[str], warnings: list[str]) -> DayRule:
    rules: list[DayRule] = []
    for place, parse in ((_DAY_OF_MONTH, parse_day_of_month), (_DAY_OF_WEEK, parse_day_of_week)):
        if fields[place] == "?":
            continue
        try:
            rules.append(parse(fields[place], warnings))
        except FieldProblem as problem:
            raise ExpressionError(_NAMES[place], problem.value, problem.reason) from None
    if len(rules) == 1:
        return rules[0]
    if not rules:
        reason = "day-of-month and day-of-week cannot both be '?'"
        raise ExpressionError(_NAMES[_DAY_OF_MONTH], "?", reason)
    keeps_weekday = fields[_DAY_OF_MONTH] == "*" and fields[_DAY_OF_WEEK] != "*"
    place = _DAY_OF_MONTH if keeps_weekday else _DAY_OF_WEEK
    reason = "one of day-of-month and day-of-week must be '?'"
    raise ExpressionError(_NAMES[place], fields[place], reason)


def _surprises(fields: list[str], calendar: Calendar) -> Iterator[str]:
    """What is documented, and yet rarely what somebody means."""
    if _passes_midnight(fields):
        yield (
            f"hours {fields[_HOURS]!r}: every day is matched by itself, so the hours after "
            "midnight belong to the same days, not to the mornings after them"
        )
    if isinstance(calendar.days, MonthDays) and _some_month_lacks(calendar.days.days[0], calendar):
        text = fields[_DAY_OF_MONTH]
        yield f"day-of-month {text!r}: a month without such a day does not fire; L is the last day"
    if fields[_DAY_OF_WEEK] == _UNIX_WEEK:
        yield (
            f"day-of-week {_UNIX_WEEK!r} is Sunday to Thursday, because AWS counts from SUN = 1; "
            "write MON-FRI or SUN-THU to be sure"
        )


def _some_month_lacks(day: int, calendar: Calendar) -> bool:
    """Whether a selected month has no such day."""
    return day >= _RARE_DAY and any(
        day > monthrange(year, month)[1] for year in calendar.years for month in calendar.months
    )


def _passes_midnight(fields: list[str]) -> bool:
    """Whether a range of hours wraps although not every day fires."""
    ranges = re.findall("([0-9]+)-([0-9]+)", fields[_HOURS])
    every_day = {fields[_DAY_OF_MONTH], fields[_DAY_OF_WEEK]} == {"*", "?"}
    return not every_day and any(int(first) > int(last) for first, last in ranges)
