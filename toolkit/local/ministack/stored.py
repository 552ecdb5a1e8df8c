"""What stands on disk apart from ministack's own state: taken up at the start, wiped by a reset."""

from . import alarms, blobs, cloudformation, log_journal, logs, task_records


def restore() -> None:
    """After ministack has loaded its state."""
    blobs.sweep()
    logs.restore()
    task_records.restore()
    cloudformation.fail_interrupted()


def wipe() -> None:
    """After ministack was reset."""
    alarms.reset()
    blobs.sweep()
    log_journal.wipe()
    task_records.wipe()
