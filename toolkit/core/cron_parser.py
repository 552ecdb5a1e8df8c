"""The six fields of a cron expression, and how they go together."""

from toolkit.core.cron_calendar import Calendar
from toolkit.core.cron_days import DAY_RULES, parse_day_of_month, parse_day_of_week
from toolkit.core.cron_fields import DAY_NAMES, HOURS, MINUTES, MONTH, YEAR, parse_values
from toolkit.core.expression_error import ExpressionError, FieldProblem

_NAMES = ("minutes", "hours", "day-of-month", "month", "day-of-week", "year")
_DAY_OF_MONTH, _DAY_OF_WEEK, _YEAR = 2, 4, 5
_UNIX_DAYS = ("SUN", *list(DAY_NAMES)[1:], "SUN")


def parse_cron(body: str) -> tuple[Calendar, tuple[str, ...]]:
    """The calendar and the warnings of what stands between ``cron(`` and ``)``.

    Raises:
        ExpressionError: its hint is the expression with everything corrected.
    """
    fields = _split(body)
    warnings: list[str] = []
    try:
        return _read(fields, warnings), tuple(dict.fromkeys(warnings))
    except _WrongField as wrong:
        raise ExpressionError(
            _NAMES[wrong.place], wrong.problem.value, wrong.problem.reason, _hint(fields)
        ) from None


class _WrongField(Exception):  # noqa: N818 - becomes an ExpressionError
    """A field's place with its problem."""

    def __init__(self, place: int, problem: FieldProblem) -> None:
        super().__init__(problem.reason)
        self.place = place
        self.problem = problem


def _split(body: str) -> list[str]:
    fields = body.split(" ")
    if len(fields) == len(_NAMES) and all(fields) and body.split() == fields:
        return fields
    words = body.split()
    if len(words) == len(_NAMES):
        reason = "single spaces separate the fields, and none stand around them"
    else:
        reason = f"has {len(words)} fields instead of six: {' '.join(_NAMES)}"
    raise ExpressionError("expression", f"cron({body})", reason, _hint(_complete(words)))


def _read(fields: list[str], warnings: list[str]) -> Calendar:
    minutes = _values(0, fields, warnings)
    hours = _values(1, fields, warnings)
    days = _days(fields, warnings)
    return Calendar(
        minutes, hours, _values(3, fields, warnings), _values(5, fields, warnings), days
    )


def _values(place: int, fields: list[str], warnings: list[str]) -> tuple[int, ...]:
    spec = {0: MINUTES, 1: HOURS, 3: MONTH, 5: YEAR}[place]
    try:
        return parse_values(spec, fields[place], warnings)
    except FieldProblem as problem:
        raise _WrongField(place, problem) from None


def _days(fields: list[str], warnings: list[str]) -> DAY_RULES:
    month_days, weekdays = fields[_DAY_OF_MONTH], fields[_DAY_OF_WEEK]
    rules: list[DAY_RULES] = []
    for place, text, parse in (
        (_DAY_OF_MONTH, month_days, parse_day_of_month),
        (_DAY_OF_WEEK, weekdays, parse_day_of_week),
    ):
        if text == "?":
            continue
        try:
            rules.append(parse(text, warnings))
        except FieldProblem as problem:
            raise _WrongField(place, problem) from None
    if len(rules) == 1:
        return rules[0]
    if not rules:
        reason = "only one of day-of-month and day-of-week can be '?'"
        raise _WrongField(_DAY_OF_MONTH, FieldProblem("?", reason, "*"))
    reason = "day-of-month and day-of-week exclude each other: one of them must be '?'"
    if month_days == "*" and weekdays != "*":
        raise _WrongField(_DAY_OF_MONTH, FieldProblem(month_days, reason, "?"))
    raise _WrongField(_DAY_OF_WEEK, FieldProblem(weekdays, reason, "?"))


def _hint(fields: list[str]) -> str:
    """The expression with one field after the other corrected until it is right."""
    fields = list(fields)
    while True:
        try:
            _read(fields, [])
            return f"write cron({' '.join(fields)})"
        except _WrongField as wrong:
            fields[wrong.place] = wrong.problem.instead


def _complete(words: list[str]) -> list[str]:
    """Six fields out of fewer or more, guessing at a Unix crontab's five."""
    if len(words) == _YEAR and "?" not in words:
        weekdays = words[_DAY_OF_WEEK]
        if all(part in "01234567" for part in weekdays.replace("-", ",").split(",")):
            # Unix counts Sunday as 0 (or 7), AWS as 1: only names mean the same to both.
            words = [
                *words[:4],
                "".join(_UNIX_DAYS[int(c)] if c.isdigit() else c for c in weekdays),
            ]
    return [*words, "*", "*", "*", "*", "*", "*"][: len(_NAMES)]
