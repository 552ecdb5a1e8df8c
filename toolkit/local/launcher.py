"""The first thing in a task's process: ``python launcher.py ROOT OFFSET FD -m module …`` (or -c).

It stands in for the container: the import root is the image's tree, the clock is the task's, and
the process group ends when the engine does. It is run by path in a clean environment and imports
nothing of the toolkit.
"""

import os
import runpy
import signal
import sys
import threading
import time


def _shift_clock(offset: float) -> None:
    """``time.time`` and ``time.time_ns`` tell the task's virtual time; other clocks stay real."""
    real, real_ns, offset_ns = time.time, time.time_ns, round(offset * 1e9)
    time.time = lambda: real() + offset
    time.time_ns = lambda: real_ns() + offset_ns


def _end_with_the_engine(descriptor: int) -> None:
    """Block until the engine's end of the pipe closes, then end the whole process group."""
    os.read(descriptor, 1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Become the program that the image names."""
    root, offset, descriptor, option, what, *arguments = sys.argv[1:]
    watch = threading.Thread(target=_end_with_the_engine, args=(int(descriptor),), daemon=True)
    watch.start()
    if float(offset):
        _shift_clock(float(offset))
    sys.path[0] = root
    if option == "-m":
        sys.argv = [what, *arguments]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv = ["-c", *arguments]
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102


if __name__ == "__main__":
    main()
