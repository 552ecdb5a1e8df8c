"""What stands on disk apart from ministack's own state: taken up at the start, wiped by a reset."""

import logging

from toolkit.local.ministack.cloudformation import resource_types
from toolkit.local.ministack.ecs import task_records
from toolkit.local.ministack.events import alarms, event_history
from toolkit.local.ministack.stores import blobs, bucket_lifecycle, log_events
from toolkit.local.ministack.upstream.state_files import DamagedStateError

from . import snapshots


class _Failures(logging.Handler):
    """Services whose state ministack could not take up: it logs that, and goes on without."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.services: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        if str(record.msg).startswith(("Failed to restore persisted", "Persistence: ")):
            self.services.append(str((record.args or ("",))[0]))  # type: ignore[index]


_failures = _Failures()


def install() -> None:
    """Listen to what ministack says while it loads its state."""
    logging.getLogger().addHandler(_failures)


def restore() -> None:
    """After ministack has loaded its state; raises DamagedStateError if it could not."""
    logging.getLogger().removeHandler(_failures)
    for service in _failures.services:
        path = snapshots.DIRECTORY / f"{service}.json"
        raise DamagedStateError(f"{path.absolute()} is damaged: emulator.log says why")
    blobs.sweep()
    log_events.restore()
    task_records.restore()
    resource_types.fail_interrupted()


def wipe() -> None:
    """After ministack was reset."""
    alarms.reset()
    bucket_lifecycle.reset()
    event_history.wipe()
    blobs.sweep()
    log_events.wipe()
    task_records.wipe()
