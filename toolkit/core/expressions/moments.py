"""A moment as people write it, as the wall time of an at() with its zone."""

import re
from datetime import UTC, datetime, timedelta

from attrs import frozen

_MOMENT = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:\s*[Tt]\s*|\s+(?:at\s+)?)(\d{1,2}):(\d{2})"
    r"(?::(\d{2})(?:[.,]0+)?)?\s*(?:(Z|UTC|GMT)|([+-]\d{2}):?(\d{2})?)?",
    re.IGNORECASE,
)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})?(Z)?", re.IGNORECASE)
_DAY_OF_HOURS = 24


@frozen
class Moment:
    """An at() with the zone that its text names; None where it names none."""

    expression: str
    timezone: str | None


def moment_of(text: str) -> Moment | None:
    """The at() of a date with a time; None for anything else, a date alone among it.

    >>> moment_of("2026-12-24 18:00+01:00")
    Moment(expression='at(2026-12-24T17:00:00)', timezone='UTC')
    """
    match = _MOMENT.fullmatch(text.strip())
    if match is None and (basic := _BASIC.fullmatch(text.strip())):
        groups: tuple[str | None, ...] = (*basic.groups(), None, None)
    elif match is not None:
        groups = match.groups()
    else:
        return None
    *numbers, utc, offset_hours, offset_minutes = groups
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    midnight = (hour, minute, second) == (_DAY_OF_HOURS, 0, 0)  # ISO 8601: the end of the day
    try:
        wall = datetime(year, month, day, 0 if midnight else hour, minute, second, tzinfo=UTC)
        wall += timedelta(days=midnight)
        if offset_hours:
            sign = -1 if offset_hours.startswith("-") else 1
            hours, minutes = abs(int(offset_hours)), int(offset_minutes or 0)
            wall -= sign * timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        return None
    return Moment(f"at({wall:%Y-%m-%dT%H:%M:%S})", "UTC" if utc or offset_hours else None)
