"""Schedule expressions as EventBridge Scheduler reads them: cron, rate and at.

    parse(text) -> Expression, or ExpressionError
    expression.firings(after, timezone) -> aware UTC datetimes

The dialect, its sources and what AWS leaves open are in docs/expressions.md.
"""

import re
from datetime import datetime

from toolkit.core.cron_parser import parse_cron
from toolkit.core.expression_error import ExpressionError
from toolkit.core.expression_kinds import At, Cron, Expression, Rate

__all__ = ["At", "Cron", "Expression", "ExpressionError", "Rate", "parse"]

_LONGEST = 256
_FORM = re.compile(r"(cron|rate|at)\(([^()]*)\)")
_EXAMPLE = "cron(0 6 * * ? *)"


def parse(text: str) -> Expression:
    """Read a schedule expression; raises ExpressionError with a corrected example.

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


_RATE_UNITS = ("minute", "hour", "day")
_ARBITRARY_START = (
    "a rate counts from the moment the schedule is created or changed; give it a start date to "
    "choose the moment"
)


def _rate(text: str, body: str) -> Rate:
    number, _, unit = body.partition(" ")
    if re.fullmatch(r"0*[1-9][0-9]*", number) is None:
        wrong = ("value", number, "a rate counts in whole numbers from 1")
        number = (
            "1" if re.fullmatch("0+", number) else next(iter(re.findall("[1-9][0-9]*", body)), "5")
        )
        raise ExpressionError(*wrong, f"write {_correct_rate(number, body)}")
    value = int(number)
    single = unit.removesuffix("s")
    example = f"write {_correct_rate(number, body)}"
    if single not in _RATE_UNITS or unit not in (single, f"{single}s"):
        raise ExpressionError("unit", unit, "a rate counts in minutes, hours or days", example)
    if (value == 1) != (unit == single):
        reason = "1 takes the singular and every other number the plural"
        raise ExpressionError("unit", unit, reason, example)
    rate = Rate(text, (_ARBITRARY_START,), value, single)
    if rate.interval is None:
        raise ExpressionError(
            "value", number, "this is longer than the calendar", "write rate(365 days)"
        )
    return rate


def _correct_rate(number: str, body: str) -> str:
    found = re.search("minute|hour|day", body.lower())
    unit = found[0] if found else "minute"
    return f"rate({number} {unit})" if int(number) == 1 else f"rate({number} {unit}s)"


_WALL = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)


def _at(text: str, body: str) -> At:
    match = _WALL.fullmatch(body)
    if match is None:
        reason = "a one-time schedule has the form yyyy-mm-ddThh:mm:ss, without a zone or fractions"
        raise ExpressionError("date-time", body, reason, f"write {_correct_at(body)}")
    try:
        year, month, day, hour, minute, second = map(int, match.groups())
        wall = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is apart
    except ValueError as error:
        raise ExpressionError(
            "date-time", body, f"no such moment: {error}", f"write {_correct_at(body)}"
        ) from None
    if not _FIRST_YEAR <= wall.year <= _LAST_YEAR:
        reason = f"the year is outside {_FIRST_YEAR}-{_LAST_YEAR}"
        raise ExpressionError("date-time", body, reason, "write at(2030-12-31T23:59:00)")
    warnings = ("Scheduler keeps to the minute only: the seconds are not promised",)
    return At(text, warnings if wall.second else (), wall)


_FIRST_YEAR, _LAST_YEAR = 1970, 2199


def _correct_at(body: str) -> str:
    try:
        wall = datetime.fromisoformat(body.strip())
    except ValueError:
        return "at(2030-12-31T23:59:00)"
    return f"at({wall:%Y-%m-%dT%H:%M:%S})"


def _not_an_expression(text: str) -> ExpressionError:
    reason = "an expression is cron(...), rate(...) or at(...), in small letters, nothing around it"
    for candidate in (
        text.strip(),
        text.strip().lower(),
        f"cron({text})",
        f"rate({text})",
        f"at({text})",
    ):
        try:
            if _FORM.fullmatch(candidate) and candidate != text:
                parse(candidate)
                return ExpressionError("expression", text, reason, f"write {candidate}")
        except ExpressionError:
            continue
    return ExpressionError("expression", text, reason, f"write {_EXAMPLE}")
