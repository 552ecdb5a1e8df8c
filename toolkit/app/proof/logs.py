"""Follow the log of a run, from before its task exists until after it has ended."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from toolkit.adapters.ecs import Ecs
from toolkit.adapters.logs import Line, Logs
from toolkit.app.app import App
from toolkit.app.proof.tasks import find_tasks
from toolkit.core.errors import RunError
from toolkit.core.names import log_stream, workload_of
from toolkit.core.proof.log_digest import parse_event
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId

_POLL_SECONDS = 1.0
_LAST_LINES = 15.0  # CloudWatch Logs shows a line some seconds after it was written


def workload_name(app: App, run_id: RunId) -> str:
    """The workload of a run, by its schedule's name."""
    name = workload_of(run_id.schedule, app.project.catalog.workloads)
    if name is None:
        known = ", ".join(sorted(app.project.catalog.workloads))
        raise RunError(f"{run_id}: no workload fits schedule {run_id.schedule}", hint=known)
    return name


def read(app: App, run_id: RunId) -> list[Line]:
    """The whole log of a run, all of its tasks one after the other."""
    group = app.names.log_group(workload_name(app, run_id))
    tasks = find_tasks(app, [run_id]).of(run_id)
    if not tasks:
        raise RunError(f"{run_id}: no task was found", hint=f"toolkit validate --run-id {run_id}")
    return [
        line for task in tasks for line in app.logs.lines(group, log_stream(task.task_arn)) or ()
    ]


def follow(
    app: App,
    run_id: RunId,
    *,
    appear: timedelta,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Line]:
    """The lines of a run as they arrive; ends when its task has ended and its log is quiet.

    Raises RunError when no task appears within ``appear`` of real time.
    """
    poll = 0.3 if app.local else _POLL_SECONDS
    deadline = clock() + appear.total_seconds()
    while not (tasks := find_tasks(app, [run_id]).of(run_id)):
        if clock() > deadline:
            raise RunError(f"{run_id}: no task appeared within {appear.total_seconds():.0f} s")
        sleep(poll)
    group = app.names.log_group(workload_name(app, run_id))
    yield from _Tail(app.logs, app.ecs, tasks[0], group, poll, sleep, clock).lines()


class _Tail:
    """One task's log, followed."""

    def __init__(
        self,
        logs: Logs,
        ecs: Ecs,
        task: Task,
        group: str,
        poll: float,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._logs = logs
        self._ecs = ecs
        self._task = task
        self._group = group
        self._poll = poll
        self._sleep = sleep
        self._clock = clock

    def lines(self) -> Iterator[Line]:
        token: str | None = None
        quiet_until: float | None = None
        while True:
            page = self._logs.page(self._group, log_stream(self._task.task_arn), token)
            lines, token = page if page is not None else ([], token)
            yield from lines
            if any(_is_last(line) for line in lines):
                return
            if lines:
                quiet_until = None
                continue
            if self._stopped():
                # The last lines may still be on their way when the task has stopped already.
                quiet_until = quiet_until or self._clock() + _LAST_LINES
                if self._clock() > quiet_until:
                    return
            self._sleep(self._poll)

    def _stopped(self) -> bool:
        found = self._ecs.describe([self._task.task_arn])
        return not found or found[0].stopped


def _is_last(line: Line) -> bool:
    event = parse_event(line.message)
    return event is not None and (event["event"] == "run.finished" or "exit_code" in event)
