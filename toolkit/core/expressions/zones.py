"""Time zones, and the clock rule of EventBridge Scheduler.

A wall time that the zone skips is dropped; one that it repeats counts once, before the shift:
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from toolkit.core.expressions.error import ExpressionError
from toolkit.core.expressions.zone_names import zone_names


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo:
    """The IANA time zone of that name.

    Raises:
        ExpressionError: there is none; the hint names the zones that may be meant, if any.
    """
    if name in zone_names():
        return ZoneInfo(name)
    from toolkit.core.expressions.zone_hints import zone_hint  # only the refused need it

    hint, zones = zone_hint(name)
    raise ExpressionError("timezone", name, "not an IANA time zone", hint, zones)


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
