"""The processes that a program started: find them, and end those that it left behind (Linux).

A process that detaches itself (``setsid``, double fork) leaves its process group, and its parent
is gone. The runtime is made the reaper of such orphans, so they stay its descendants.
https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html
"""

import os
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import frozen

_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


@frozen
class _Entry:
    pid: int
    state: str
    parent: int
    group: int


def adopt() -> None:
    """Become the parent of every orphan among our descendants, where the system can do that."""
    if sys.platform != "linux":
        return
    with suppress(ImportError, OSError, AttributeError):
        import ctypes

        words = (ctypes.c_ulong(word) for word in (1, 0, 0, 0))
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, *words)


def children() -> frozenset[int]:
    """The ids of our own children now."""
    return frozenset(entry.pid for entry in _entries() if entry.parent == os.getpid())


def end(group: int, own: Collection[int], seconds: float, pause: float) -> int:
    """End what is left of a program, with SIGTERM and after ``seconds`` with SIGKILL.

    Args:
        group: the program's process group; its leader has ended.
        own: the children that we had before it started; they are left alone.
        seconds: from SIGTERM to SIGKILL.
        pause: seconds between two looks.

    Returns:
        How many processes were found alive.
    """
    found: set[int] = set()
    deadline = time.monotonic() + seconds
    while alive := _alive(group, own):
        late = time.monotonic() >= deadline
        for pid in alive if late else alive - found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL if late else signal.SIGTERM)
        found |= alive
        if late and time.monotonic() >= deadline + max(seconds, 1.0):
            break  # another user's: nothing that we may end
        time.sleep(pause)
    return len(found)


def _alive(group: int, own: Collection[int]) -> set[int]:
    entries = list(_entries())
    family = {os.getpid()}
    grown = True
    while grown:  # parents need not stand before their children
        more = {row.pid for row in entries if row.parent in family and row.pid not in own} - family
        family |= more
        grown = bool(more)
    rows = [row for row in entries if row.group == group or row.pid in family]
    rows = [row for row in rows if row.pid != os.getpid()]
    for row in rows:
        if row.state == "Z" and row.parent == os.getpid():
            with suppress(ChildProcessError):
                os.waitpid(row.pid, os.WNOHANG)
    return {row.pid for row in rows if row.state not in "ZX"}


def _entries() -> Iterator[_Entry]:
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            text = path.read_text("utf-8", "replace")
        except OSError:
            continue  # it has just ended
        # The name stands in parentheses and may hold some itself.
        state, parent, group = text[text.rindex(")") + 1 :].split()[:3]
        yield _Entry(int(path.parent.name), state, int(parent), int(group))
