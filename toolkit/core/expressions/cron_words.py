"""A cron calendar in plain English.

The words are made from what the fields select, not from how they are written, so two spellings of
one calendar read the same, and a step or a range that does not do what it seems shows itself.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

from toolkit.core.expressions.cron_calendar import Calendar
from toolkit.core.expressions.cron_days import (
    DayRule,
    LastDay,
    LastWeekday,
    MonthDays,
    NearestWeekday,
    NthWeekday,
    Weekdays,
)

# Spelt out: the calendar module would speak the language of the machine.
_MONTHS = ["January", "February", "March", "April", "May", "June", "July"]
_MONTHS += ["August", "September", "October", "November", "December"]
_WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_ORDINALS = ["first", "second", "third", "fourth", "fifth"]
_LIST, _FEW = 6, 3  # as many times of day, and stretches, as one reads without losing count
_MINUTES, _HOURS, _DAYS, _WEEK, _YEARS = 60, 24, 31, 7, 230
_LAST_YEAR = 2199


def describe_calendar(calendar: Calendar) -> str:
    """One sentence without its full stop.

    >>> from toolkit.core.expressions.expression import parse
    >>> parse("cron(0/15 8-17 ? * MON-FRI *)").describe()
    'Every 15 minutes from 08:00 to 17:45, Monday to Friday'
    """
    times = _times(calendar.minutes, calendar.hours)
    days = _days(calendar.days, calendar.months)
    if days == "every day" and len(calendar.hours) == _HOURS:
        days = ""  # "every 15 minutes" says so already
    elif not days.startswith(("on ", "every ")):
        times += ","
    years = _years(calendar.years)
    if len(calendar.months) == len(calendar.years) == 1:
        years = years.removeprefix("in ")  # on 29 February 2028
    text = " ".join(part for part in (times, days, years) if part)
    return text[0].upper() + text[1:]


def date_words(date: datetime) -> str:
    """Such as ``Thursday 31 December 2026``."""
    weekday = _WEEKDAYS[date.isoweekday() % _WEEK]
    return f"{weekday} {date.day} {_month(date.month)} {date.year}"


def _times(minutes: Sequence[int], hours: Sequence[int]) -> str:
    if len(minutes) * len(hours) <= _LIST:
        return f"at {_listed([_clock(hour, minute) for hour in hours for minute in minutes])}"
    if len(minutes) == 1:
        return _hourly(minutes[0], hours)
    step = _step(minutes)
    every = "every minute" if step == 1 else f"every {step} minutes"
    if step and minutes[0] == 0 and minutes[-1] == _MINUTES - step:
        return every if len(hours) == _HOURS else f"{every} {_stretched(hours, minutes)}"
    if step and len(minutes) > _LIST:
        if len(hours) == 1:
            return f"{every} {_stretched(hours, minutes)}"
        which = f"{every} from minute {minutes[0]} to {minutes[-1]}"
    else:
        which = f"at minutes {_listed(_runs(minutes, str))}"
    return f"{which} of every hour" if len(hours) == _HOURS else f"{which} {_of_hours(hours)}"


def _hourly(minute: int, hours: Sequence[int]) -> str:
    step = _step(hours)
    if len(hours) == _HOURS:
        return "every hour" if minute == 0 else f"every hour at minute {minute}"
    if step and step > 1:
        first, last = _clock(hours[0], minute), _clock(hours[-1], minute)
        return f"every {step} hours from {first} to {last}"
    if len(_stretches(hours)) <= _FEW:
        return f"every hour {_stretched(hours, (minute,))}"
    return f"at {_listed([_clock(hour, minute) for hour in hours])}"


def _stretched(hours: Sequence[int], minutes: Sequence[int]) -> str:
    """Which hours, as the stretches from their first to their last firing."""
    stretches = _stretches(hours)
    if len(stretches) > _FEW:
        return _of_hours(hours)
    times = [(_clock(a, minutes[0]), _clock(b, minutes[-1])) for a, b in stretches]
    return _listed([f"from {first} to {last}" for first, last in times])


def _of_hours(hours: Sequence[int]) -> str:
    step = _step(hours)
    if step and step > 1 and len(hours) > _FEW:
        return f"of every {_ordinal(step)} hour from {hours[0]} to {hours[-1]}"
    return f"of the hour{'s' * (len(hours) > 1)} {_listed(_runs(hours, str))}"


def _days(rule: DayRule, months: Sequence[int]) -> str:
    every_month = len(months) == len(_MONTHS)
    if isinstance(rule, Weekdays) or _is_every_day(rule):
        days = _weekdays(rule.weekdays) if isinstance(rule, Weekdays) else "every day"
        return days if every_month else f"{days} {_within(months, _month)}"
    if isinstance(rule, MonthDays) and len(rule.days) == 1 and len(months) == 1:
        return f"on {rule.days[0]} {_MONTHS[months[0] - 1]}"
    of = "every month" if every_month else _listed(_runs(months, _month))
    return f"{_month_days(rule)} of {of}"


def _is_every_day(rule: DayRule) -> bool:
    return isinstance(rule, MonthDays) and len(rule.days) == _DAYS


def _month_days(rule: DayRule) -> str:
    match rule:
        case LastDay(offset=0):
            return "on the last day"
        case LastDay(offset=offset):
            return f"{offset} day{'s' * (offset > 1)} before the last day"
        case NearestWeekday(day=LastDay(offset=0)):
            return "on the last weekday (Monday to Friday)"
        case NearestWeekday(day=LastDay(offset=offset)):
            return f"on the weekday nearest to {offset} day{'s' * (offset > 1)} before the last day"
        case NearestWeekday(day=MonthDays(days=(day, *_))):
            return f"on the weekday nearest to the {_ordinal(day)}"
        case NthWeekday(weekday=weekday, nth=nth):
            return f"on the {_ORDINALS[nth - 1]} {_WEEKDAYS[weekday - 1]}"
        case LastWeekday(weekday=weekday):
            return f"on the last {_WEEKDAYS[weekday - 1]}"
        case MonthDays(days=days):
            return _numbered(days)
        case _:
            raise AssertionError(rule)


def _numbered(days: Sequence[int]) -> str:
    step = _step(days)
    if step and step > 1 and len(days) > _LIST:
        return f"every {step} days from the {_ordinal(days[0])} to the {_ordinal(days[-1])}"
    return f"on the {_listed(_runs(days, _ordinal))}"


def _weekdays(days: Sequence[int]) -> str:
    if len(days) == _WEEK:
        return "every day"
    # The week begins with Monday here, so that Saturday and Sunday stand together ...
    order = sorted((day - 2) % _WEEK for day in days)
    stretches = list(_stretches(order))
    # ... and what goes on from Sunday to Monday is one stretch.
    if len(stretches) > 1 and stretches[0][0] == 0 and stretches[-1][1] == _WEEK - 1:
        first, *between, last = stretches
        stretches = [*between, (last[0], first[1] + _WEEK)]
    parts = [part for stretch in stretches for part in _stretch(*stretch, _weekday)]
    return _listed(parts) if any(" to " in part for part in parts) else f"every {_listed(parts)}"


def _weekday(after_monday: int) -> str:
    return _WEEKDAYS[(after_monday + 1) % _WEEK]


def _years(years: Sequence[int]) -> str:
    if len(years) == _YEARS:
        return ""
    step = _step(years)
    if step == 1 and years[-1] == _LAST_YEAR:
        return f"from {years[0]} on"
    if step and step > 1 and len(years) > _LIST:
        return f"in every {_ordinal(step)} year from {years[0]} to {years[-1]}"
    return _within(years, str)


def _step(values: Sequence[int]) -> int | None:
    """The one distance between neighbours; None where there is none."""
    steps = {after - before for before, after in pairwise(values)}
    return steps.pop() if len(steps) == 1 else None


def _stretches(values: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of every run of neighbours."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and value == found[-1][1] + 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return found


def _within(values: Sequence[int], name: Callable[[int], str]) -> str:
    runs = _runs(values, name)
    from_to = len(runs) == 1 and len(values) > 1
    return f"from {runs[0]}" if from_to else f"in {_listed(runs)}"


def _runs(values: Sequence[int], name: Callable[[int], str]) -> list[str]:
    return [part for first, last in _stretches(values) for part in _stretch(first, last, name)]


def _stretch(first: int, last: int, name: Callable[[int], str]) -> list[str]:
    if last - first > 1:
        return [f"{name(first)} to {name(last)}"]
    return [name(value) for value in range(first, last + 1)]


def _listed(parts: Sequence[str]) -> str:
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _clock(hour: int, minute: int) -> str:
    return f"{hour:02}:{minute:02}"


def _month(number: int) -> str:
    return _MONTHS[number - 1]


def _ordinal(number: int) -> str:
    teens = range(11, 14)
    ending = "th" if number % 100 in teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
