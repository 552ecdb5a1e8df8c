"""Validate runs: gather their evidence, judge it, and show where their artifacts are."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.actions.evidence import Gatherer, download
from toolkit.actions.logs import workload_name
from toolkit.actions.tasks import records
from toolkit.adapters.ecs import Ecs
from toolkit.adapters.s3 import Bucket
from toolkit.core.errors import RunError
from toolkit.core.evidence import Evidence, run_of
from toolkit.core.names import task_id
from toolkit.core.verdict import Ruling, Verdict, judge
from workloads.contract import RunId, parse_time

_POLL_SECONDS = 5.0
_AT_ONCE = 1000
# The platform keeps its state-change records longer; a task that is asked for by name is recent.
_TASK_BACK = timedelta(days=90)


@frozen
class Validation:
    """A verdict with the evidence under it."""

    verdict: Verdict
    evidence: Evidence


def validate(context: Context, run_id: RunId, *, wait: float = 0.0) -> Validation:
    """The verdict on one run; see `validate_all`."""
    return next(validate_all(context, [run_id], wait=wait))


def validate_all(
    context: Context,
    run_ids: Sequence[RunId],
    *,
    wait: float = 0.0,
    deep: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Validation]:
    """The verdicts on runs in the order given, each as of when its evidence was gathered.

    Inconclusive ones are asked again for up to ``wait`` seconds. A thousand are read at a time, so
    the memory that it takes does not grow with their number.
    """
    deadline = clock() + wait
    workloads = {
        run_id: context.project.catalog.workload(workload_name(context, run_id))
        for run_id in run_ids
    }
    gatherer = Gatherer(context)
    for start in range(0, len(run_ids), _AT_ONCE):
        chunk = run_ids[start : start + _AT_ONCE]
        found: dict[RunId, Validation] = {}
        wanted = list(dict.fromkeys(chunk))
        while wanted:
            for run_id, evidence in gatherer.gather_all(wanted, deep=deep).items():
                as_of = parse_time(evidence.gathered_at)
                verdict = judge(evidence, workloads[run_id], as_of)
                found[run_id] = Validation(verdict, evidence)
            wanted = [
                run_id for run_id in wanted if found[run_id].verdict.ruling is Ruling.INCONCLUSIVE
            ]
            if not wanted or clock() >= deadline:
                break
            sleep(min(1.0 if context.local else _POLL_SECONDS, max(0.1, deadline - clock())))
            gatherer = Gatherer(context)
        yield from (found[run_id] for run_id in chunk)


def latest(context: Context, schedule: str) -> RunId:
    """The latest run of a schedule: what fired last, or was to fire since and did not."""
    gatherer = Gatherer(context)
    prefix = f"runs/{schedule}/"
    since = f"{prefix}{schedule}-{context.now() - timedelta(days=31):%Y%m%dT%H%M%SZ}"
    claimed = gatherer.bucket.latest_folder(prefix, after=since)
    if claimed is None:
        claimed = gatherer.bucket.latest_folder(prefix, after="")
    runs = [RunId.parse(claimed.rstrip("/").rsplit("/", 1)[-1])] if claimed else []
    due = gatherer.history.latest(schedule, context.now())
    if due is not None:
        runs.append(RunId(schedule, due))
    if not runs:
        raise RunError(
            f"schedule {schedule} has neither run nor was it to fire", hint="toolkit schedules"
        )
    return max(runs, key=lambda run_id: run_id.scheduled_time)


def run_of_task(context: Context, task: str) -> RunId:
    """The run that a task was launched for, from its ARN or its id."""
    platform = context.platform()
    known = Ecs(context.aws, platform["ClusterName"]).describe([task])
    if not known:
        now = context.now()
        known = list(records(context, platform, [task_id(task)], now - _TASK_BACK, now))
    for each in known:
        run_id = run_of(each)
        if run_id is not None:
            return run_id
    raise RunError(
        f"task {task} is no run of this app, or both ECS and the state-change records forgot it",
        hint="toolkit runs lists the runs that are known",
    )


def fetch(context: Context, evidence: Evidence, directory: Path) -> list[Path]:
    """Download a run's artifacts into ``directory/<run-id>``; returns the files."""
    if evidence.manifest is None:
        return []
    target = directory / evidence.run_id
    target.mkdir(parents=True, exist_ok=True)
    bucket = Bucket(context.aws, context.platform()["BucketName"])
    return [path for _, path in download(bucket, evidence, evidence.manifest.artifacts, target)]
