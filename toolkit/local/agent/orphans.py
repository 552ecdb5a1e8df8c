"""Processes that outlive the container that started them: they end with it, whatever their session.

A program can leave its session and its parent behind, as daemons do. Linux hands such a process to
the next ancestor that asked for it: to the container's main process while that lives
(`launcher.py`), then to the engine, which ends it.

https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

from toolkit.local.agent.launcher import become_reaper, end_families

_own: set[int] = set()  # children in sessions of their own that the engine itself started
_starting = threading.RLock()


def adopt() -> None:
    """Let this process get what its containers leave behind."""
    if sys.platform == "linux":
        become_reaper()


def start(make: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a child that is nobody's orphan."""
    with _starting:
        popen = make()
        _own.add(popen.pid)
    return popen


def forget(popen: subprocess.Popen[bytes]) -> None:
    """A child has ended, and its number may be that of another process one day."""
    _own.discard(popen.pid)


def end() -> None:
    """End what ended containers have left, and wait until it is gone."""
    while orphans := _end_some():
        for pid in orphans:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _end_some() -> list[int]:
    """Kill the orphans that there are now, and what they started."""
    session = os.getsid(0)

    def is_orphan(pid: int) -> bool:
        return pid not in _own and os.getsid(pid) != session

    with _starting:  # a child that has just been started is not known yet
        return end_families(os.getpid(), is_orphan)
