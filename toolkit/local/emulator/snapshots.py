"""State on disk while the emulator runs, so that a kill costs little.

Nothing is acknowledged before it is on disk of what proves that a run happened: S3 objects (by
ministack), log events (`log_journal.py`), tasks (`task_records.py`) and the blobs of images
(`blobs.py`). The rest (stacks, schedules, roles, queues) is small. It is saved here within a second
of a change, as far as saving takes a tenth of the time at most; but at once for an image, and
before a task is placed that may depend on it.
"""

import asyncio
import json
import logging
import os
import time
from pathlib import Path

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation

DIRECTORY = Path(os.environ.get("STATE_DIR", "state"))
_LOOK_SECONDS = 0.25
_SHARE = 10
_READS = ("Describe", "List", "Get", "BatchGet", "Filter", "Receive", "Head")
# On disk when they are answered, and far more frequent than anything else.
_DURABLE = frozenset(
    {"CreateLogStream", "PutLogEvents", "RunTask", "StopTask", "SubmitTaskStateChange"}
)
_dirty = False
_ended, _took = 0.0, 0.0
_log = logging.getLogger("toolkit.snapshots")


def note(method: str, action: str, path: str, service: str) -> None:
    """A request arrived: the state is to be saved, unless it only reads or is durable by itself."""
    is_read = method in ("GET", "HEAD") or action.startswith(_READS)
    is_object = service == "s3" and "/" in path.strip("/")
    if not (is_read or is_object or action in _DURABLE):
        touch()


def touch() -> None:
    """Something changed that is to be saved."""
    global _dirty
    _dirty = True


def settle() -> None:
    """Save what has changed, now: what comes next depends on it."""
    if _dirty:
        save()


def save() -> None:
    """Save everything. No service's file is replaced before all are written."""
    global _dirty, _ended, _took
    begun = time.perf_counter()
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    drafts = []
    for name, get_state in app._build_persistence_save_dict().items():
        state = get_state()
        if state is not None:
            version = persistence._state_format_version(name)
            document = {"__ministack_format__": version, "payload": state}
            draft = DIRECTORY / f"{name}.json.new"
            draft.write_text(json.dumps(document, default=persistence._json_default))
            drafts.append(draft)
    for draft in drafts:
        draft.replace(draft.with_suffix(""))
    _dirty = _is_deploying()  # what a stack does, it does after its request has been answered
    _ended = time.perf_counter()
    _took = _ended - begun


def _is_deploying() -> bool:
    states = {stack.get("StackStatus", "") for stack in cloudformation._stacks.all_values()}
    return any(state.endswith("IN_PROGRESS") for state in states - {"REVIEW_IN_PROGRESS"})


def install() -> None:
    """Save as above when the emulator ends, too."""
    app.save_all = lambda _states: save()


async def keep_saving() -> None:
    """Save whenever something changed, for as long as the emulator runs."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if time.perf_counter() - _ended >= _SHARE * _took:
                settle()
        except Exception:  # the boundary of a task of its own: a full disk may be emptied
            _log.exception("the state could not be saved")
