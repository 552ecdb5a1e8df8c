"""What runs on this Linux machine, read from /proc: a fresh one has neither ps nor ss.

https://docs.kernel.org/filesystems/proc.html
"""

import ipaddress
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
_LISTEN = "0A"


def parents() -> dict[int, int]:
    """The parent of every process that lives; a zombie does not."""
    found = {}
    for path in PROC.glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            # The name before it stands in parentheses, and may hold anything.
            state, parent = path.read_text("utf-8", "replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(path.parent.name)] = int(parent)
    return found


def family(pid: int) -> set[int]:
    """A process and all its descendants that live."""
    known = parents()
    found = {pid} & known.keys()
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of the processes that live."""
    return pids & parents().keys()


def listening(pids: set[int]) -> list[tuple[str, int]]:
    """The addresses and ports on which processes accept TCP connections."""
    sockets = set()
    for pid in pids:
        for link in (PROC / str(pid) / "fd").iterdir():
            with suppress(FileNotFoundError):
                sockets.add(str(link.readlink()))
    found = []
    for table in ("tcp", "tcp6"):
        for row in (PROC / "net" / table).read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = row.split()[:10]
            if state == _LISTEN and f"socket:[{inode}]" in sockets:
                host, _, port = local.partition(":")
                found.append((_address(host), int(port, 16)))
    return found


def _address(text: str) -> str:
    """The kernel writes each 32-bit word of an address in the machine's own byte order."""
    words = [bytes.fromhex(text[at : at + 8])[::-1] for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))
