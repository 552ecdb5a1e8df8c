"""The six fields of a cron expression, and how they go together."""

import re

from toolkit.core.expressions.cron_calendar import Calendar
from toolkit.core.expressions.cron_days import DayRule, parse_day_of_month, parse_day_of_week
from toolkit.core.expressions.cron_fields import HOURS, MINUTES, MONTH, YEAR, parse_values
from toolkit.core.expressions.error import ExpressionError, FieldProblem

_NAMES = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")
_HOURS, _DAY_OF_MONTH, _MONTH, _DAY_OF_WEEK, _YEAR = 1, 2, 3, 4, 5
_VALUE_FIELDS = {0: MINUTES, _HOURS: HOURS, _MONTH: MONTH, _YEAR: YEAR}
_UNIX_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
_EXAMPLE = "write cron(0 6 * * ? *)"


class _WrongField(Exception):  # noqa: N818 - becomes an ExpressionError
    """A field's place with its problem."""

    def __init__(self, place: int, problem: FieldProblem) -> None:
        super().__init__(problem.reason)
        self.place = place
        self.problem = problem


def parse_cron(body: str) -> tuple[Calendar, tuple[str, ...]]:
    """The calendar and the warnings of what stands between ``cron(`` and ``)``.

    Raises:
        ExpressionError: its hint is the expression with everything corrected.
    """
    fields = _split(body)
    warnings: list[str] = []
    try:
        calendar = _read(fields, warnings)
    except _WrongField as wrong:
        raise ExpressionError(
            _NAMES[wrong.place], wrong.problem.value, wrong.problem.reason, _corrected(fields)
        ) from None
    if calendar.empty:
        warnings.append("no date matches, so it never fires")
    elif _passes_midnight(fields):
        warnings.append(
            f"hours {fields[_HOURS]!r}: every day is matched by itself, so the hours after "
            "midnight belong to the same days, not to the mornings after them"
        )
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
    raise ExpressionError("expression", f"cron({body})", reason, _completed(words))


def _read(fields: list[str], warnings: list[str]) -> Calendar:
    values = {}
    for place, spec in _VALUE_FIELDS.items():
        try:
            values[place] = parse_values(spec, fields[place], warnings)
        except FieldProblem as problem:
            raise _WrongField(place, problem) from None
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
            raise _WrongField(place, problem) from None
    if len(rules) == 1:
        return rules[0]
    if not rules:
        reason = "day-of-month and day-of-week cannot both be '?'"
        raise _WrongField(_DAY_OF_MONTH, FieldProblem("?", reason, "*"))
    keeps_weekday = fields[_DAY_OF_MONTH] == "*" and fields[_DAY_OF_WEEK] != "*"
    place = _DAY_OF_MONTH if keeps_weekday else _DAY_OF_WEEK
    reason = "one of day-of-month and day-of-week must be '?'"
    raise _WrongField(place, FieldProblem(fields[place], reason, "?"))


def _passes_midnight(fields: list[str]) -> bool:
    """Whether a range of hours wraps although not every day fires."""
    ranges = re.findall("([0-9]+)-([0-9]+)", fields[_HOURS])
    every_day = {fields[_DAY_OF_MONTH], fields[_DAY_OF_WEEK]} == {"*", "?"}
    return not every_day and any(int(first) > int(last) for first, last in ranges)


def _corrected(fields: list[str]) -> str:
    """The expression with one field after the other corrected until all are right."""
    fields = list(fields)
    while True:
        try:
            _read(fields, [])
        except _WrongField as wrong:
            fields[wrong.place] = wrong.problem.instead
        else:
            return f"write cron({' '.join(fields)})"


def _completed(words: list[str]) -> str:
    """Six right fields out of a Unix crontab's five, or Quartz's seven."""
    if len(words) == len(_NAMES) + 1:
        words = words[1:]  # Quartz begins with seconds
    elif len(words) == _YEAR:
        weekdays = words[_DAY_OF_WEEK]
        if "?" not in words and re.fullmatch("[0-7]([-,][0-7])*", weekdays):
            # Unix counts Sunday as 0 or 7, AWS as 1: only names mean the same to both.
            weekdays = re.sub("[0-7]", lambda digit: _UNIX_DAYS[int(digit[0])], weekdays)
        words = [*words[:_DAY_OF_WEEK], weekdays, "*"]
    return _corrected(words) if len(words) == len(_NAMES) else _EXAMPLE
