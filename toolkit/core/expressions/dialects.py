"""Cron fields as other schedulers write them, and what they are in AWS's six fields.

- Unix: five fields; a week counts from SUN = 0, and 7 is Sunday again; of two day fields either is
  enough (crontab(5)).
- Quartz: seconds first, six or seven fields, SUN = 1, one day field is ``?``.
- Spring: seconds first, six fields, SUN = 0 or 7, and both day fields must match
  (org.springframework.scheduling.support.CronExpression).
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from toolkit.core.expressions.cron_fields import (
    DAY_NAMES,
    DAY_OF_MONTH,
    HOURS,
    MINUTES,
    MONTH,
    MONTH_NAMES,
    YEAR,
    Field,
    parse_values,
)
from toolkit.core.expressions.error import FieldProblem

_FIVE, _SIX, _SEVEN = 5, 6, 7
_CLEARLY = 2  # wrong fields of AWS's form that show it to be another
_DAYS = tuple(DAY_NAMES)
_WEEK = len(_DAYS)
_AWS_FIRST, _UNIX_FIRST = "1 is Sunday (AWS, Quartz)", "1 is Monday (Unix, Spring)"
_YEAR_LAST = "the last field is the year (AWS)"
_SECONDS_FIRST = "the first field is seconds (Quartz, Spring)"
_TWO_SCHEDULES = (
    "AWS takes one of the two day fields; Unix fires when either matches, so make two schedules"
)
_MINUTES_ONLY = "AWS keeps to the minute and has no field for seconds"
_RARE_DAYS = {"30": "1,3-12", "31": "1,3,5,7,8,10,12"}  # and the months that have them

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


@frozen
class CronReading:
    """What some dialect reads.

    Attributes:
        fields: AWS's six fields with the same meaning; None where AWS cannot say it.
        condition: what makes it the right reading, where there are several.
        note: why AWS cannot say it.
    """

    fields: tuple[str, ...] | None
    condition: str = ""
    note: str = ""


class _NotThisDialect(Exception):  # noqa: N818 - ends one reading, not the search
    """The words cannot be of the dialect; the text says which field is wrong."""


class _Inexpressible(Exception):  # noqa: N818 - ends one reading, not the search
    """The dialect reads the words, and AWS cannot say what they mean."""


@frozen
class _Layout:
    """Which word is which field, and how its weekdays may be counted."""

    fields: Sequence[str]
    seconds: str | None
    condition: str
    starts: tuple[int, ...]  # the number of Sunday: 0 (Unix, Spring) or 1 (AWS, Quartz)


def cron_readings(words: Sequence[str], *, framed: bool) -> tuple[CronReading, ...]:
    """All that the words of a cron expression may mean, the likeliest first.

    ``framed`` says that they stood in ``cron(...)``, as AWS writes it.

    Raises:
        FieldProblem: no dialect takes them; the reason is that of the likeliest.
    """
    plain = [re.sub("(?<![0-9])0+(?=[0-9])", "", word.upper()) for word in words]
    layouts = list(_layouts(plain, framed=framed))
    problems: list[str] = []
    for lenient in (False, True):
        if lenient and len(words) == _SIX and _wrong_fields(plain) < _CLEARLY:
            break
        found = [_readings_of(layout, problems, lenient=lenient) for layout in layouts]
        legal = [(layout, readings) for layout, readings in zip(layouts, found, strict=True)]
        legal = [pair for pair in legal if pair[1]]
        if legal:
            return tuple(_told_apart(legal, framed=framed))
    raise FieldProblem(" ".join(words), problems[0] if problems else "")


def _layouts(words: Sequence[str], *, framed: bool) -> Iterator[_Layout]:
    asks = "?" in words
    if len(words) == _FIVE:
        yield _Layout([*words, "*"], None, "", (1, 0) if asks else (0,))
    elif len(words) == _SIX:
        six = _Layout(words, None, _YEAR_LAST, (1,) if asks else (0, 1))
        seconds = _Layout([*words[1:], "*"], words[0], _SECONDS_FIRST, (1, 0) if asks else (0,))
        # In AWS's frame, a fifth field that says something is a day of the week, not a month.
        if framed and words[4] not in ("*", "?") and _is_legal(six):
            yield six
        else:
            yield from (six, seconds) if framed else (seconds, six)
    elif len(words) == _SEVEN:
        yield _Layout(words[1:], words[0], "", (1,) if asks else (1, 0))


def _is_legal(layout: _Layout) -> bool:
    return bool(_readings_of(layout, [], lenient=False))


def _wrong_fields(words: Sequence[str]) -> int:
    """How many of six fields could not stand where AWS would read them."""
    specs = (MINUTES, HOURS, DAY_OF_MONTH, MONTH, None, YEAR)
    wrong = 0
    for spec, word in zip(specs, words, strict=True):
        try:
            if spec is not None and not (spec is DAY_OF_MONTH and re.search("[?LW]", word)):
                parse_values(spec, word, [])
        except FieldProblem:
            wrong += 1
    return wrong


def _readings_of(layout: _Layout, problems: list[str], *, lenient: bool) -> list[CronReading]:
    found: list[CronReading] = []
    for start in _starts(layout):
        condition = _AWS_FIRST if start else _UNIX_FIRST
        try:
            found.append(CronReading(_translated(layout, start, lenient=lenient), condition))
        except _Inexpressible as reason:
            found.append(CronReading(None, condition, str(reason)))
        except _NotThisDialect as reason:
            problems.append(str(reason))
    different = list({reading.fields: reading for reading in reversed(found)}.values())[::-1]
    if len(different) == 1:
        return [CronReading(different[0].fields, "", different[0].note)]
    # Whoever writes a range of five days means the working week.
    return sorted(different, key=lambda reading: "MON-FRI" not in (reading.fields or ()))


def _starts(layout: _Layout) -> tuple[int, ...]:
    """How its weekdays may be counted; names and steps from ``*`` are the same to all."""
    base = re.sub(r"[#/][0-9]+", "", layout.fields[4])
    if "0" in re.findall("[0-9]+", base):
        return (0,)
    return layout.starts if re.search("[0-9]", base) else layout.starts[:1]


def _told_apart(
    legal: list[tuple[_Layout, list[CronReading]]], *, framed: bool
) -> Iterator[CronReading]:
    """The readings of all layouts, with what tells the layouts apart where there are several."""
    # In AWS's frame, seconds that AWS cannot have are not worth a condition.
    if framed and len(legal) > 1 and not any(reading.fields for reading in legal[1][1]):
        legal = legal[:1]
    several = len({reading.fields for _, readings in legal for reading in readings}) > 1
    for layout, readings in legal:
        for reading in readings:
            parts = [layout.condition] if several and len(legal) > 1 else []
            parts += [reading.condition] if reading.condition else []
            yield CronReading(reading.fields, " and ".join(filter(None, parts)), reading.note)


def _translated(layout: _Layout, start: int, *, lenient: bool) -> tuple[str, ...]:
    """The six fields of AWS."""
    minutes, hours, day, month, weekday, year = layout.fields
    if lenient:
        month, year = month.replace("?", "*"), year.replace("?", "*")
    six = (
        _told(MINUTES, minutes, _value_field(MINUTES)),
        hours,
        _told(DAY_OF_MONTH, day, _day_of_month),
        _told(MONTH, month, _months),
        _told_weekday(weekday, start),
        _told(YEAR, year, _value_field(YEAR)),
    )
    every_day = all(field in ("*", "?") for field in six[2:])
    hours = _told(HOURS, _midnight(hours) if every_day else hours, _value_field(HOURS))
    if layout.seconds is not None:
        _check_seconds(layout.seconds)
    return _one_day_field((six[0], hours, *six[2:]), layout)


def _told(spec: Field, text: str, translate: Callable[[str], str]) -> str:
    try:
        return translate(text)
    except FieldProblem as problem:
        reason = f"{spec.name} {problem.value!r}: {problem.reason}"
        raise _NotThisDialect(reason) from None


def _check_seconds(text: str) -> None:
    try:
        values = parse_values(_SECONDS, text, [])
    except FieldProblem as problem:
        raise _NotThisDialect(f"seconds {problem.value!r}: {problem.reason}") from None
    if values != (0,):
        raise _Inexpressible(f"seconds {text!r}: {_MINUTES_ONLY}")


_SECONDS = Field("seconds", 0, 59, "minute")


def _one_day_field(six: tuple[str, ...], layout: _Layout) -> tuple[str, ...]:
    """The fields with a ``?`` in one of the two for days."""
    minutes, hours, day, month, weekday, year = six
    if month == "*" and day in _RARE_DAYS:
        month = _RARE_DAYS[day]
    by_day = (minutes, hours, "*" if day == "?" else day, month, "?", year)
    by_weekday = (minutes, hours, "?", six[3], weekday, year)
    if layout.fields[4] in ("*", "?") or (weekday == "*" and day in ("*", "?")):
        return by_day
    # A list such as "1,*" is every day too, and not what Unix reads as one without a say.
    if day in ("*", "?") and layout.fields[2] in ("*", "?"):
        return by_weekday
    if layout.seconds is not None:
        raise _Inexpressible("AWS takes one of the two day fields, and this needs both to match")
    if layout.fields[2].startswith("*") or layout.fields[4].startswith("*") or weekday == "*":
        raise _Inexpressible("AWS takes one of the two day fields, and crons read two differently")
    both = f"cron({' '.join(by_day)}) and cron({' '.join(by_weekday)})"
    raise _Inexpressible(f"{_TWO_SCHEDULES}: {both}")


# --- fields --------------------------------------------------------------------------------------


def _value_field(spec: Field) -> Callable[[str], str]:
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


def _midnight(hours: str) -> str:
    """Hour 24 as hour 0, for a schedule of every day."""
    items = ["0" if item == "24" else item for item in hours.split(",")]
    return ",".join(items)


def _months(text: str) -> str:
    def number(match: re.Match[str]) -> str:
        name = MONTH_WORDS.get(match[0])
        if name is None:
            raise FieldProblem(match[0], f"not a value of month, which takes {MONTH.known}")
        return name

    named = re.sub("[A-Z]+", number, text)
    if "/" in named or re.search(r"[A-Z]-[0-9]|[0-9]-[A-Z]", named):
        named = re.sub("[A-Z]+", lambda name: str(MONTH_NAMES[name[0]]), named)
    return _value_field(MONTH)(named)


def _day_of_month(text: str) -> str:
    if text == "?":
        return text
    if re.search(",.*[LW]|[LW].*,", text):
        raise _Inexpressible("L and W stand for one day, so each needs a schedule of its own")
    if re.fullmatch("L|([1-9]|1[0-9]|2[0-8])W", text):
        return text
    if re.fullmatch("LW|L-[0-9]+W?|(29|30|31)W", text):
        raise _Inexpressible(f"AWS does not document day-of-month {text!r}")
    return _value_field(DAY_OF_MONTH)(text)


def _told_weekday(text: str, start: int) -> str:
    try:
        return _day_of_week(text, start)
    except FieldProblem as problem:
        raise _NotThisDialect(f"day-of-week {problem.value!r}: {problem.reason}") from None


def _day_of_week(text: str, start: int) -> str:
    """Weekdays by AWS's names; ``start`` is the number of Sunday in the text."""
    if text in ("*", "?"):
        return text
    if text == "L" and start:
        return text
    if re.search("#|L$|^L", text) and "," in text:
        raise _Inexpressible("AWS takes one '#' or L, so each needs a schedule of its own")
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
            raise _Inexpressible("crons differ on whether such a step reaches the Sunday")
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
