"""Follow the log of a run, from before its task exists until after it has ended."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from toolkit.adapters.aws.ecs import Ecs
from toolkit.adapters.aws.logs import Line, Logs
from toolkit.app.app import App
from toolkit.app.proof.silent_run import why_silent
from toolkit.app.proof.tasks import find_tasks
from toolkit.core.errors import RunError
from toolkit.core.names import log_stream, workload_of
from toolkit.core.proof.log_digest import parse_event
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId

_POLL_SECONDS, _LOCAL_POLL_SECONDS = 1.0, 0.3
# After these the runtime exits. A line of the work itself may hold an exit code, too.
_LAST = {
    "run.finished",
    "run.refused",
    "run.duplicate",
    "claim.failed",
    "metadata.failed",
    "manifest.failed",
}
# CloudWatch Logs shows a line some seconds after it was written. The embedded AWS stores all lines
# of a task before it reports the task's end.
_LAST_LINES, _LOCAL_LAST_LINES = 15.0, 1.0


def workload_name(app: App, run_id: RunId) -> str:
    """The workload of a run, by its schedule's name."""
    name = workload_of(run_id.schedule, app.project.catalog.workloads)
    if name is None:
        known = ", ".join(sorted(app.project.catalog.workloads))
        raise RunError(
            f"{run_id}: no workload fits schedule {run_id.schedule}", hint=f"there are {known}"
        )
    return name


def read(app: App, run_id: RunId) -> list[Line]:
    """The whole log of a run, all of its tasks one after the other.

    Raises RunError where there is no line: with the reason of a task that never started.
    """
    group = app.names.log_group(workload_name(app, run_id))
    tasks = find_tasks(app, [run_id]).of(run_id)
    if not tasks:
        raise RunError(f"{run_id}: no task was found", hint=f"toolkit validate --run-id {run_id}")
    found = [
        line for task in tasks for line in app.logs.lines(group, log_stream(task.task_arn)) or ()
    ]
    if not found:
        raise why_silent(run_id, tasks)
    return found


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
    poll = _LOCAL_POLL_SECONDS if app.local else _POLL_SECONDS
    last_lines = _LOCAL_LAST_LINES if app.local else _LAST_LINES
    deadline = clock() + appear.total_seconds()
    while not (tasks := find_tasks(app, [run_id]).of(run_id)):
        if clock() > deadline:
            raise RunError(f"{run_id}: no task appeared within {appear.total_seconds():.0f} s")
        sleep(poll)
    group = app.names.log_group(workload_name(app, run_id))
    seen: list[Task] = []
    # A delivery that never started has no log; another one may have.
    while unseen := [task for task in tasks if task.task_arn not in {t.task_arn for t in seen}]:
        tail = _Tail(app.logs, app.ecs, unseen[0], group, (poll, last_lines), sleep, clock)
        yield from tail.lines()
        if not tail.silent:
            return
        seen.append(unseen[0])
        tasks = find_tasks(app, [run_id]).of(run_id)
    raise why_silent(run_id, tasks or seen)


class _Tail:
    """One task's log, followed."""

    def __init__(
        self,
        logs: Logs,
        ecs: Ecs,
        task: Task,
        group: str,
        seconds: tuple[float, float],
        sleep: Callable[[float], None],
        clock: Callable[[], float],
    ) -> None:
        self._logs = logs
        self._ecs = ecs
        self._task = task
        self._group = group
        self._poll, self._last_lines = seconds
        self._sleep = sleep
        self._clock = clock
        self.silent = True  # no line was seen

    def lines(self) -> Iterator[Line]:
        token: str | None = None
        quiet_until: float | None = None
        while True:
            page = self._logs.page(self._group, log_stream(self._task.task_arn), token)
            lines, token = page if page is not None else ([], token)
            yield from lines
            self.silent = self.silent and not lines
            if any(_is_last(line) for line in lines):
                return
            if lines:
                quiet_until = None
                continue
            task = self._now()
            if self.silent and task is not None and task.stopped and task.exit_code is None:
                return  # it never started, so no line is on its way
            if task is None or task.stopped:
                # The last lines may still be on their way when the task has stopped already.
                quiet_until = quiet_until or self._clock() + self._last_lines
                if self._clock() > quiet_until:
                    return
            self._sleep(self._poll)

    def _now(self) -> Task | None:
        return next(iter(self._ecs.describe([self._task.task_arn])), None)


def _is_last(line: Line) -> bool:
    event = parse_event(line.message)
    return event is not None and event["event"] in _LAST
