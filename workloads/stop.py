"""Asking a run to end: SIGTERM, the maximum runtime, and what happens when it does not obey."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable

from workloads.contract import Outcome

# ECS sends SIGTERM; a person at a terminal sends SIGINT.
_SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


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

    It runs in its own thread and learns of the signal through a wake-up file descriptor, which
    the interpreter writes to at once, even while the main thread is inside a long C call in which
    no Python signal handler would run. A run that has not ended ``grace`` seconds after the
    request is ended by ``overdue``, which commits what there is. Must be made in the main thread.
    """

    def __init__(
        self,
        flag: StopFlag,
        *,
        grace: float,
        overdue: Callable[[Outcome], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._flag = flag
        self._grace = grace
        self._overdue = overdue
        self._clock = clock
        self._deadline: float | None = None
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._done = threading.Event()
        self._previous = {s: signal.signal(s, lambda *_: None) for s in _SIGNALS}
        self._previous_fd = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._thread.start()

    def limit(self, seconds: float) -> None:
        """Set the maximum runtime, counted from now."""
        self._deadline = self._clock() + seconds
        os.write(self._writer, b"\0")

    def close(self) -> None:
        """Stop watching and give the signal back."""
        self._done.set()
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.write(self._writer, b"\0")
        self._thread.join()
        os.close(self._reader)
        os.close(self._writer)

    def _watch(self) -> None:
        while not self._done.is_set() and not self._flag.is_set():
            timeout = None if self._deadline is None else max(0.0, self._deadline - self._clock())
            ready, _, _ = select.select([self._reader], [], [], timeout)
            if ready and not _SIGNALS.isdisjoint(os.read(self._reader, 64)):
                self._flag.request(Outcome.INTERRUPTED)
            elif self._deadline is not None and self._clock() >= self._deadline:
                self._flag.request(Outcome.TIMED_OUT)
        if not self._done.wait(self._grace) and self._flag.outcome is not None:
            self._overdue(self._flag.outcome)
