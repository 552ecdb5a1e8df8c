"""What runs cost by their lifecycles, and what the schedules will cost in the month ahead."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.proof.tasks import find_tasks
from toolkit.core import cost
from toolkit.core.cost import Forecast, Prices
from toolkit.core.errors import RunError
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.task import Task
from toolkit.runtime.contract import Outcome, RunId, parse_time

MONTH = timedelta(days=30)
_BACK = timedelta(days=31)
# Pulling the image and stopping are billed, too, and stand in no manifest.
_AROUND_SECONDS = 30.0


@frozen
class TaskCost:
    """What one task of a run cost; ``dollars`` is None while it runs."""

    run_id: RunId
    task: Task
    dollars: float | None


def price_list(app: App) -> Prices:
    """The prices that the others use."""
    return cost.prices(app.aws.region)


def of_runs(app: App, run_ids: Sequence[RunId]) -> list[TaskCost]:
    """The cost of every task of some runs; a duplicate delivery costs, too.

    Raises:
        RunError: a run has no task that is known.
    """
    table, tasks = price_list(app), find_tasks(app, run_ids)
    unknown = [str(run_id) for run_id in run_ids if not tasks.of(run_id)]
    if unknown:
        hint = f"the known runs: {app.command('runs')}"
        raise RunError(f"{', '.join(unknown)}: no task was found", hint=hint)
    return [
        TaskCost(run_id, task, cost.run_cost(task, table))
        for run_id in run_ids
        for task in tasks.of(run_id)
    ]


def ahead(app: App) -> list[Forecast]:
    """The next 30 days of every enabled schedule that has a file.

    A batch run is taken to last as long as its latest successful one did, a stream as long as it
    is asked to; a run that never succeeded counts with its maximum.
    """
    table, now = price_list(app), app.now()
    schedules = list(app.project.schedules(app.config).values())

    def one(schedule: Schedule) -> Forecast:
        workload = app.config.sized(app.project.catalog.workload(schedule.workload))
        count = sum(1 for _ in schedule.timetable().firings(now, now + MONTH))
        env = app.config.environment_of(schedule.workload, schedule.env)
        known = None if workload.kind == "stream" else _latest_seconds(app, schedule, now)
        seconds = known if known is not None else float(workload.run_seconds(env))
        billed = timedelta(seconds=seconds + _AROUND_SECONDS)
        disk = workload.ephemeral_storage_gib
        dollars = count * table.dollars(workload.cpu, workload.memory, billed, disk)
        bound = known is None and workload.kind != "stream"
        provider = schedule.launch_words["capacity_provider"]
        return Forecast(schedule.name, count, seconds, bound, dollars, provider)

    return side_by_side(one, schedules)


def _latest_seconds(app: App, schedule: Schedule, now: datetime) -> float | None:
    """How long the latest successful run took."""
    latest = None
    for commit in app.archive.commits(schedule.name, now - _BACK):
        latest = commit if commit.outcome is Outcome.SUCCEEDED else latest
    manifest = app.archive.manifest(latest) if latest else None
    if manifest is None:
        return None
    took = parse_time(manifest.finished_at) - parse_time(manifest.started_at)
    return took.total_seconds()
