"""Gather what is known of a run. Gathering never judges, and absence is recorded as absence."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import evolve

from toolkit.actions.context import Context
from toolkit.adapters.ecs import Ecs
from toolkit.adapters.logs import Logs
from toolkit.adapters.s3 import Bucket
from toolkit.core.errors import ToolkitError
from toolkit.core.evidence import Evidence, digest, tasks_of
from toolkit.core.lifecycle import Lifecycle
from toolkit.core.names import log_stream, workload_of
from workloads.contract import Claim, ContractError, Manifest, Outcome, RunId, format_time

# A launch may be late by the Scheduler's event age, at most a day.
_LATEST_LAUNCH = timedelta(days=1)


def gather(context: Context, run_id: RunId, platform: Mapping[str, str]) -> Evidence:
    """All evidence of one run."""
    problems: list[str] = []
    bucket = Bucket(context.aws, platform["BucketName"])
    claim = _claim(bucket, run_id, problems)
    manifests = _manifests(bucket, run_id, problems)
    keys = {artifact.key for manifest in manifests for artifact in manifest.artifacts}
    tasks = find_tasks(context, run_id, platform, claim, problems)
    evidence = Evidence(
        run_id=str(run_id),
        gathered_at=format_time(context.now()),
        claim=claim,
        manifests=tuple(manifests),
        objects=bucket.heads(sorted(keys)),
        tasks=tuple(tasks),
        problems=tuple(problems),
    )
    owner = evidence.owner
    if owner is None:
        return evidence
    workload = workload_of(run_id.schedule, context.project.catalog.workloads) or run_id.schedule
    lines = Logs(context.aws).lines(
        context.config.app.log_group(workload), log_stream(owner.task_arn)
    )
    logs = None if lines is None else digest(line.message for line in lines)
    return evolve(evidence, logs=logs)


def find_tasks(
    context: Context,
    run_id: RunId,
    platform: Mapping[str, str] | None = None,
    claim: Claim | None = None,
    problems: list[str] | None = None,
) -> list[Lifecycle]:
    """Every task launched for a run: from the state-change records, then from ECS itself.

    The records outlive ECS's memory and know the task that never claimed anything; ECS knows a
    task of which no record has arrived yet.
    """
    platform = platform or context.platform()
    start = run_id.scheduled_time - timedelta(minutes=5)
    end = run_id.scheduled_time + _LATEST_LAUNCH + timedelta(days=1)
    ecs = Ecs(context.aws, platform["ClusterName"])
    seen: list[Lifecycle] = []
    try:
        records = Logs(context.aws).records(
            platform["LifecycleLogGroupName"],
            [run_id.schedule, run_id.scheduled_time.strftime("%Y-%m-%dT%H:%M:%SZ")],
            _ms(start),
            _ms(end),
        )
        seen = [Lifecycle.parse(record, source="record") for record in records]
    except ToolkitError as error:
        if problems is None:
            raise
        problems.append(f"the state-change records could not be read: {error.message}")
    arns = {task.task_arn for task in seen}
    if claim is not None:
        arns.add(claim.task_arn)
    if not arns:
        arns = set(ecs.running())
    seen += ecs.describe(sorted(arn for arn in arns if arn.startswith("arn:")))
    return list(tasks_of(run_id, seen))


def _claim(bucket: Bucket, run_id: RunId, problems: list[str]) -> Claim | None:
    content = bucket.read(run_id.claim_key)
    if content is None:
        return None
    try:
        return Claim.from_json(content)
    except ContractError as error:
        problems.append(f"{run_id.claim_key}: {error}")
        return None


def _manifests(bucket: Bucket, run_id: RunId, problems: list[str]) -> list[Manifest]:
    found = []
    wanted = {run_id.manifest_key(outcome) for outcome in Outcome}
    for key in bucket.keys(f"ledger/{run_id.schedule}/{run_id}."):
        content = bucket.read(key) if key in wanted else None
        if content is None:
            continue
        try:
            found.append(Manifest.from_json(content))
        except ContractError as error:
            problems.append(f"{key}: {error}")
    return found


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
