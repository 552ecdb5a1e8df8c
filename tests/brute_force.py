"""A second reading of the cron dialect, one wall time at a time: slow, and plainly right."""

import calendar
from datetime import timedelta
from zoneinfo import ZoneInfo

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC"
DAYS = "SUN MON TUE WED THU FRI SAT"


def number(text, names):
    return names.split().index(text) + 1 if text in names.split() else int(text)


def selects(field, value, low, high, names=""):
    """Whether a list of values, ranges and steps selects a value."""
    for item in field.split(","):
        base, _, step = item.partition("/")
        start, dash, end = ("*" if base == "*" else base).partition("-")
        first = low if start == "*" else number(start, names)
        last = number(end, names) if dash else (high if start == "*" or step else first)
        at = first
        span = (last - first) % (high - low + 1)
        while at - first <= span:
            if (at - low) % (high - low + 1) + low == value:
                return True
            at += int(step or 1)
    return False


def nearest_weekday(year, month, day):
    length = calendar.monthrange(year, month)[1]
    candidates = [d for d in range(1, length + 1) if calendar.weekday(year, month, d) < 5]
    # Saturday's nearest is Friday, Sunday's is Monday: no tie unless the month ends between.
    return min(candidates, key=lambda d: abs(d - day))


def selects_day_of_month(field, wall):
    length = calendar.monthrange(wall.year, wall.month)[1]
    if field.endswith("W"):
        day = field.removesuffix("W")
        target = length - int(day[2:] or 0) if day.startswith("L") else int(day)
        return 1 <= target <= length and wall.day == nearest_weekday(wall.year, wall.month, target)
    if field.startswith("L"):
        return wall.day == length - int(field[2:] or 0)
    return selects(field, wall.day, 1, 31)


def selects_day_of_week(field, wall):
    weekday = wall.isoweekday() % 7 + 1
    if field == "L":
        return weekday == 7
    if field.endswith("L"):
        length = calendar.monthrange(wall.year, wall.month)[1]
        return weekday == number(field[:-1], DAYS) and wall.day + 7 > length
    if "#" in field:
        day, nth = field.split("#")
        return weekday == number(day, DAYS) and (wall.day + 6) // 7 == int(nth)
    return selects(field, weekday, 1, 7, DAYS)


def matches(fields, wall):
    minutes, hours, day_of_month, month, day_of_week, year = fields.split()
    return (
        selects(minutes, wall.minute, 0, 59)
        and selects(hours, wall.hour, 0, 23)
        and selects(month, wall.month, 1, 12, MONTHS)
        and selects(year, wall.year, 1970, 2199)
        and (day_of_month == "?" or selects_day_of_month(day_of_month, wall))
        and (day_of_week == "?" or selects_day_of_week(day_of_week, wall))
    )


def scan(fields, zone, after, until):
    """A period's firings, minute by minute; a repeated wall time has fold 0 the first time."""
    time = after.replace(second=0, microsecond=0) + timedelta(minutes=1)
    while time <= until:
        wall = time.astimezone(ZoneInfo(zone))
        if wall.fold == 0 and matches(fields, wall):
            yield time
        time += timedelta(minutes=1)
