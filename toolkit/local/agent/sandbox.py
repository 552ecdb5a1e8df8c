"""What a task's process may open: a system, a Python, its image and its own folders.

A container has a file system of its own. A process has this machine's, so what it may read and
write is listed here, and Landlock refuses the rest (`launcher.py`): the person's files, other
projects, and the engine's own, in which its secrets stand.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from toolkit.local.agent.clock import SHIM

_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc", "/sys")
# Name resolution, certificates, users, time zone, fonts and the linker's cache.
_SETTINGS = (
    "alternatives",
    "ca-certificates",
    "fonts",
    "gai.conf",
    "group",
    "host.conf",
    "hosts",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "passwd",
    "pki",
    "protocols",
    "resolv.conf",
    "services",
    "ssl",
    "timezone",
)
_PACKAGES = ("site-packages", "dist-packages")


def readable(home: Path, *, read_only: bool) -> list[Path]:
    """What a task may read beside its image and its own folders.

    Args:
        home: the engine's own directory; nothing that holds it is among them.
        read_only: whether its root is; else it may read what it writes (`temporary`).
    """
    return [*_apart_from(home, _candidates()), *([] if read_only else temporary(home))]


def temporary(home: Path) -> list[Path]:
    """The machine's temporary directories, to which a task without a read-only root may write."""
    return _apart_from(home, map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")))  # noqa: S108


def _apart_from(home: Path, candidates: Iterable[Path]) -> list[Path]:
    hidden = home.resolve()
    paths = {path.resolve() for path in candidates}
    return sorted(path for path in paths if path.exists() and not hidden.is_relative_to(path))


def _candidates() -> Iterator[Path]:
    yield from map(Path, _SYSTEM)
    yield from (Path("/etc") / name for name in _SETTINGS)
    yield from (Path(sys.prefix), Path(sys.base_prefix), SHIM)
    yield from (path for path in map(Path, sys.path) if path.name in _PACKAGES)
