"""What an engine left below its project, for as long as no engine runs."""

import contextlib
import fcntl
import json
import shutil
import time
from pathlib import Path
from typing import IO

from toolkit.adapters.embedded.engine import directory
from toolkit.core.errors import RunError

# An emulator ends soon after its engine.
_PATIENCE_SECONDS, _POLL_SECONDS = 90.0, 0.02


def wipe(root: Path) -> None:
    """Delete what an engine that does not run has deployed and stored; its keys and address stay.

    Raises RunError when an engine starts or ends just now.
    """
    home = directory(root)
    if not home.is_dir():
        return
    with contextlib.ExitStack() as held:
        for path in (home / "lock", home / "state" / "lock"):
            if path.parent.is_dir():
                _hold(held.enter_context(path.open("wb")))
        for name in ("state", "s3", "images", "tasks"):
            shutil.rmtree(home / name, ignore_errors=True)
        _forget_time(home / "kept.json")


def _hold(lock: IO[bytes]) -> None:
    """Lock a file, which an emulator may hold for a moment longer than its engine."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise RunError("another engine of this project starts or ends just now") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _forget_time(kept: Path) -> None:
    """Set the clock back to real time."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        kept.write_text(json.dumps({**json.loads(kept.read_text()), "offset": 0.0}))
