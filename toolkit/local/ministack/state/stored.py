"""What stands on disk apart from ministack's own state: taken up at the start, wiped by a reset."""

from toolkit.local.ministack.cloudformation import resource_types
from toolkit.local.ministack.ecs import task_records
from toolkit.local.ministack.events import alarms, event_history
from toolkit.local.ministack.stores import blobs, log_events


def restore() -> None:
    """After ministack has loaded its state."""
    blobs.sweep()
    log_events.restore()
    task_records.restore()
    resource_types.fail_interrupted()


def wipe() -> None:
    """After ministack was reset."""
    alarms.reset()
    event_history.wipe()
    blobs.sweep()
    log_events.wipe()
    task_records.wipe()
