"""The tasks that were launched for runs: from the state-change records, then from ECS itself.

The records outlive ECS's memory and know the task that never claimed anything; ECS knows a task of
which no record has arrived yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from attrs import frozen

from toolkit.adapters.aws.logs import SEARCHES_AT_ONCE
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.errors import EvidenceError, ToolkitError
from toolkit.core.proof.evidence import run_of, tasks_of
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId

# A launch may be late by the schedule's window and by the event's age, a day each at most; then a
# run may take 14 days, which is the most that templates/workload.yaml allows.
_BEFORE, _AFTER = timedelta(minutes=5), timedelta(days=1 + 1 + 14)
# So many runs of a schedule are asked for by name; of more, every record of their time is read.
_FEW = 8
_NEAR = timedelta(days=2)


@frozen
class Tasks:
    """The tasks of some runs by run, and for which of them the records could not be read, and why.

    Every run that was asked for has an entry in ``found``.
    """

    found: Mapping[RunId, tuple[Task, ...]]
    problems: Mapping[RunId, str]

    def of(self, run_id: RunId) -> tuple[Task, ...]:
        """The tasks of one run, the oldest first; EvidenceError when its records are unread."""
        if run_id in self.problems:
            raise EvidenceError(f"{run_id}: {self.problems[run_id]}")
        return self.found[run_id]


def find_tasks(
    app: App,
    run_ids: Sequence[RunId],
    claimed: Mapping[RunId, str] | None = None,
) -> Tasks:
    """Every task launched for some runs; ``claimed`` gives the ARNs that their claims name.

    It asks ECS once for a hundred tasks, and CloudWatch Logs once for the runs of a schedule that
    lie close together.
    """
    seen, problems = _recorded(app, run_ids)
    arns = {run_id: {task.task_arn for task in seen[run_id]} for run_id in run_ids}
    for run_id, arn in (claimed or {}).items():
        arns[run_id].add(arn)
    # A record of its end says all that ECS would, which forgets a task after an hour.
    over = {task.task_arn for tasks in seen.values() for task in tasks if task.stopped}
    wanted = {arn for each in arns.values() for arn in each - over if arn.startswith("arn:")}
    if not all(arns.values()):
        wanted.update(app.ecs.running())
    for task in app.ecs.describe(sorted(wanted)):
        launched_for = run_of(task)
        if launched_for in arns:
            seen[launched_for].append(task)
    # ECS forgets; what an audit saw of a task whose record was lost stays.
    lost = [run_id for run_id in run_ids if not any(task.stopped for task in seen[run_id])]
    for run_id, task in app.kept_tasks.of(lost).items():
        seen[run_id].append(task)
    return Tasks({run_id: tasks_of(run_id, seen[run_id]) for run_id in run_ids}, problems)


def records(app: App, terms: Sequence[str], due: datetime, until: datetime) -> Iterator[Task]:
    """The state changes of tasks that were due in a period, as far as they hold all ``terms``.

    This is the one search of the records, with a window that holds the longest run. Those of a
    deleted app are read from their copies.
    """
    start, end = due - _BEFORE, until + _AFTER
    if app.kept_bucket:
        return app.record_copies.read(terms, start, end)
    group = app.platform.lifecycle_log_group_name
    found = app.logs.records(group, list(terms), start, end)
    return (Task.parse(record, source="record") for record in found)


def ends(app: App, start: datetime, end: datetime) -> Iterator[Task]:
    """The tasks that reached their end in a period, in that order, from their records."""
    if app.kept_bucket:
        copies = app.record_copies.read(["STOPPED"], start, end)
        return (task for task in copies if task.last_status == "STOPPED")
    group = app.platform.lifecycle_log_group_name
    return (Task.parse(detail, source="record") for detail in app.logs.ends(group, start, end))


def terms_of(run_id: RunId) -> list[str]:
    """What stands in every record of a run's tasks, and in few others."""
    return [run_id.schedule, f"{run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}"]


@frozen
class _Query:
    """One search of the records, and the runs that it answers for."""

    run_ids: tuple[RunId, ...]
    terms: tuple[str, ...]


def _recorded(
    app: App, run_ids: Iterable[RunId]
) -> tuple[defaultdict[RunId, list[Task]], dict[RunId, str]]:
    """The records of each run; where they could not be read, the reason."""
    seen: defaultdict[RunId, list[Task]] = defaultdict(list)
    problems: dict[RunId, str] = {}

    def ask(query: _Query) -> None:
        start, end = query.run_ids[0].scheduled_time, query.run_ids[-1].scheduled_time
        wanted = set(query.run_ids)
        try:
            found = records(app, query.terms, start, end)
            for task in found:
                run_id = run_of(task)
                if run_id in wanted:
                    seen[run_id].append(task)
        except ToolkitError as error:
            text = f"the state-change records could not be read: {error.message}"
            problems.update(dict.fromkeys(query.run_ids, text))

    queries = _in_one(run_ids) if app.kept_bucket else _queries(run_ids)
    side_by_side(ask, queries, SEARCHES_AT_ONCE)
    return seen, problems


def _queries(run_ids: Iterable[RunId]) -> Iterator[_Query]:
    """By name for few runs of a schedule, and for many one search for each stretch of them."""
    ordered = sorted(set(run_ids), key=lambda run_id: (run_id.schedule, run_id.scheduled_time))
    for schedule, group in groupby(ordered, key=lambda run_id: run_id.schedule):
        for stretch in _stretches(list(group)):
            if len(stretch) > _FEW:
                yield _Query(tuple(stretch), (schedule,))
            else:
                yield from (_Query((run_id,), tuple(terms_of(run_id))) for run_id in stretch)


def _in_one(run_ids: Iterable[RunId]) -> Iterator[_Query]:
    """One search for all: the copies of a day are read whole, whatever is searched there."""
    ordered = sorted(set(run_ids), key=lambda run_id: run_id.scheduled_time)
    if ordered:
        yield _Query(tuple(ordered), ())


def _stretches(ordered: list[RunId]) -> Iterator[list[RunId]]:
    """Runs that lie so close together that one search is cheaper than one for each."""
    stretch: list[RunId] = []
    for run_id in ordered:
        if stretch and run_id.scheduled_time - stretch[-1].scheduled_time > _NEAR:
            yield stretch
            stretch = []
        stretch.append(run_id)
    if stretch:
        yield stretch
