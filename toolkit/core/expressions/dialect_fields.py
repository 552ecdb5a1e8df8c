"""One cron field of another dialect, in AWS's spelling.

Raises FieldProblem where the text is no such field, Inexpressible where AWS cannot say what it
means.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from toolkit.core.expressions.cron_fields import (
    DAY_NAMES,
    DAY_OF_MONTH,
    MONTH,
    MONTH_NAMES,
    Field,
    parse_values,
)
from toolkit.core.expressions.error import FieldProblem

_DAYS = tuple(DAY_NAMES)
_WEEK = len(_DAYS)

# Everything that people call a day of the week, with what AWS calls it.
_LONG_DAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")
_OTHER_DAYS = {"TUES": "TUE", "WEDS": "WED", "THUR": "THU", "THURS": "THU"}
DAY_WORDS = {
    **{f"{day}{plural}": day[:3] for day in _LONG_DAYS for plural in ("", "S")},
    **{day: day for day in _DAYS},
    **{f"{day}S": day for day in _DAYS},
    **_OTHER_DAYS,
}
DAY_GROUPS = {
    **{f"{name}{plural}": "MON-FRI" for name in ("WEEKDAY", "WORKDAY") for plural in ("", "S")},
    **dict.fromkeys(("WEEKEND", "WEEKENDS"), "SAT,SUN"),
}
_LONG_MONTHS = (
    "JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER"
)
MONTH_WORDS = {
    **{month: month[:3] for month in _LONG_MONTHS.split()},
    **{month: month for month in MONTH_NAMES},
    "SEPT": "SEP",
}


class Inexpressible(Exception):  # noqa: N818 - ends one reading, not the search
    """AWS cannot say what the words mean; the text says why."""


def value_field(spec: Field) -> Callable[[str], str]:
    """A translation of a field of numbers, such as the minutes."""

    def translate(text: str) -> str:
        warnings: list[str] = []
        values = parse_values(spec, text, warnings)
        for item in text.split(","):
            step = item.partition("/")[2]
            if step and int(step) > spec.size:
                reason = f"the step passes {spec.high}, the end of the field"
                raise FieldProblem(item, reason)
        return _shortest(spec, values) if warnings else text

    return translate


def _shortest(spec: Field, values: tuple[int, ...]) -> str:
    """A spelling that warns of nothing."""
    if values == spec.every:
        return "*"
    steps = {later - value for value, later in itertools.pairwise(values)}
    if len(values) > 2 and len(steps) == 1 and steps != {1}:
        return f"{values[0]}-{values[-1]}/{steps.pop()}"
    return ",".join(_stretches(values))


def _stretches(values: Sequence[int]) -> Iterator[str]:
    first = last = values[0]
    for value in [*values[1:], None]:
        if value == last + 1:
            last = value
            continue
        yield str(first) if first == last else f"{first}-{last}"
        first = last = value or 0


def midnight(hours: str) -> str:
    """Hour 24 as hour 0, for a schedule of every day."""
    items = ["0" if item == "24" else item for item in hours.split(",")]
    return ",".join(items)


def months(text: str) -> str:
    """Months by their numbers, or by AWS's names."""

    def number(match: re.Match[str]) -> str:
        name = MONTH_WORDS.get(match[0])
        if name is None:
            raise FieldProblem(match[0], f"not a value of month, which takes {MONTH.known}")
        return name

    named = re.sub("[A-Z]+", number, text)
    if "/" in named or re.search(r"[A-Z]-[0-9]|[0-9]-[A-Z]", named):
        named = re.sub("[A-Z]+", lambda name: str(MONTH_NAMES[name[0]]), named)
    return value_field(MONTH)(named)


def day_of_month(text: str) -> str:
    """Days of the month, with L and W as AWS has them."""
    if text == "?":
        return text
    if re.search(",.*[LW]|[LW].*,", text):
        raise Inexpressible("L and W stand for one day, so each needs a schedule of its own")
    if re.fullmatch("L|([1-9]|1[0-9]|2[0-8])W", text):
        return text
    if re.fullmatch("LW|L-[0-9]+W?|(29|30|31)W", text):
        raise Inexpressible(f"AWS does not document day-of-month {text!r}")
    return value_field(DAY_OF_MONTH)(text)


def day_of_week(text: str, start: int) -> str:
    """Weekdays by AWS's names; ``start`` is the number of Sunday in the text."""
    if text in ("*", "?"):
        return text
    if text == "L" and start:
        return text
    if re.search("#|L$|^L", text) and "," in text:
        raise Inexpressible("AWS takes one '#' or L, so each needs a schedule of its own")
    if nth := re.fullmatch("([A-Z]+|[0-9])#([1-5])", text):
        return f"{_day(nth[1], start)}#{nth[2]}"
    if last := re.fullmatch("L?([A-Z]{2,}?|[0-9])L?", text) if "L" in text else None:
        return f"{DAY_NAMES[_day(last[1], start)]}L"
    items = [_weekdays(item, start) for item in text.split(",")]
    days = {day for _, members in items for day in members}
    if len(days) == _WEEK:
        return "*"
    return ",".join(dict.fromkeys(text for text, _ in items))


def _weekdays(item: str, start: int) -> tuple[str, list[str]]:
    """One item of a list: what AWS calls it, and its days."""
    if item in DAY_GROUPS:
        names = DAY_GROUPS[item]
        return names, _span("MON", "FRI") if "-" in names else names.split(",")
    base, slash, step = item.partition("/")
    if slash and not re.fullmatch("[1-7]", step):
        raise FieldProblem(item, "a step is a whole number from 1 to 7")
    first, dash, last = base.partition("-")
    if base == "*":
        days = list(_DAYS)
    elif dash:
        days = _range(first, last, start)
    else:
        day = _day(first, start)
        days = _span(day, "SAT") if slash else [day]
        if slash and not start and (_WEEK - _DAYS.index(day)) % int(step) == 0:
            raise Inexpressible("crons differ on whether such a step reaches the Sunday")
    if slash:
        days = days[:: int(step)]
        return ",".join(days), days
    return f"{days[0]}-{days[-1]}" if dash and len(days) > 1 else ",".join(days), days


def _range(first: str, last: str, start: int) -> list[str]:
    days = _span(_day(first, start), _day(last, start))
    whole = first.isdigit() and last.isdigit() and int(last) - int(first) >= _WEEK
    return list(_DAYS) if whole else days


def _span(first: str, last: str) -> list[str]:
    """The days from one to another, over the end of the week where needed."""
    place = _DAYS.index(first)
    length = (_DAYS.index(last) - place) % _WEEK + 1
    return [_DAYS[(place + n) % _WEEK] for n in range(length)]


def _day(text: str, start: int) -> str:
    if text in DAY_WORDS:
        return DAY_WORDS[text]
    if re.fullmatch("0*[0-9]", text) and start <= int(text) <= _WEEK:
        return _DAYS[(int(text) - start) % _WEEK]
    raise FieldProblem(text, f"not a day of the week, which are {start}-7 or SUN-SAT")
