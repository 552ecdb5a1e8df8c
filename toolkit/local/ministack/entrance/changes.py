"""What changed since the engine last looked: a counter that its agents can wait on.

Real services push work to their agents. Ours wait here (`gateway.py` serves it) and then read what
they need through the AWS calls that anyone could make.
"""

import threading

_changed = threading.Condition()
_version = 0
_schedules = 0


def announce(*, schedules: bool = False) -> None:
    """Wake whoever waits: a task, a schedule or a stop request is new."""
    global _version, _schedules
    with _changed:
        _version += 1
        _schedules += schedules
        _changed.notify_all()


def of_schedules() -> int:
    """How many changes of schedules there were."""
    return _schedules


def wait(since: int, seconds: float) -> int:
    """Block until the version differs from ``since``, at most ``seconds``; returns the version."""
    with _changed:
        _changed.wait_for(lambda: _version != since, seconds)
        return _version
