"""What runs cost by their lifecycles, and what the schedules will cost in the month ahead."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from attrs import frozen

from toolkit.adapters.s3 import Bucket
from toolkit.app.context import Context
from toolkit.app.proof.tasks import find_tasks
from toolkit.core import cost
from toolkit.core.cost import Forecast, Prices
from toolkit.core.proof.ledger import outcome_of
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.task import Task
from toolkit.runtime.contract import Manifest, Outcome, RunId, parse_time

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


def price_list(context: Context) -> Prices:
    """The prices that the others use."""
    return cost.prices(context.aws.region)


def of_runs(context: Context, run_ids: Sequence[RunId]) -> list[TaskCost]:
    """The cost of every task of some runs; a duplicate delivery costs, too."""
    table, tasks = price_list(context), find_tasks(context, run_ids)
    return [
        TaskCost(run_id, task, cost.run_cost(task, table))
        for run_id in run_ids
        for task in tasks.of(run_id)
    ]


def ahead(context: Context) -> list[Forecast]:
    """The next 30 days of every enabled schedule that has a file.

    A batch run is taken to last as long as its latest successful one did, a stream as long as it
    is asked to; a run that never succeeded counts with its maximum.
    """
    table, now = price_list(context), context.now()
    bucket = Bucket(context.aws, context.platform()["BucketName"])
    schedules = list(context.project.schedules().values())

    def one(schedule: Schedule) -> Forecast:
        workload = context.project.catalog.workload(schedule.workload)
        count = sum(1 for _ in schedule.timetable().firings(now, now + MONTH))
        env = context.config.environment_of(schedule.workload, schedule.env)
        known = None if workload.kind == "stream" else _latest_seconds(context, bucket, schedule)
        seconds = known if known is not None else float(workload.run_seconds(env))
        billed = timedelta(seconds=seconds + _AROUND_SECONDS)
        dollars = count * table.dollars(workload.cpu, workload.memory, billed)
        bound = known is None and workload.kind != "stream"
        return Forecast(schedule.name, count, seconds, bound, dollars)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, schedules))


def _latest_seconds(context: Context, bucket: Bucket, schedule: Schedule) -> float | None:
    """How long the latest successful run took."""
    prefix = f"ledger/{schedule.name}/"
    since = (context.now() - _BACK).strftime("%Y%m%dT%H%M%SZ")
    latest = None
    for key in bucket.each_key(prefix, after=f"{prefix}{schedule.name}-{since}"):
        found = outcome_of(key)
        if found is not None and found[1] is Outcome.SUCCEEDED:
            latest = key
    content = bucket.read(latest) if latest else None
    if content is None:
        return None
    manifest = Manifest.from_json(content)
    took = parse_time(manifest.finished_at) - parse_time(manifest.started_at)
    return took.total_seconds()
