"""The life of a run's tasks, drawn to scale and told as a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from toolkit.core.names import task_id
from toolkit.core.pages.html import Html, el
from toolkit.core.task import Task
from toolkit.runtime.contract import parse_time

# Each phase from one timestamp to the next that there is.
_PHASES = (
    ("createdAt", "placed", "Waiting for a place"),
    ("pullStartedAt", "pulled", "Pulling the image"),
    ("pullStoppedAt", "starting", "Starting the container"),
    ("startedAt", "running", "Running"),
    ("stoppingAt", "stopping", "Stopping"),
    ("executionStoppedAt", "ended", "Cleaning up"),
    ("stoppedAt", "", ""),
)
_LEAST_PERCENT = 0.6


def timeline(due: datetime, tasks: Sequence[Task], owner: Task | None) -> Html:
    """The tasks of a run, a bar each; ``due`` is when it was to fire."""
    if not tasks:
        return el("p", "No task is known.")
    return el("div", [_task(due, task, owner) for task in tasks])


def _task(due: datetime, task: Task, owner: Task | None) -> Html:
    marks = [
        (parse_time(task.times[name]), css, words)
        for name, css, words in _PHASES
        if name in task.times
    ]
    marks.sort(key=lambda mark: mark[0])  # a container may end before ECS says that it stops
    title = f"Task {task_id(task.task_arn)[:12]}" + ("" if task == owner else " (not the owner)")
    ending = f"{task.last_status}, {task.stop_code}" if task.stop_code else task.last_status
    code = "no exit code" if task.exit_code is None else f"exit code {task.exit_code}"
    words = el("p", f"{ending}, {code}. {task.stopped_reason or ''}")
    if len(marks) < 2:
        return el("div", el("h3", title), words)
    return el("div", el("h3", title), words, _bar(marks), _table(marks, due))


def _bar(marks: list[tuple[datetime, str, str]]) -> Html:
    whole = (marks[-1][0] - marks[0][0]).total_seconds() or 1.0
    parts = []
    for (start, css, words), (end, _, _) in pairwise(marks):
        seconds = (end - start).total_seconds()
        share = max(100 * seconds / whole, _LEAST_PERCENT)
        tip = f"{words}: {seconds:,.1f} s"
        parts.append(el("span", class_=css, style=f"flex-grow:{share:.2f}", title=tip))
    # The table below says the same in words, so a reader of the screen skips the drawing.
    return el("div", parts, class_="bar", aria_hidden="true")


def _table(marks: list[tuple[datetime, str, str]], due: datetime) -> Html:
    rows = []
    for number, (time, css, words) in enumerate(marks):
        following = marks[number + 1][0] if number + 1 < len(marks) else None
        took = f"{(following - time).total_seconds():,.1f} s" if following else ""
        rows.append(
            el(
                "tr",
                el("th", el("i", class_=f"key {css}"), words or "Stopped", scope="row"),
                el("td", f"{time:%H:%M:%S}.{time.microsecond // 1000:03d}"),
                el("td", _after(time - due), class_="number"),
                el("td", took, class_="number"),
            )
        )
    names = ("Phase", "From (UTC)", "After due", "Took")
    columns = zip(names, (None, None, "number", "number"), strict=True)
    head = el("tr", [el("th", name, scope="col", class_=css) for name, css in columns])
    return el("table", el("thead", head), el("tbody", rows), class_="phases")


def _after(offset: timedelta) -> str:
    return f"{offset.total_seconds():+,.1f} s"
