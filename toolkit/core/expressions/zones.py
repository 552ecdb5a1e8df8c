"""Time zones, and the clock rule of EventBridge Scheduler.

A wall time that the zone skips is dropped; one that it repeats counts once, before the shift:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import difflib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from toolkit.core.expressions.error import ExpressionError

# CreateSchedule takes 1-50 characters. The rest are files beside the zones, not zones: right/*
# counts leap seconds, which would move every firing by half a minute.
_NAME = re.compile(r"(?!posix|right/|localtime|Factory)[A-Za-z0-9_+\-]+(/[A-Za-z0-9_+\-]+)*")
_LONGEST_NAME = 50


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name; raises ExpressionError with the nearest known name."""
    if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # OSError: a directory such as "Europe"
            pass
    raise ExpressionError("timezone", name, "not an IANA time zone", f"write {_nearest(name)}")


def _nearest(name: str) -> str:
    known = sorted(available_timezones())
    wanted = name.strip().replace(" ", "_").casefold()
    for zone in known:
        if wanted in (zone.casefold(), zone.rpartition("/")[2].casefold()):
            return zone
    near = difflib.get_close_matches(name[:_LONGEST_NAME], known, n=1, cutoff=0.6)
    return near[0] if near else "Europe/Berlin"


def first_instant(wall: datetime) -> datetime | None:
    """When a wall time (aware, in its zone) first comes, in UTC; None where the zone skips it.

    >>> first_instant(datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")))
    >>> str(first_instant(datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))))
    '2026-10-25 00:30:00+00:00'
    """
    before, after = offsets(wall)
    # PEP 495: in a gap the offset grows from fold 0 to fold 1, in a repeated hour it shrinks.
    if before < after:
        return None
    return wall.replace(tzinfo=UTC) - before


def is_shifted(wall: datetime) -> bool:
    """Whether the zone skips or repeats this wall time."""
    before, after = offsets(wall)
    return before != after


def is_repeated(wall: datetime) -> bool:
    """Whether the zone shows this wall time twice."""
    before, after = offsets(wall)
    return before > after


def offsets(wall: datetime) -> tuple[timedelta, timedelta]:
    """The UTC offsets of a wall time before and after a shift; equal where there is none."""
    before = wall.replace(fold=0).utcoffset()
    after = wall.replace(fold=1).utcoffset()
    assert before is not None
    assert after is not None
    return before, after
