"""Gather what is known of a run. Gathering never judges, and absence is recorded as absence."""

import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import evolve

from toolkit.actions import history
from toolkit.actions.context import Context
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.ecs import Ecs
from toolkit.adapters.logs import Line, Logs
from toolkit.adapters.s3 import Bucket
from toolkit.adapters.sqs import DeadLetterQueue
from toolkit.core.content import Content, examine
from toolkit.core.dead_letter import DeadLetter
from toolkit.core.errors import ToolkitError
from toolkit.core.evidence import Evidence, StoredObject, digest, tasks_of
from toolkit.core.history import History
from toolkit.core.lifecycle import Lifecycle
from toolkit.core.names import log_stream, workload_of
from workloads.contract import Artifact, Claim, ContractError, Manifest, Outcome, RunId, format_time

# A launch may be late by the Scheduler's event age, at most a day.
_LATEST_LAUNCH = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Gatherer:
    """Gathers evidence of many runs; what they share is read once. Safe for several threads."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._platform = context.platform()
        self._logs = Logs(context.aws)
        self.bucket = Bucket(context.aws, self._platform["BucketName"])
        self._once = threading.Lock()
        self._letters: list[DeadLetter] | None = None
        self._history: History | None = None
        self._images = {
            stack.parameters.get("WorkloadName"): stack.parameters.get("ImageUri")
            for stack in CloudFormation(context.aws).owned(context.app)
        }
        for service in ("ecs", "sqs", "scheduler"):
            context.aws.client(service)  # before the threads: making one is not safe among them

    @property
    def letters(self) -> list[DeadLetter]:
        """Everything in the dead-letter queue."""
        with self._once:  # a second reader at the same time would find the messages hidden
            if self._letters is None:
                queue = DeadLetterQueue(self._context.aws, self._platform["DeadLetterQueueUrl"])
                self._letters = queue.letters()
            return self._letters

    @property
    def history(self) -> History:
        """When the schedules were to fire."""
        with self._once:
            if self._history is None:
                self._history = history.read(self._context, _EPOCH).history
            return self._history

    def gather(self, run_id: RunId, *, deep: bool = False) -> Evidence:
        """All evidence of one run; with ``deep`` the artifacts are downloaded and read."""
        problems: list[str] = []
        claim = self._claim(run_id, problems)
        manifests = self._manifests(run_id, problems)
        artifacts = [each for manifest in manifests for each in manifest.artifacts]
        tasks = find_tasks(self._context, run_id, self._platform, claim, problems)
        evidence = Evidence(
            run_id=str(run_id),
            gathered_at=format_time(self._context.now()),
            claim=claim,
            manifests=tuple(manifests),
            objects=self._objects(run_id, artifacts),
            tasks=tuple(tasks),
            deployed_image=self._images.get(self._workload(run_id)),
            contents=self._contents(artifacts) if deep else None,
            problems=tuple(problems),
        )
        lines = self.lines(run_id, evidence)
        evidence = evolve(
            evidence, logs=None if lines is None else digest(each.message for each in lines)
        )
        return evidence if tasks or claim else self._unlaunched(run_id, evidence)

    def lines(self, run_id: RunId, evidence: Evidence) -> list[Line] | None:
        """The log of the task that owns the run; None when there is no such task or log."""
        if evidence.owner is None:
            return None
        group = self._context.config.app.log_group(self._workload(run_id))
        return self._logs.lines(group, log_stream(evidence.owner.task_arn))

    def _workload(self, run_id: RunId) -> str:
        catalog = self._context.project.catalog
        return workload_of(run_id.schedule, catalog.workloads) or run_id.schedule

    def _unlaunched(self, run_id: RunId, evidence: Evidence) -> Evidence:
        """Why there may be nothing: a dead letter, or a schedule that was not to fire."""
        if run_id.token is not None:
            return evidence
        try:
            letters = tuple(each for each in self.letters if each.run_id == run_id)
            return evolve(evidence, dead_letters=letters, expected=self.history.expects(run_id))
        except ToolkitError as error:
            return evolve(evidence, problems=(*evidence.problems, error.message))

    def _objects(self, run_id: RunId, artifacts: list[Artifact]) -> dict[str, StoredObject]:
        if artifacts:
            return self.bucket.heads(sorted({artifact.key for artifact in artifacts}))
        below = self.bucket.objects(run_id.prefix)
        return {stored.key: stored for stored in below if stored.key != run_id.claim_key}

    def _contents(self, artifacts: list[Artifact]) -> dict[str, Content]:
        found = {}
        with tempfile.TemporaryDirectory() as directory:
            for artifact, path in self.download(artifacts, Path(directory)):
                with path.open("rb") as file:
                    found[artifact.key] = examine(file, artifact.media_type)
                path.unlink()
        return found

    def download(self, artifacts: list[Artifact], target: Path) -> Iterator[tuple[Artifact, Path]]:
        """Copy the artifacts that exist into a directory, one after the other."""
        there = self.bucket.heads([artifact.key for artifact in artifacts])
        for artifact in artifacts:
            if artifact.key in there:
                path = target / artifact.name
                self.bucket.download(artifact.key, str(path))
                yield artifact, path

    def _claim(self, run_id: RunId, problems: list[str]) -> Claim | None:
        content = self.bucket.read(run_id.claim_key)
        if content is None:
            return None
        try:
            return Claim.from_json(content)
        except ContractError as error:
            problems.append(f"{run_id.claim_key}: {error}")
            return None

    def _manifests(self, run_id: RunId, problems: list[str]) -> list[Manifest]:
        found = []
        wanted = {run_id.manifest_key(outcome) for outcome in Outcome}
        for key in self.bucket.keys(f"ledger/{run_id.schedule}/{run_id}."):
            content = self.bucket.read(key) if key in wanted else None
            if content is None:
                continue
            try:
                found.append(Manifest.from_json(content))
            except ContractError as error:
                problems.append(f"{key}: {error}")
        return found


def find_tasks(
    context: Context,
    run_id: RunId,
    platform: dict[str, str] | None = None,
    claim: Claim | None = None,
    problems: list[str] | None = None,
) -> list[Lifecycle]:
    """Every task launched for a run: from the state-change records, then from ECS itself.

    The records outlive ECS's memory and know the task that never claimed anything; ECS knows a
    task of which no record has arrived yet.
    """
    platform = platform or context.platform()
    ecs = Ecs(context.aws, platform["ClusterName"])
    seen: list[Lifecycle] = []
    try:
        seen = records(
            context,
            platform,
            [run_id.schedule, run_id.scheduled_time.strftime("%Y-%m-%dT%H:%M:%SZ")],
            run_id.scheduled_time - timedelta(minutes=5),
            run_id.scheduled_time + _LATEST_LAUNCH + timedelta(days=1),
        )
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


def records(
    context: Context, platform: dict[str, str], terms: list[str], start: datetime, end: datetime
) -> list[Lifecycle]:
    """The state-change records of a period that hold all ``terms``."""
    found = Logs(context.aws).records(
        platform["LifecycleLogGroupName"], terms, _ms(start), _ms(end)
    )
    return [Lifecycle.parse(record, source="record") for record in found]


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)
