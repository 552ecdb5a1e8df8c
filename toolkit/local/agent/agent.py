"""The agent as a whole: EventBridge Scheduler and Fargate, on an emulator's state.

What it needs of the emulator stands in toolkit/local/PROTOCOL.md.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from toolkit.adapters.images.registry import Login
from toolkit.local.agent import container
from toolkit.local.agent.aws import Emulator
from toolkit.local.agent.clock import Clock
from toolkit.local.agent.delivery import Delivery
from toolkit.local.agent.endpoint import TaskEndpoint
from toolkit.local.agent.fargate import Fargate
from toolkit.local.agent.images import Images, PullError
from toolkit.local.agent.journal import Journal
from toolkit.local.agent.scheduler import SchedulerAgent
from toolkit.local.agent.start import Surroundings
from toolkit.local.agent.timekeeper import Timekeeper
from toolkit.local.feed.embedded import Branch

_RETRY_SECONDS = 0.2
_WATCH_SECONDS = 30.0
_PAUSES, _LONGEST_PAUSE = 4, 2.0  # between two readings of schedules, in times of the last one
_log = logging.getLogger(__name__)


class Agent:
    """The two services; `start` makes them follow the emulator, `stop` ends them.

    Args:
        emulator: whose state it is.
        home: where it keeps what tasks need.
        clock: the virtual clock.
        moved: called when the clock was moved, before the emulator is told.
        control_url: where tasks find their metadata.
        branch_of_feed: a task's own way to the market feed.
    """

    def __init__(
        self,
        emulator: Emulator,
        home: Path,
        clock: Clock,
        *,
        moved: Callable[[], None],
        control_url: str,
        branch_of_feed: Callable[[], Branch | None],
    ) -> None:
        self._emulator = emulator
        self._clock = clock
        self._moved = moved
        self._stopping = threading.Event()
        self._reading = threading.Lock()
        self._schedules: int | None = None
        journal = Journal()
        self.endpoint = TaskEndpoint(control_url)
        folder = home / "images"
        images = Images(emulator.endpoint, folder, _pull_container, environments=home.parent)
        around = Surroundings(emulator, images, self.endpoint, home / "tasks", branch_of_feed)
        self.fargate = Fargate(around, journal)
        self.scheduler = SchedulerAgent(emulator, clock, journal)
        self.keeper = Timekeeper(
            clock,
            self.scheduler,
            Delivery(emulator, journal),
            self.fargate,
            journal,
            move=self.move,
            refresh=self.refresh,
        )

    def start(self, failed: Callable[[], bool]) -> None:
        """Follow changes and deliver what is due, in threads; after an error, unless ``failed``."""
        self.tell_time()
        for work in (self.keeper.run, lambda: self._watch(failed)):
            threading.Thread(target=work, daemon=True).start()

    def stop(self, grace: float) -> None:
        """End the two services, and what runs with them."""
        self._stopping.set()
        self.keeper.stop()
        self.fargate.shut_down(grace)

    def reset(self, grace: float) -> None:
        """Start over: nothing is deployed, nothing runs, and it is the real time."""
        self.fargate.shut_down(grace)
        self._emulator.reset()
        self._clock.reset()  # first: the scheduler starts over from the time that it is then
        self.scheduler.forget()
        self._schedules = None
        self._moved()
        self.tell_time()

    def move(self, moment: datetime) -> None:
        """Move the clock ahead, here and there."""
        self._clock.move_to(moment)
        self._moved()
        self.tell_time()

    def tell_time(self) -> None:
        """Tell the emulator what time it is."""
        self._emulator.call("POST", "/clock", {"offset": self._clock.offset})

    def refresh(self) -> None:
        """Take over what the emulator holds now."""
        self._reconcile(self._emulator.call("GET", "/changes?since=-1"))

    def _watch(self, failed: Callable[[], bool]) -> None:
        version = -1
        while not self._stopping.is_set():
            try:
                found = self._emulator.call(
                    "GET", f"/changes?since={version}", timeout=_WATCH_SECONDS
                )
                if self._stopping.is_set():
                    return
                version = found["version"]
                began = time.monotonic()
                if self._reconcile(found):  # many schedules are read at their own pace
                    took = time.monotonic() - began
                    self._stopping.wait(min(_PAUSES * took, _LONGEST_PAUSE))
                self.keeper.wake()
            except Exception:  # the boundary of the agent: it lives as long as the emulator does
                if self._stopping.is_set() or failed():
                    return
                _log.exception("the agent failed; it goes on")
                self._stopping.wait(_RETRY_SECONDS)

    def _reconcile(self, found: Mapping[str, Any]) -> bool:
        """Take over a state; whether schedules had to be read."""
        self.fargate.reconcile(found["tasks"])
        with self._reading:
            if self._schedules == found["schedules"]:
                return False
            self.scheduler.refresh(found["regions"])
            self._schedules = found["schedules"]
            return True


def _pull_container(reference: str, login: Login) -> None:
    if not container.available():
        raise PullError(f"{reference} needs Docker on Linux; without it, process images run only")
    try:
        container.pull(reference, login)
    except container.DockerError as error:
        raise PullError(str(error)) from error
