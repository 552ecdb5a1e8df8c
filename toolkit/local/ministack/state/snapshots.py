"""State on disk while the emulator runs, so that a kill costs little.

Nothing is acknowledged before it is on disk of what proves that a run happened: S3 objects (by
ministack), log events (`log_store.py`), tasks (`task_records.py`) and the blobs of images
(`blobs.py`). The rest (stacks, schedules, roles, queues) is small. It is saved here within a second
of a change, as far as saving takes a tenth of the time at most; but at once for an image, and
before a task is placed that may depend on it.
"""

import asyncio
import itertools
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import cloudformation

from toolkit.local.ministack.upstream import state_files

DIRECTORY = Path(os.environ.get("STATE_DIR", "state"))
_LOOK_SECONDS = 0.25
_SHARE = 10
_READS = ("Describe", "List", "Get", "BatchGet", "Filter", "Receive", "Head")
# On disk when they are answered, and far more frequent than anything else.
_DURABLE = frozenset(
    {"CreateLogStream", "PutLogEvents", "RunTask", "StopTask", "SubmitTaskStateChange"}
)
_TRIES = 5
_FORMAT, _FORMATS = persistence.STATE_FORMAT_VERSION, persistence.SERVICE_STATE_FORMAT_VERSIONS
State = Callable[[], Any]
_states: dict[str, State] = {}  # of services that have parts elsewhere on disk
_dirty = False
_ended, _took = 0.0, 0.0
_saving = threading.RLock()  # ministack answers some calls in threads of their own
_log = logging.getLogger("toolkit.snapshots")


def is_change(method: str, action: str, path: str, service: str) -> bool:
    """Whether the state is to be saved after a request: it does more than read, unless durably."""
    is_object = service == "s3" and "/" in path.strip("/")
    return not (is_read(method, action) or is_object or action in _DURABLE)


def is_read(method: str, action: str) -> bool:
    """Whether a request asks only."""
    return method in ("GET", "HEAD") or action.startswith(_READS)


def saves(service: str) -> Callable[[State], State]:
    """Register what is to be saved of a service, instead of what ministack would save."""

    def register(state: State) -> State:
        _states[service] = state
        return state

    return register


def services() -> dict[str, str]:
    """The name by which each service of ministack is saved, and its module."""
    modules: dict[str, str] = {}
    for row in app.SERVICE_REGISTRY.values():
        modules[row.get("state_key", row["module"])] = row["module"]
        modules.update({part: part for part in row.get("sub_modules", ())})
    return modules


def path_of(name: str) -> Path:
    """The file of a service."""
    return DIRECTORY / f"{name}.json"


def touch() -> None:
    """Something changed that is to be saved."""
    global _dirty
    _dirty = True


def settle() -> None:
    """Save what has changed, now: what comes next depends on it."""
    with _saving:
        if _dirty:
            save()


def save() -> None:
    """Save everything. No service's file is replaced before all are written."""
    global _dirty, _ended, _took
    with _saving:
        begun = time.perf_counter()
        _dirty = False  # what changes from here on may be too late for this time
        try:
            _write()
        except BaseException:
            _dirty = True
            raise
        if _is_deploying():  # what a stack does, it does after its request has been answered
            _dirty = True
        _ended = time.perf_counter()
        _took = _ended - begun


def _write() -> None:
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    drafts = []
    for name, module in services().items():
        service = sys.modules.get(f"ministack.services.{module}")  # if anybody has asked for it
        get_state = _states.get(name) or getattr(service, "get_state", None)
        text = _as_text(name, get_state) if get_state else None
        if text is not None:
            draft = path_of(name).with_suffix(".json.new")
            draft.write_text(text)
            drafts.append(draft)
    for draft in drafts:
        draft.replace(draft.with_suffix(""))


def _as_text(name: str, get_state: State) -> str | None:
    """The state of one service; read again where another thread changed it meanwhile."""
    for tries in itertools.count(1):
        try:
            state = get_state()
            if state is None:
                return None
            payload = json.dumps(state, default=persistence._json_default)
            return state_files.document(_FORMATS.get(name, _FORMAT), payload)
        except RuntimeError:  # "dictionary changed size during iteration"
            if tries == _TRIES:
                raise
    return None


def _is_deploying() -> bool:
    states = {stack.get("StackStatus", "") for stack in cloudformation._stacks.all_values()}
    return any(state.endswith("IN_PROGRESS") for state in states - {"REVIEW_IN_PROGRESS"})


async def keep_saving() -> None:
    """Save whenever something changed, for as long as the emulator runs."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        try:
            if time.perf_counter() - _ended >= _SHARE * _took:
                settle()
        except Exception:  # the boundary of a task of its own: a full disk may be emptied
            _log.exception("the state could not be saved")
