"""Python imports this when it starts in a task, and tells the task's virtual time from then on.

Programs that the task starts inherit it, if they are Python. A process has time-machine at hand,
which turns what C code tells, too. In a container only names can be replaced: the date of
``datetime.now`` stays real there. Monotonic clocks are real everywhere: a duration is a duration.
"""

import os
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

# What time-machine imports for tests and for dates in words takes half of its time.
_UNUSED: dict[str, Any] = {
    "pytest": None,
    "dateutil": None,
    "unittest": SimpleNamespace(TestCase=object),
}


def _travel(offset: float) -> None:
    sys.modules.update(_UNUSED)
    # Only for this import: the task shall find its own packages and no others.
    sys.path.append(os.environ.get("TOOLKIT_CLOCK_PACKAGES", ""))
    try:
        from time_machine import travel
    finally:
        sys.path.pop()
        for name in _UNUSED:
            del sys.modules[name]
    travel(time.time() + offset).start()
    time.time()  # it stands still until it is asked for the first time


def _replace(offset: float) -> None:
    real, real_ns, offset_ns = time.time, time.time_ns, round(offset * 1e9)
    time.time = lambda: real() + offset
    time.time_ns = lambda: real_ns() + offset_ns
    for name in ("ctime", "gmtime", "localtime"):
        setattr(time, name, _from_now(getattr(time, name)))
    asctime, strftime = time.asctime, time.strftime
    time.asctime = lambda moment=None: asctime(moment or time.localtime())
    time.strftime = lambda form, moment=None: strftime(form, moment or time.localtime())


def _from_now(real: Callable[[float], Any]) -> Callable[..., Any]:
    return lambda seconds=None: real(time.time() if seconds is None else seconds)


def _shift(offset: float) -> None:
    try:
        _travel(offset)
    except ImportError:
        _replace(offset)


_shift(float(os.environ["TOOLKIT_CLOCK_OFFSET"]))
