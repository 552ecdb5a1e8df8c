"""Schedule expressions as EventBridge Scheduler reads them: cron, rate and at.

    parse(text) -> Expression, or ExpressionError
    expression.firings(after, timezone) -> aware UTC datetimes

The dialect, its sources and what AWS leaves open are in docs/expressions.md.
"""

import re
from calendar import monthrange
from datetime import datetime

from toolkit.core.expressions.cron_parser import parse_cron
from toolkit.core.expressions.error import ExpressionError
from toolkit.core.expressions.kinds import At, Cron, Expression, Rate

__all__ = ["COUNTS_FROM_CREATION", "At", "Cron", "Expression", "ExpressionError", "Rate", "parse"]

_LONGEST = 256
_FORM = re.compile(r"(cron|rate|at)\(([^()]*)\)")
_EXAMPLE = "cron(0 6 * * ? *)"


def parse(text: str) -> Expression:
    """Read a schedule expression; raises ExpressionError with a corrected example.

    >>> from datetime import UTC
    >>> expression = parse("cron(0 6 ? * MON-FRI *)")
    >>> str(next(expression.firings(datetime(2026, 3, 27, 12, tzinfo=UTC), "Europe/Berlin")))
    '2026-03-30 04:00:00+00:00'
    """
    if not 1 <= len(text) <= _LONGEST:
        reason = f"an expression has 1 to {_LONGEST} characters"
        raise ExpressionError("expression", text, reason, f"write {_EXAMPLE}")
    match = _FORM.fullmatch(text)
    if match is None:
        raise _not_an_expression(text)
    return {"cron": _cron, "rate": _rate, "at": _at}[match[1]](text, match[2])


def _cron(text: str, body: str) -> Cron:
    calendar, warnings = parse_cron(body)
    return Cron(text, warnings, calendar)


_RATE = re.compile("(0*[1-9][0-9]*) (minute|hour|day)(s?)")
COUNTS_FROM_CREATION = (
    "a rate counts from the moment of its creation or change; a start date would fix that moment"
)


def _rate(text: str, body: str) -> Rate:
    match = _RATE.fullmatch(body)
    if match is None:
        raise _not_a_rate(body)
    number, unit, plural = match.groups()
    rate = Rate(text, (COUNTS_FROM_CREATION,), int(number), unit)
    try:
        _ = rate.interval
    except OverflowError:
        reason = "longer than the calendar"
        raise ExpressionError("value", number, reason, "write rate(365 days)") from None
    if (rate.value == 1) == bool(plural):
        reason = "1 takes the singular and every other number the plural"
        raise ExpressionError("unit", unit + plural, reason, _corrected_rate(body))
    return rate


def _not_a_rate(body: str) -> ExpressionError:
    number, _, unit = body.partition(" ")
    if re.fullmatch("0*[1-9][0-9]*", number):
        reason = "a rate counts in minutes, hours or days, in small letters"
        return ExpressionError("unit", unit, reason, _corrected_rate(body))
    value = body if body != body.strip() else number
    reason = "a rate is a whole number from 1, one space and a unit"
    return ExpressionError("value", value, reason, _corrected_rate(body))


def _corrected_rate(body: str) -> str:
    number = re.search("[1-9][0-9]{0,5}", body)
    unit = re.search("minute|hour|day", body.lower())
    value, name = number[0] if number else "1", unit[0] if unit else "minute"
    return f"write rate({value} {name})" if value == "1" else f"write rate({value} {name}s)"


_WALL = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})")
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_TO_THE_MINUTE = "Scheduler keeps to the minute: the seconds are not promised"


def _at(text: str, body: str) -> At:
    match = _WALL.fullmatch(body)
    if match is None:
        reason = "not of the form yyyy-mm-ddThh:mm:ss, without a zone or fractions"
        raise ExpressionError("date-time", body, reason, _corrected_at(body))
    year, month, day, hour, minute, second = map(int, match.groups())
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        reason = f"the year is outside {_FIRST_YEAR}-{_LAST_YEAR}"
        raise ExpressionError("date-time", body, reason, _corrected_at(body))
    try:
        wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - its zone is apart
    except ValueError as error:
        reason = f"no such moment: {error}"
        raise ExpressionError("date-time", body, reason, _corrected_at(body)) from None
    return At(text, (_TO_THE_MINUTE,) if second else (), wall)


def _corrected_at(body: str) -> str:
    numbers = [int(number) for number in re.findall("[0-9]+", body)[:6]]
    limits = ((_FIRST_YEAR, _LAST_YEAR), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59))
    if len(numbers) < len(("year", "month", "day")):
        return "write at(2030-12-31T23:59:00)"
    numbers += [0] * (len(limits) - len(numbers))
    year, month, day, *time = (
        min(max(number, low), high) for number, (low, high) in zip(numbers, limits, strict=True)
    )
    day = min(day, monthrange(year, month)[1])
    return f"write at({year}-{month:02}-{day:02}T{':'.join(f'{part:02}' for part in time)})"


def _not_an_expression(text: str) -> ExpressionError:
    reason = "an expression is cron(...), rate(...) or at(...), in small letters, nothing around it"
    return ExpressionError("expression", text, reason, _guess(text))


def _guess(text: str) -> str:
    """What a text without the right frame was meant to be."""
    kind, body = _meant(text.strip())
    meant = f"{kind}({body})"
    if _FORM.fullmatch(meant) is None:
        return f"write {_EXAMPLE}"
    try:
        return f"write {parse(meant)}"
    except ExpressionError as error:
        return error.hint


def _meant(text: str) -> tuple[str, str]:
    framed = re.fullmatch(r"(cron|rate|at)\s*\((.*)\)?", text, re.IGNORECASE | re.DOTALL)
    if framed:
        return framed[1].lower(), framed[2].strip(" ()")
    if re.search("minute|hour|day", text.lower()):
        return "rate", text
    if re.match("[0-9]{4}-", text):
        return "at", text
    return "cron", text
