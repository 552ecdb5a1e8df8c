"""State on disk: taken up at the start, and wiped by a reset."""

import logging
from importlib import import_module

from ministack.core import persistence

from toolkit.local.ministack.cloudformation import resource_types
from toolkit.local.ministack.ecs import task_records
from toolkit.local.ministack.events import alarms, event_history
from toolkit.local.ministack.stores import blobs, bucket_lifecycle, log_events
from toolkit.local.ministack.upstream.state_files import DamagedStateError

from . import snapshots

_log = logging.getLogger("toolkit.state")


def restore() -> None:
    """Take up what was saved; raises DamagedStateError where that cannot be."""
    for name, module in snapshots.services().items():
        if snapshots.path_of(name).exists():
            _load(name, module)
    blobs.sweep()
    log_events.restore()
    task_records.restore()
    resource_types.fail_interrupted()


def _load(name: str, module: str) -> None:
    try:
        saved = persistence.load_state(name)
        if saved is None:
            raise ValueError("it cannot be read")
        import_module(f"ministack.services.{module}").load_persisted_state(saved)
    except Exception as error:
        _log.exception("the state of %s cannot be taken up", name)
        path = snapshots.path_of(name)
        raise DamagedStateError(f"{path.absolute()} is damaged: emulator.log says why") from error


def wipe() -> None:
    """After ministack was reset."""
    alarms.reset()
    bucket_lifecycle.reset()
    event_history.wipe()
    blobs.sweep()
    log_events.wipe()
    task_records.wipe()
