"""Times as people type them: ``7d``, ``yesterday``, ``2026-11-28``, ``06:00``, or ISO 8601.

A time without a zone is a wall time of the zone that is given; None stands for the machine's own.
"""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from toolkit.core.errors import ConfigError

# Before every run: since then is since ever.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Python's calendar without its first and last year: a period is looked at a little beyond its ends.
_YEARS = (2, 9998)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?:\d+[smhdw])+")
_LONG = re.compile(r"\s*(\d+)\s*(s|m|h|d|w)(?:ec(?:ond)?|in(?:ute)?|(?:ou)?r|ay|eek)?s?\b,?")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[Tt ]+(\d{1,2}:\d{2}(?::\d{2})?))?")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RELATIVE = {"yesterday": -1, "today": 0, "tomorrow": 1}
_HINT = "write 7d, yesterday, 2026-11-28, 06:00 or 2026-11-28T06:00:00Z"


def read_duration(text: str) -> timedelta:
    """A duration such as 90s, 1h30m or 2w; raises ConfigError.

    >>> str(read_duration("1h30m"))
    '1:30:00'
    """
    if _DURATION.fullmatch(text) is None:
        raise ConfigError(
            f"{text!r} is not a duration", hint="write it as 90s, 30m, 1h30m, 7d or 2w"
        )
    parts = re.findall(r"(\d+)([smhdw])", text)
    try:
        return sum((timedelta(**{_UNITS[unit]: int(count)}) for count, unit in parts), timedelta())
    except OverflowError:
        raise ConfigError(f"{text!r} is longer than the calendar") from None


def read_time(text: str, now: datetime, zone: tzinfo | None, *, ahead: bool = False) -> datetime:
    """The moment that a text names, as an aware UTC datetime.

    A duration counts back from ``now``, and so do a time of day and a day of the week; with
    ``ahead`` they count forward. ``7d ago`` and ``in 7d`` say so themselves.

    Raises:
        ConfigError: the text names no moment.

    >>> now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    >>> [str(read_time(text, now, UTC)) for text in ("7d", "yesterday", "06:00")]
    ['2026-11-17 12:00:00+00:00', '2026-11-23 00:00:00+00:00', '2026-11-24 06:00:00+00:00']
    """
    plain = " ".join(text.lower().split())
    try:
        found = _relative(plain, now, ahead=ahead)
        if found is None:
            found = _absolute(text.strip())
        if found is None:
            found = _wall(plain, now.astimezone(zone), zone, ahead=ahead)
        found = found and found.astimezone(UTC)
    except OverflowError:
        found = None
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a time: {error}", hint=_HINT) from None
    if found is None or not _YEARS[0] <= found.year <= _YEARS[1]:
        raise ConfigError(f"{text!r} is not a time", hint=_HINT)
    return found


def is_exact(text: str) -> bool:
    """Whether a text is a whole time with its zone, which nobody can misunderstand."""
    return _absolute(text.strip()) is not None


def time_in_words(time: datetime, zone: tzinfo | None) -> str:
    """A moment in a zone and in UTC.

    >>> time_in_words(datetime(2026, 11, 24, 12, tzinfo=UTC), UTC)
    'Tue 24 Nov 2026 12:00 UTC'
    """
    wall = time.astimezone(zone)
    seconds = ":%S" if wall.second else ""
    shown = f"{wall:%a %d %b %Y %H:%M{seconds} %Z}"
    utc = f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return shown if wall.tzname() == "UTC" else f"{shown} ({utc})"


def _relative(plain: str, now: datetime, *, ahead: bool) -> datetime | None:
    if plain == "now":
        return now
    match = re.fullmatch(r"(in |\+|-|last |next )?\s*(.+?)( ago)?", plain)
    if match is None:
        return None
    sign = {"in ": 1, "+": 1, "next ": 1, "-": -1, "last ": -1}.get(match[1], 1 if ahead else -1)
    length = _length(match[2])
    if length is None or (match[3] and match[1]):
        return None
    return now + (-1 if match[3] else sign) * length


def _length(text: str) -> timedelta | None:
    rest, total, found = text.replace(" and ", " "), timedelta(), False
    while match := _LONG.match(rest):
        total += timedelta(**{_UNITS[match[2]]: int(match[1])})
        rest, found = rest[match.end() :], True
    if _DURATION.fullmatch(text):
        return read_duration(text)
    return total if found and not rest.strip() else None


def _absolute(text: str) -> datetime | None:
    """A date and time with its zone."""
    try:
        time = datetime.fromisoformat(re.sub(r"(?i)\s*(utc|z)$", "+00:00", text))
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _wall(plain: str, here: datetime, zone: tzinfo | None, *, ahead: bool) -> datetime | None:
    """A wall time of the zone: a day, a time of day, or both."""
    if dated := _DATED.fullmatch(plain):
        return _at(date.fromisoformat(dated[1]), dated[2], zone)
    if not plain:
        return None
    day, _, clock = plain.partition(" ")
    clock = clock.removeprefix("at ")
    if _CLOCK.fullmatch(plain):
        day, clock = "", plain
    if clock and not _CLOCK.fullmatch(clock):
        return None
    if day in _RELATIVE:
        return _at(here.date() + timedelta(days=_RELATIVE[day]), clock, zone)
    names = [name for name in _DAYS if len(day) >= len("mon") and name.startswith(day)]
    if day and not names:
        return None
    step = timedelta(days=1 if ahead else -1)
    found = _at(here.date(), clock, zone)
    while (names and _DAYS[found.astimezone(zone).weekday()] != names[0]) or (
        found <= here if ahead else found > here
    ):
        found = _at(found.astimezone(zone).date() + step, clock, zone)
    return found


def _at(day: date, clock: str | None, zone: tzinfo | None) -> datetime:
    hour, minute, second = (int(part) for part in f"{clock or '0:00'}:00".split(":")[:3])
    wall = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001
    return (wall if zone is None else wall.replace(tzinfo=zone)).astimezone(UTC)
