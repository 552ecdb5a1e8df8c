"""Virtual time inside the emulator: every request is served at its caller's time.

The engine's clock may be days ahead, and each task keeps the offset that it was launched with. A
request therefore has an offset (see `gateway.py`), and ``time.time`` and ``datetime.now`` answer
real time plus that offset, so an object's LastModified agrees with the task that wrote it.

Import this module before ministack: its modules bind ``datetime`` when they are imported.
"""

import contextvars
import datetime as dt
import time as _time
from collections.abc import Iterator
from contextlib import contextmanager

_real_time = _time.time
_real_datetime = dt.datetime
_engine_offset = 0.0
_request_offset: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    "request_offset", default=None
)


def set_engine_offset(seconds: float) -> None:
    """Move the clock that callers without an offset of their own see."""
    global _engine_offset
    _engine_offset = seconds


def set_request_offset(seconds: float | None) -> None:
    """Serve the current request (and what it starts) at this offset."""
    _request_offset.set(seconds)


def set_request_moment(seconds: float) -> None:
    """Serve what follows as if it were this moment, in seconds since the epoch."""
    _request_offset.set(seconds - _real_time())


@contextmanager
def at_offset(seconds: float | None) -> Iterator[None]:
    """Serve a part of the current request at another offset; None leaves it as it is."""
    if seconds is None:
        yield
        return
    token = _request_offset.set(seconds)
    try:
        yield
    finally:
        _request_offset.reset(token)


def offset() -> float:
    """Seconds between real time and the time of the current request."""
    seconds = _request_offset.get()
    return _engine_offset if seconds is None else seconds


def now() -> float:
    """The current request's time, in seconds since the epoch."""
    return _real_time() + offset()


def engine_now() -> float:
    """The time of callers without an offset of their own, in seconds since the epoch."""
    return _real_time() + _engine_offset


def real_now() -> float:
    """The time of this machine, in seconds since the epoch."""
    return _real_time()


def iso(seconds: float) -> str:
    """A time in seconds since the epoch as the events of AWS write it."""
    time = _real_datetime.fromtimestamp(seconds, dt.UTC)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Meta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real_datetime)


class ShiftedDatetime(_real_datetime, metaclass=_Meta):
    """``datetime`` whose ``now`` is the current request's."""

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> "ShiftedDatetime":
        """The time in a zone."""
        return cls.fromtimestamp(now(), tz)

    @classmethod
    def utcnow(cls) -> "ShiftedDatetime":
        """The time in UTC, naive."""
        return cls.fromtimestamp(now(), dt.UTC).replace(tzinfo=None)


def install() -> None:
    """Replace the clock of this process."""
    _time.time = now
    dt.datetime = ShiftedDatetime  # type: ignore[misc]
