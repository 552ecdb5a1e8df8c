"""The engine's virtual clock: real time plus an offset that only grows."""

import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

# Python imports `sitecustomize` from here when it starts.
SHIM = Path(__file__).with_name("task_clock")


class Clock:
    """Real time, moved ahead on request. Safe to use from any thread.

    A task keeps the offset that it was launched with (`offset_for`), so its own timestamps stay
    consistent while the engine's clock runs on.
    """

    def __init__(self, offset: float = 0.0) -> None:
        self._offset = offset
        self._lock = threading.Lock()

    @property
    def offset(self) -> float:
        """Seconds between real time and now."""
        return self._offset

    def now(self) -> datetime:
        """The virtual time, aware, UTC."""
        return at_offset(self._offset)

    def move_to(self, moment: datetime) -> None:
        """Move ahead to ``moment``; a moment that has passed changes nothing."""
        with self._lock:
            self._offset = max(self._offset, offset_for(moment))

    def reset(self) -> None:
        """Back to real time."""
        with self._lock:
            self._offset = 0.0


def offset_for(moment: datetime) -> float:
    """The offset at which it is ``moment`` just now."""
    return moment.timestamp() - time.time()


def at_offset(seconds: float) -> datetime:
    """The time now, for who lives at this offset."""
    return datetime.fromtimestamp(time.time() + seconds, UTC)


def clock_variables(
    offset: float, environment: Mapping[str, str], shim: str, *, packages: str = ""
) -> dict[str, str]:
    """What to add to an environment so that Python there lives at this offset.

    ``shim`` is where the directory `SHIM` stands for that Python, ``packages`` the directory that
    has time-machine for it.
    """
    if not offset:
        return {}
    path = os.pathsep.join(filter(None, [shim, environment.get("PYTHONPATH")]))
    return {
        "PYTHONPATH": path,
        "TOOLKIT_CLOCK_OFFSET": repr(offset),
        "TOOLKIT_CLOCK_PACKAGES": packages,
    }
