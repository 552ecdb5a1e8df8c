"""Cron fields as other schedulers write them, and what they are in AWS's six fields.

- Unix: five fields; a week counts from SUN = 0, and 7 is Sunday again; of two day fields either is
  enough (crontab(5)).
- Quartz: seconds first, six or seven fields, SUN = 1, one day field is ``?``.
- Spring: seconds first, six fields, SUN = 0 or 7, and both day fields must match
  (org.springframework.scheduling.support.CronExpression).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from attrs import frozen

from toolkit.core.expressions.cron_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    HOURS,
    MINUTES,
    MONTH,
    YEAR,
    Field,
    parse_values,
)
from toolkit.core.expressions.dialect_fields import (
    Inexpressible,
    day_of_month,
    day_of_week,
    midnight,
    months,
    value_field,
)
from toolkit.core.expressions.error import FieldProblem

_FIVE, _SIX, _SEVEN = 5, 6, 7
_CLEARLY = 2  # wrong fields of AWS's form that show it to be another
_AWS_FIRST, _UNIX_FIRST = "1 is Sunday (AWS, Quartz)", "1 is Monday (Unix, Spring)"
_YEAR_LAST = "the last field is the year (AWS)"
_SECONDS_FIRST = "the first field is seconds (Quartz, Spring)"
_TWO_SCHEDULES = (
    "AWS takes one of the two day fields; Unix fires when either matches, so make two schedules"
)
_SECONDS = Field("seconds", 0, 59, "minute")
_MINUTES_ONLY = "AWS keeps to the minute and has no field for seconds"
_RARE_DAYS = {"30": "1,3-12", "31": "1,3,5,7,8,10,12"}  # and the months that have them


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
            return tuple(_with_conditions(legal, framed=framed))
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
        except Inexpressible as reason:
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


def _with_conditions(
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
        _field(MINUTES.name, minutes, value_field(MINUTES)),
        hours,
        _field(DAY_OF_MONTH.name, day, day_of_month),
        _field(MONTH.name, month, months),
        _field(DAY_OF_WEEK.name, weekday, partial(day_of_week, start=start)),
        _field(YEAR.name, year, value_field(YEAR)),
    )
    every_day = all(field in ("*", "?") for field in six[2:])
    hours = _field(HOURS.name, midnight(hours) if every_day else hours, value_field(HOURS))
    if layout.seconds is not None:
        _check_seconds(layout.seconds)
    return _one_day_field((six[0], hours, *six[2:]), layout)


def _field(name: str, text: str, translate: Callable[[str], str]) -> str:
    """A field in AWS's spelling; the words are of another dialect where it cannot be one."""
    try:
        return translate(text)
    except FieldProblem as problem:
        raise _NotThisDialect(f"{name} {problem.value!r}: {problem.reason}") from None


def _check_seconds(text: str) -> None:
    try:
        values = parse_values(_SECONDS, text, [])
    except FieldProblem as problem:
        raise _NotThisDialect(f"{_SECONDS.name} {problem.value!r}: {problem.reason}") from None
    if values != (0,):
        raise Inexpressible(f"seconds {text!r}: {_MINUTES_ONLY}")


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
        raise Inexpressible("AWS takes one of the two day fields, and this needs both to match")
    if layout.fields[2].startswith("*") or layout.fields[4].startswith("*") or weekday == "*":
        raise Inexpressible("AWS takes one of the two day fields, and crons read two differently")
    both = f"cron({' '.join(by_day)}) and cron({' '.join(by_weekday)})"
    raise Inexpressible(f"{_TWO_SCHEDULES}: {both}")
