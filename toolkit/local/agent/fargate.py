"""The Fargate agent: takes up new tasks, and ends those that somebody wants stopped."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from toolkit.local.agent.journal import Journal
from toolkit.local.agent.start import Surroundings
from toolkit.local.agent.task import TaskThread

# An answer that still has a task as running may come after its end, but not long after.
_REMEMBERED = 1000
_log = logging.getLogger(__name__)


class Fargate:
    """The tasks that run here. Safe to use from any thread."""

    def __init__(self, around: Surroundings, journal: Journal) -> None:
        self._around = around
        self._journal = journal
        self._tasks: dict[str, TaskThread] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()  # the last ones, oldest first
        self._threads: dict[str, threading.Thread] = {}
        self._changed = threading.Condition()

    def reconcile(self, wanted: Mapping[str, Mapping[str, Any]]) -> None:
        """Bring what runs in line with what ECS says: ARN → offset and desired status."""
        with self._changed:
            for arn, wish in wanted.items():
                if arn not in self._tasks and arn not in self._finished:
                    self._take_up(TaskThread(arn, wish["offset"], self._around, wish["faults"]))
                if wish["desired"] == "STOPPED" and arn in self._tasks:
                    self._tasks[arn].stop()

    def _take_up(self, task: TaskThread) -> None:
        thread = threading.Thread(target=self._live, args=(task,), name=task.task_id, daemon=True)
        self._tasks[task.arn] = task
        self._threads[task.arn] = thread
        thread.start()

    def _live(self, task: TaskThread) -> None:
        ending: dict[str, Any] = {}
        try:
            ending = task.live()
        except Exception as error:  # the boundary of a task: its failure is reported, not spread
            _log.exception("task %s failed in the engine", task.task_id)
            ending = {"exit_codes": {}, "reason": f"InternalError: {error}"}
            with suppress(Exception):
                task.fail(str(error))
        finally:
            with self._changed:
                del self._tasks[task.arn]
                del self._threads[task.arn]
                self._finished[task.arn] = None
                if len(self._finished) > _REMEMBERED:
                    self._finished.popitem(last=False)
                self._changed.notify_all()
            self._journal.tell("stopped", task=task.arn, group=task.group, **ending)

    def describe(self) -> list[dict[str, Any]]:
        """For `status`: the tasks that have not stopped."""
        with self._changed:
            tasks = list(self._tasks.values())
        return [
            {"task": task.arn, "group": task.group, "executor": task.executor} for task in tasks
        ]

    def wait_below(self, count: int, timeout: float | None = None) -> bool:
        """Wait until fewer than ``count`` tasks run."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._tasks) < count, timeout)

    def shut_down(self, grace: float) -> None:
        """Stop everything: SIGTERM, and after the grace SIGKILL."""
        with self._changed:
            tasks, threads = list(self._tasks.values()), list(self._threads.values())
        for task in tasks:
            task.stop()
        self.wait_below(1, grace)
        for task in tasks:
            task.kill()
        for thread in threads:
            thread.join(grace)
