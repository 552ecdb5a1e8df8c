"""State on disk while the emulator runs, so that a kill costs little.

ministack saves its state when it ends in order, and S3 objects at once. Here the rest is saved too,
soon after it changed, except log events: they are many, and saved only by an orderly stop.
"""

import asyncio
import time

from ministack import app
from ministack.core import persistence

_SOONEST_SECONDS = 2.0
_SHARE = 20  # saving takes a twentieth of the time at most
_LARGE = frozenset({"cloudwatch_logs"})
_READS = ("Describe", "List", "Get", "BatchGet", "Filter", "Receive", "Head")
_dirty = False


def note(method: str, target: str) -> None:
    """A request arrived; unless it only reads, the state is worth saving."""
    global _dirty
    if method not in ("GET", "HEAD") and not target.rpartition(".")[2].startswith(_READS):
        _dirty = True


async def keep_saving() -> None:
    """Save whenever something changed, for as long as the emulator runs."""
    global _dirty
    pause = _SOONEST_SECONDS
    while True:
        await asyncio.sleep(pause)
        if _dirty:
            _dirty = False
            begun = time.perf_counter()
            states = app._build_persistence_save_dict().items()
            persistence.save_all({name: get for name, get in states if name not in _LARGE})
            pause = max(_SOONEST_SECONDS, _SHARE * (time.perf_counter() - begun))
