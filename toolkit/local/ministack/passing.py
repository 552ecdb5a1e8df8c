"""What happens as time passes: alarms at every full minute, what expires every day.

A jump of the clock is gone through at its first full minute and at those of its last hour: in
between nothing happens that an alarm could notice.
"""

import asyncio
import logging

from .events import alarms
from .stores import bucket_lifecycle, log_events
from .upstream import shifted_time

_MINUTE, _LAST_MINUTES, _DAY = 60, 60, 86_400
_LOOK_SECONDS = 1.0
_log = logging.getLogger("toolkit.passing")
_reached: float | None = None


async def keep_watching() -> None:
    """Follow the clock for as long as the emulator runs."""
    while True:
        try:
            catch_up()
            await asyncio.to_thread(log_events.sweep)
        except Exception:  # the boundary of a task of its own: the next minute may go better
            _log.exception("what was due could not be done")
        await asyncio.sleep(_LOOK_SECONDS)


def catch_up() -> None:
    """Do what has become due since the last time."""
    global _reached
    shifted_time.set_request_offset(None)
    began, _reached = _reached, shifted_time.now()
    if began is None or began // _DAY != _reached // _DAY:
        bucket_lifecycle.expire()
        log_events.expire()
    for minute in () if began is None else _minutes(began, _reached):
        shifted_time.set_request_moment(minute)
        alarms.at(minute)
    shifted_time.set_request_offset(None)


def _minutes(began: float, ended: float) -> list[int]:
    """The full minutes of a time, at most: its first one, and those of its last hour."""
    first = int(began // _MINUTE + 1) * _MINUTE
    last = int(ended // _MINUTE) * _MINUTE
    if last < first:
        return []
    recent = range(max(first, last - (_LAST_MINUTES - 1) * _MINUTE), last + 1, _MINUTE)
    return sorted({first, *recent})
