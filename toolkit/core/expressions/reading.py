"""Read an expression exactly as AWS would, or refuse it; hints are the business of hints.py."""

import re
from datetime import datetime

from toolkit.core.expressions.cron_parser import parse_cron
from toolkit.core.expressions.error import ExpressionError
from toolkit.core.expressions.kinds import At, Cron, Expression, Rate

_LONGEST = 256
_FORM = re.compile(r"(cron|rate|at)\(([^()]*)\)")


def read(text: str) -> Expression:
    """The expression; raises ExpressionError without a hint."""
    if not 1 <= len(text) <= _LONGEST:
        raise ExpressionError("expression", text, f"an expression has 1 to {_LONGEST} characters")
    match = _FORM.fullmatch(text)
    if match is None:
        reason = "an expression is cron(...), rate(...) or at(...), in small letters, nothing else"
        raise ExpressionError("expression", text, reason)
    return {"cron": _cron, "rate": _rate, "at": _at}[match[1]](text, match[2])


def _cron(text: str, body: str) -> Cron:
    calendar, warnings = parse_cron(body)
    return Cron(text, warnings, calendar)


_RATE = re.compile("(0*[1-9][0-9]*) (minute|hour|day)(s?)")


def _rate(text: str, body: str) -> Rate:
    match = _RATE.fullmatch(body)
    if match is None:
        raise _not_a_rate(body)
    number, unit, plural = match.groups()
    rate = Rate(text, (), int(number), unit)
    try:
        _ = rate.interval
    except OverflowError:
        raise ExpressionError("value", number, "longer than the calendar") from None
    if (rate.value == 1) == bool(plural):
        reason = "1 takes the singular and every other number the plural"
        raise ExpressionError("unit", unit + plural, reason)
    return rate


def _not_a_rate(body: str) -> ExpressionError:
    number, _, unit = body.partition(" ")
    if re.fullmatch("0*[1-9][0-9]*", number):
        reason = "a rate counts in minutes, hours or days, in small letters"
        return ExpressionError("unit", unit, reason)
    value = body if body != body.strip() else number
    return ExpressionError("value", value, "a rate is a whole number from 1, one space and a unit")


_WALL = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})")
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_TO_THE_MINUTE = "Scheduler keeps to the minute: the seconds are not promised"


def _at(text: str, body: str) -> At:
    match = _WALL.fullmatch(body)
    if match is None:
        reason = "not of the form yyyy-mm-ddThh:mm:ss, without a zone or fractions"
        raise ExpressionError("date-time", body, reason)
    year, month, day, hour, minute, second = map(int, match.groups())
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        reason = f"the year is outside {_FIRST_YEAR}-{_LAST_YEAR}"
        raise ExpressionError("date-time", body, reason)
    try:
        wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its zone is apart
    except ValueError as error:
        raise ExpressionError("date-time", body, f"no such moment: {error}") from None
    return At(text, (_TO_THE_MINUTE,) if second else (), wall)
