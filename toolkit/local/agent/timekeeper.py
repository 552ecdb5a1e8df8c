"""Time passes: firings are delivered when they are due, by themselves or on `advance`."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from toolkit.core.errors import ConfigError
from toolkit.local.agent.clock import Clock, offset_for
from toolkit.local.agent.delivery import Delivery, Due, first_attempt
from toolkit.local.agent.fargate import Fargate
from toolkit.local.agent.journal import Event, Journal
from toolkit.local.agent.scheduler import SchedulerAgent

_LONGEST_SLEEP = 1.0
_STEP_SECONDS = 0.25
_log = logging.getLogger(__name__)


class Timekeeper:
    """Drives the clock. Only one of `run`, `advance` and `fire` delivers at any moment.

    Args:
        move: moves the clock to a moment, for the emulator too.
        refresh: brings the scheduler's and Fargate's view up to date.
    """

    def __init__(
        self,
        clock: Clock,
        scheduler: SchedulerAgent,
        delivery: Delivery,
        fargate: Fargate,
        journal: Journal,
        *,
        move: Callable[[datetime], None],
        refresh: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._scheduler = scheduler
        self._delivery = delivery
        self._fargate = fargate
        self._journal = journal
        self._move = move
        self._refresh = refresh
        self._driving = threading.Lock()
        self._wake = threading.Event()
        self._stopped = threading.Event()

    def wake(self) -> None:
        """Something changed: look again at what is due."""
        self._wake.set()

    def stop(self) -> None:
        """End `run` and `advance`."""
        self._stopped.set()
        self._wake.set()

    def run(self) -> None:
        """Deliver what is due at the pace of real time, until stopped."""
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                with self._driving:
                    while due := self._scheduler.take(self._clock.now()):
                        self._deliver(due, self._clock.offset)
            except Exception:  # the boundary of the agent: one firing's trouble is not the next's
                if not self._stopped.is_set():
                    _log.exception("a firing failed in the engine")
            self._wake.wait(self._pause())

    def _pause(self) -> float:
        moment = self._scheduler.next_moment()
        if moment is None:
            return _LONGEST_SLEEP
        return min(max((moment - self._clock.now()).total_seconds(), 0.0), _LONGEST_SLEEP)

    def _deliver(self, due: Due, offset: float) -> None:
        retry = self._delivery.attempt(due, offset)
        if self._delivery.duplicated(due):
            self._delivery.attempt(due, offset)
        if retry is not None:
            self._scheduler.retry(retry)
        else:
            self._scheduler.complete(due)

    def advance(self, target: datetime, speed: float | None, parallel: int) -> Iterator[Event]:
        """Move to ``target`` firing by firing; yields what happens, "advanced" last.

        Firings come in order and each task lives at its own scheduled time, up to ``parallel`` at
        once; the clock arrives when the last of them has stopped. Without ``speed`` it jumps from
        firing to firing, else it runs so many times as fast as real time. A caller that goes away
        ends the advance; what runs is finished.
        """
        if target < self._clock.now():
            raise ConfigError(
                f"{target.isoformat()} has passed: it is {self._clock.now().isoformat()}",
                hint="the clock only moves ahead; toolkit local reset sets it back",
            )
        cancelled = threading.Event()
        yield from self._stream(
            lambda: self._advance(target, speed, parallel, cancelled), cancelled
        )

    def _advance(
        self, target: datetime, speed: float | None, parallel: int, cancelled: threading.Event
    ) -> None:
        with self._driving:
            self._refresh()
            while not (cancelled.is_set() or self._stopped.is_set()):
                due = self._scheduler.take(target)
                if due is None:
                    break
                self._fargate.wait_below(parallel)
                self._approach(due.at, speed, cancelled)
                self._deliver(due, offset_for(due.at))
                self._refresh()
            self._fargate.wait_below(1)
            self._approach(target, speed, cancelled)
            self._journal.tell("advanced", now=self._clock.now().isoformat())

    def _approach(self, moment: datetime, speed: float | None, cancelled: threading.Event) -> None:
        """Go to a moment, at a jump or at a speed."""
        while speed is not None and not (cancelled.is_set() or self._stopped.is_set()):
            left = (moment - self._clock.now()).total_seconds()
            if left <= 0:
                return
            pause = min(_STEP_SECONDS, left / speed)
            cancelled.wait(pause)
            self._move(self._clock.now() + timedelta(seconds=pause * (speed - 1)))
        if not cancelled.is_set():
            self._move(moment)

    def fire(self, name: str, scheduled: datetime | None, *, twice: bool) -> Iterator[Event]:
        """Deliver one firing of a schedule now, and wait for its tasks to be placed.

        Without ``scheduled`` it is the next one, which then does not come again by itself. A task
        that is fired ahead of its time lives at that time.
        """
        self._refresh()
        schedule = self._scheduler.find(name)
        moment = scheduled or self._scheduler.next_firing(schedule) or self._clock.now()
        moment = moment.replace(microsecond=0)
        due = self._scheduler.claim(schedule, moment) or first_attempt(schedule, moment, moment)
        offset = max(self._clock.offset, offset_for(moment))

        def work() -> None:
            with self._driving:
                for _ in range(2 if twice else 1):
                    self._deliver(due, offset)

        for event in self._stream(work, threading.Event()):
            if event.get("schedule", name) == name and event["event"] != "stopped":
                yield event

    def _stream(self, work: Callable[[], None], cancelled: threading.Event) -> Iterator[Event]:
        with self._journal.listen() as events:
            thread = threading.Thread(target=_then_end, args=(work, events), daemon=True)
            thread.start()
            try:
                while (event := events.get()) is not None:
                    yield event
            finally:
                cancelled.set()


def _then_end(work: Callable[[], None], events: "queue.SimpleQueue[Any]") -> None:
    try:
        work()
    except Exception as error:  # the boundary of a request: its failure is its answer
        _log.exception("the engine failed")
        events.put({"event": "failed", "message": f"the engine failed: {error}"})
    finally:
        events.put(None)


def read_target(now: datetime, until: str | None, seconds: float | None) -> datetime:
    """Where `advance` goes: a moment in ISO 8601, or a time from now."""
    if seconds is not None:
        return now + timedelta(seconds=seconds)
    return read_moment(until or "")


def read_moment(text: str) -> datetime:
    """An ISO 8601 time with its zone; raises ConfigError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ConfigError(f"{text!r} is not a time", hint="write it as 2026-11-24T05:00:00Z")
    return moment.astimezone(UTC)
