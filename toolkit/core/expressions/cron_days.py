"""The two day fields of a cron expression, as rules that pick the days of a month.

``rule.in_month(first, length)`` gives the sorted days of a month of ``length`` days whose day 1 is
weekday ``first`` (0 = Sunday). That is all a rule needs, so there are only 28 different months.
"""

import re
from typing import TypeAlias

from attrs import frozen

from toolkit.core.expressions.cron_fields import (
    DAY_OF_MONTH,
    DAY_OF_WEEK,
    parse_value,
    parse_values,
)
from toolkit.core.expressions.error import FieldProblem

_SATURDAY, _SUNDAY = 6, 0
_WEEK = 7
_LAST_DAY = re.compile(r"L(?:-([0-9]{1,9}))?(W)?")
_NEAREST = re.compile(r"([^,\-/]*)W")
_LAST_WEEKDAY = re.compile(r"([^,\-/]+)L")
_NTH = re.compile(r"([^#]*)#([^#]*)")
_MOST_WEEKS, _MOST_OFFSET, _RARE_DAY = 5, 30, 29


@frozen
class MonthDays:
    """Days by their number."""

    days: tuple[int, ...]

    def in_month(self, first: int, length: int) -> tuple[int, ...]:  # noqa: ARG002
        """Those that the month has."""
        return tuple(day for day in self.days if day <= length)


@frozen
class LastDay:
    """``L``, ``L-3``: the last day, or some days before it."""

    offset: int = 0

    def in_month(self, first: int, length: int) -> tuple[int, ...]:  # noqa: ARG002
        """One day, or none where the month is too short."""
        return (length - self.offset,) if length > self.offset else ()


@frozen
class NearestWeekday:
    """``3W``, ``LW``: the Monday-to-Friday day nearest to another, within the month."""

    day: MonthDays | LastDay

    def in_month(self, first: int, length: int) -> tuple[int, ...]:
        """Saturday gives way to Friday and Sunday to Monday, unless that is another month."""
        return tuple(_nearest_weekday(d, first, length) for d in self.day.in_month(first, length))


@frozen
class Weekdays:
    """Days by their weekday, 1 = Sunday to 7 = Saturday."""

    weekdays: tuple[int, ...]

    def in_month(self, first: int, length: int) -> tuple[int, ...]:
        """Every such day."""
        return tuple(
            d for d in range(1, length + 1) if (first + d - 1) % _WEEK + 1 in self.weekdays
        )


@frozen
class NthWeekday:
    """``3#2``: the second Tuesday."""

    weekday: int
    nth: int

    def in_month(self, first: int, length: int) -> tuple[int, ...]:
        """One day, or none where the month has no fifth one."""
        day = (self.weekday - 1 - first) % _WEEK + 1 + _WEEK * (self.nth - 1)
        return (day,) if day <= length else ()


@frozen
class LastWeekday:
    """``6L``: the last Friday."""

    weekday: int

    def in_month(self, first: int, length: int) -> tuple[int, ...]:
        """One day."""
        return (Weekdays((self.weekday,)).in_month(first, length)[-1],)


DayRule: TypeAlias = MonthDays | LastDay | NearestWeekday | Weekdays | NthWeekday | LastWeekday


def parse_day_of_month(text: str, warnings: list[str]) -> DayRule:
    """The rule of a day-of-month field that is not ``?``; raises FieldProblem."""
    if last := _LAST_DAY.fullmatch(text):
        return _last_day(text, last[1], nearest=bool(last[2]), warnings=warnings)
    if nearest := _NEAREST.fullmatch(text):
        day = _nearest_day(text, nearest[1], warnings)
        return NearestWeekday(MonthDays((day,)))
    if "L" in text or "W" in text:
        raise FieldProblem(text, "L and W stand for one day and cannot be combined")
    if text.upper() != text:
        raise FieldProblem(text, "write L and W in capitals")
    return MonthDays(parse_values(DAY_OF_MONTH, text, warnings))


def parse_day_of_week(text: str, warnings: list[str]) -> DayRule:
    """The rule of a day-of-week field that is not ``?``; raises FieldProblem."""
    if text == "L":
        return Weekdays((_WEEK,))
    if "#" in text:
        return _nth_weekday(text, warnings)
    if last := _LAST_WEEKDAY.fullmatch(text):
        return _last_weekday(text, last[1], warnings)
    if "L" in text:
        raise FieldProblem(text, "L follows one day and cannot be combined")
    if text.endswith("l"):
        raise FieldProblem(text, "write L in capitals")
    return Weekdays(parse_values(DAY_OF_WEEK, text, warnings))


def _last_day(text: str, offset: str | None, *, nearest: bool, warnings: list[str]) -> DayRule:
    days = int(offset or 0)
    if days > _MOST_OFFSET:
        raise FieldProblem(text, f"no month has a day {days} days before its last")
    if text != "L":
        warnings.append(f"day-of-month {text!r} is not documented by AWS; read as Quartz does")
    return NearestWeekday(LastDay(days)) if nearest else LastDay(days)


def _nearest_day(text: str, day: str, warnings: list[str]) -> int:
    try:
        number = parse_value(DAY_OF_MONTH, day, warnings)
    except FieldProblem as problem:
        reason = problem.reason if day else "W needs the day before it"
        raise FieldProblem(text, reason) from None
    if number >= _RARE_DAY:
        warnings.append(
            f"day-of-month {text!r}: AWS does not document what happens in months without day "
            f"{number}; read as no firing"
        )
    return number


def _nth_weekday(text: str, warnings: list[str]) -> NthWeekday:
    match = _NTH.fullmatch(text)
    if match is None or "," in text:
        raise FieldProblem(text, "only one '#' expression is allowed, and nothing beside it")
    try:
        weekday = parse_value(DAY_OF_WEEK, match[1], warnings)
    except FieldProblem as problem:
        raise FieldProblem(text, problem.reason) from None
    if match[2] not in ("1", "2", "3", "4", "5"):
        raise FieldProblem(text, f"'#' takes the week of the month, 1-{_MOST_WEEKS}")
    if match[2] == "5":
        warnings.append(f"day-of-week {text!r}: a month without a fifth one does not fire")
    return NthWeekday(weekday, int(match[2]))


def _last_weekday(text: str, day: str, warnings: list[str]) -> LastWeekday:
    try:
        weekday = parse_value(DAY_OF_WEEK, day, warnings)
    except FieldProblem as problem:
        raise FieldProblem(text, problem.reason) from None
    if not day.isdigit():
        warnings.append(
            f"day-of-week {text!r}: AWS documents L after a number only; write {weekday}L"
        )
    return LastWeekday(weekday)


def _nearest_weekday(day: int, first: int, length: int) -> int:
    weekday = (first + day - 1) % _WEEK
    if weekday == _SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == _SUNDAY:
        return day + 1 if day < length else day - 2
    return day
