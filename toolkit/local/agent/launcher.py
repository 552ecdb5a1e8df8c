"""The first thing in a task's process, in place of the container.

    python launcher.py ROOT FD [-r PATH… -w PATH…] -- -m MODULE … (or -c PROGRAM …)

The import root is the image's tree. Only what is below a PATH can be read; nothing but what is
below those after ``-w`` can be written. All that runs here ends when the engine does. It is run by
path in a clean environment and imports nothing of the toolkit.
"""

import ctypes
import os
import runpy
import signal
import stat
import struct
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

# Landlock: https://docs.kernel.org/userspace-api/landlock.html. The numbers of its system calls are
# those of every architecture; the others stand in include/uapi/linux/landlock.h.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION, _PATH_BENEATH = 1, 1
_SET_NO_NEW_PRIVS, _SET_CHILD_SUBREAPER = 38, 36
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
# WRITE_FILE; REMOVE_DIR to MAKE_SYM, and REFER, which is moving files between directories.
_CHANGES = 1 << 1 | sum(1 << right for right in range(4, 14))
_TRUNCATE = 1 << 14
_OF_A_FILE = 1 << 1 | _READ_FILE | _TRUNCATE  # what a rule about a file may grant
_CAPABILITIES_VERSION = 0x20080522
# What Docker leaves to root: https://docs.docker.com/engine/security/#linux-kernel-capabilities
# without NET_RAW and MKNOD, because the network and the devices are this machine's.
_OF_A_CONTAINER = sum(1 << bit for bit in (0, 1, 3, 4, 5, 6, 7, 8, 10, 18, 29, 31))
# The versions of the interface that came with them.
_WITH_REFER, _WITH_TRUNCATE, _WITH_SCOPES = 2, 3, 6
_SCOPES = 1 << 0 | 1 << 1  # abstract Unix sockets and signals stay within the sandbox
# A container has a /dev of its own. In this machine's stand its disks and the person's terminals.
_DEVICES = tuple(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "shm")
)


def landlock_version() -> int:
    """The version of the kernel's Landlock interface; 0 where a process cannot be restricted.

    Its first version (Linux 5.13) does not count: it forbids all moving between directories.
    """
    if sys.platform != "linux":
        return 0
    try:
        version = _call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:  # an older kernel, or one that was built or started without
        return 0
    return version if version >= _WITH_REFER else 0


def _restrict(readable: Sequence[str], writable: Sequence[str]) -> None:
    """From now on this process and its children can open these alone.

    Landlock also keeps them from looking into other processes, their memory and environment, and
    from Linux 6.12 on from sending them signals.
    """
    version, reads = landlock_version(), _READ_FILE | _READ_DIR
    writes = _CHANGES | (_TRUNCATE if version >= _WITH_TRUNCATE else 0)
    attributes = struct.pack("Q", reads | writes)
    if version >= _WITH_SCOPES:
        attributes = struct.pack("QQQ", reads | writes, 0, _SCOPES)  # no rules for the network
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    for path in readable:
        _allow(rules, path, reads)
    for path in (*writable, *_DEVICES):
        _allow(rules, path, reads | writes)
    # Who may not gain privileges may give up some; a container has this flag, too.
    _libc().prctl(_SET_NO_NEW_PRIVS, *(ctypes.c_ulong(word) for word in (1, 0, 0, 0)))
    _give_up_capabilities()
    _call(_RESTRICT_SELF, rules, 0)
    os.close(rules)


def _give_up_capabilities() -> None:
    """Keep no more than a container's root has: more would look into other processes anyway."""
    header = struct.pack("=Ii", _CAPABILITIES_VERSION, 0)
    sets = ctypes.create_string_buffer(24)
    libc = _libc()
    if libc.capget(header, sets):
        raise OSError(ctypes.get_errno(), "capget")
    effective, permitted = struct.unpack_from("=2I", sets)
    kept = (effective & _OF_A_CONTAINER, permitted & _OF_A_CONTAINER, 0, 0, 0, 0)
    if libc.capset(header, struct.pack("=6I", *kept)):
        raise OSError(ctypes.get_errno(), "capset")


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # it is gone since it was listed
    if not stat.S_ISDIR(os.fstat(parent).st_mode):
        rights &= _OF_A_FILE
    _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, parent), 0)
    os.close(parent)


def _call(number: int, *arguments: bytes | int | None) -> int:
    """One system call that libc has no name for; raises OSError."""
    given = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *given)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _end_with_the_engine(descriptor: int) -> None:
    """Block until the engine's end of the pipe closes, then end all that runs here."""
    os.read(descriptor, 1)
    while found := end_families(os.getpid()):  # what these left behind comes to this process
        for child in found:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)
    end_session(os.getsid(0))


def become_reaper() -> None:
    """Let this process get the children of its descendants that end before them."""
    _libc().prctl(_SET_CHILD_SUBREAPER, *(ctypes.c_ulong(word) for word in (1, 0, 0, 0)))


def end_families(pid: int, chosen: Callable[[int], bool] = lambda _pid: True) -> list[int]:
    """SIGKILL for the chosen children of a process and all their descendants; returns the children.

    Each is stopped before its children are looked for, so that it makes hardly any more.
    """
    found = [child for child in children(pid) if _is(chosen, child)]
    pending, stopped = list(found), []
    while pending:  # a chain of forks may be longer than Python's stack
        each = pending.pop()
        with suppress(OSError):
            os.kill(each, signal.SIGSTOP)
            stopped.append(each)
            pending += children(each)
    for each in stopped:
        with suppress(OSError):
            os.kill(each, signal.SIGKILL)
    return found


def _is(chosen: Callable[[int], bool], pid: int) -> bool:
    """Whether a process is one of those; one that has ended is not."""
    try:
        return chosen(pid)
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The children of a process (Linux)."""
    found: list[int] = []
    with suppress(OSError):  # it has ended, or this is no Linux
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    return found


def end_session(session: int) -> None:
    """SIGKILL for every process of a session, its leader's group last: that may be our own.

    A program that the runtime starts has a process group of its own in the same session.
    """
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208
        with suppress(OSError, ValueError):
            pid = int(name)
            if os.getsid(pid) == session and os.getpgid(pid) != session:
                os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)


def main() -> None:
    """Become the program that the image names."""
    end = sys.argv.index("--")
    root, descriptor, *paths = sys.argv[1:end]
    option, what, *arguments = sys.argv[end + 1 :]
    if paths:  # first: it holds for this thread and for those it starts
        middle = paths.index("-w")
        _restrict(paths[1:middle], paths[middle + 1 :])
    if sys.platform == "linux":
        become_reaper()
    watch = threading.Thread(target=_end_with_the_engine, args=(int(descriptor),), daemon=True)
    watch.start()
    sys.path[0] = root
    if option == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *arguments]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


if __name__ == "__main__":
    main()
