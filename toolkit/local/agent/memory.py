"""What a process and its descendants hold in memory, as a container's limit counts it (Linux)."""

import os
from collections.abc import Iterator

from toolkit.local.agent.launcher import children

_PAGE = os.sysconf("SC_PAGE_SIZE")


def victims(pid: int, limit: int) -> list[int]:
    """Whom the kernel would kill: the largest of a family, until it holds no more than ``limit``.

    Nobody while it holds less, in bytes. That need not be ``pid`` itself: a child may be killed and
    its parent go on, and then the container's exit code is the parent's.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory
    """
    held = {each: _resident(each) for each in _family(pid)}
    if sum(held.values()) > limit and len(held) > 1:
        # Forks share pages, and a container's limit counts a page once.
        held = {each: _proportional(each) for each in held}
    left, found = sum(held.values()), []
    for each in sorted(held, key=lambda each: held[each], reverse=True):
        if left <= limit or not held[each]:
            break
        left -= held[each]
        found.append(each)
    return found


def _family(pid: int) -> Iterator[int]:
    """A process and its descendants, however long the chain of forks."""
    pending = [pid]
    while pending:
        yield (each := pending.pop())
        pending += children(each)


def _resident(pid: int) -> int:
    fields = _read(pid, "statm").split()
    return int(fields[1]) * _PAGE if fields else 0


def _proportional(pid: int) -> int:
    """Resident memory, where a page that is shared by n processes counts as 1/n of one."""
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(pid: int, name: str) -> str:
    """A file of /proc. A `Path` would keep each number of a process among the interned strings."""
    try:
        with open(f"/proc/{pid}/{name}", encoding="ascii") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""  # it has just ended, or this is no Linux
