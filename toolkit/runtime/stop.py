"""Asking a run to end: SIGTERM, the maximum runtime, and what happens when it does not obey."""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from toolkit.runtime.contract import Outcome

# ECS sends SIGTERM, a person at a terminal SIGINT, the timer of the maximum runtime SIGALRM.
_OUTCOMES: dict[int, Outcome] = {
    signal.SIGTERM: Outcome.INTERRUPTED,
    signal.SIGINT: Outcome.INTERRUPTED,
    signal.SIGALRM: Outcome.TIMED_OUT,
}
_TICK_SECONDS = 0.5
_SWITCH_SECONDS = 0.01  # longer than sys.getswitchinterval()


class StopFlag:
    """Set once, with the outcome that the request implies; the first request wins."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self.outcome: Outcome | None = None

    def request(self, outcome: Outcome) -> bool:
        """Ask the run to end; returns whether this was the first request."""
        with self._lock:
            if self.outcome is not None:
                return False
            self.outcome = outcome
        self._event.set()
        return True

    def is_set(self) -> bool:
        """Whether the run was asked to end."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep until the request or for ``seconds``; returns ``is_set()``."""
        return self._event.wait(seconds)


class Watchdog:
    """Turns SIGTERM and the maximum runtime into a stop request, and enforces it.

    It runs in its own thread and learns of both through a wake-up file descriptor, which the
    interpreter's signal handler writes to at once, even while the main thread is inside a long C
    call. A run that has not ended ``grace`` seconds after the request is ended here: ``overdue``
    commits what there is, then the process exits. Must be made in the main thread.

    C code that never lets go of the interpreter stops every thread, this one too. Code that looks
    for signals now and then (``re``) lets go in our handler, which the timer calls again and again
    from the first signal on: on a busy machine this thread may miss its turn. For the rest
    faulthandler, which needs no interpreter, writes the traceback to stderr and exits with 1 after
    twice the grace: a run is bounded whatever it does.
    """

    def __init__(
        self, flag: StopFlag, *, grace: float, afterwards: signal.Handlers | None = None
    ) -> None:
        self._flag = flag
        self._grace = grace
        self._afterwards = afterwards
        self._overdue: Callable[[Outcome], int] = lambda outcome: outcome.exit_code
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._done = threading.Event()
        self._previous = {number: signal.signal(number, self._let_go) for number in _OUTCOMES}
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def guard(self, seconds: float, overdue: Callable[[Outcome], int]) -> None:
        """Set the maximum runtime, counted from now, and who commits an overdue run.

        ``overdue`` returns the exit code of the process.
        """
        self._overdue = overdue
        faulthandler.dump_traceback_later(
            seconds + 2 * self._grace, exit=True, file=sys.__stderr__ or sys.stderr
        )
        signal.setitimer(signal.ITIMER_REAL, seconds)
        if self._flag.is_set():
            _tick()

    def close(self) -> None:
        """Stop watching; signals go to ``afterwards``, or back to their handlers."""
        self._done.set()
        os.write(self._writer, b"\0")
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler if self._afterwards is None else self._afterwards)
        os.close(self._reader)
        os.close(self._writer)

    def _let_go(self, _number: int, _frame: object) -> None:
        if not self._done.is_set():
            _tick()
        time.sleep(_SWITCH_SECONDS)

    def _watch(self) -> None:
        while not self._done.is_set() and not self._flag.is_set():
            for number in os.read(self._reader, 64):
                if number in _OUTCOMES:
                    self._flag.request(_OUTCOMES[number])
        outcome = self._flag.outcome
        if outcome is None:
            return
        _tick()
        if self._done.wait(self._grace):
            return
        code = outcome.exit_code
        try:
            code = self._overdue(outcome)
        finally:
            os._exit(code)


def _tick() -> None:
    """Call the handler of SIGALRM from now on, again and again."""
    signal.setitimer(signal.ITIMER_REAL, _TICK_SECONDS, _TICK_SECONDS)
