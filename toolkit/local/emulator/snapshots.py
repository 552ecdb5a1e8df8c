"""State on disk while the emulator runs, so that a kill costs little.

ministack saves its state when it ends in order, and S3 objects at once. Here the rest is saved too,
soon after it changed, except what is large: log events, and a registry that holds more than process
images. Those are saved by an orderly stop only.
"""

import asyncio
import time

from ministack import app
from ministack.core import persistence
from ministack.services import ecr

_SOONEST_SECONDS = 2.0
_SHARE = 20  # saving takes a twentieth of the time at most
_LARGEST_REGISTRY = 20_000_000
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
            large = _large()
            persistence.save_all({name: get for name, get in states if name not in large})
            pause = max(_SOONEST_SECONDS, _SHARE * (time.perf_counter() - begun))


def _large() -> set[str]:
    """The services whose state takes long to write."""
    stores = [store for _key, store in ecr._layer_blobs.all_items()]
    size = sum(len(blob) for blobs in stores for blob in blobs.values())
    return {"cloudwatch_logs"} | ({"ecr"} if size > _LARGEST_REGISTRY else set())
