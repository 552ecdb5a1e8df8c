"""The life of a task as ECS tells it, from DescribeTasks or from a state-change record.

Both carry the same fields; DescribeTasks forgets a stopped task after about an hour, the
"ECS Task State Change" record in the log group does not.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from attrs import asdict, frozen

from toolkit.core.names import CONTAINER
from toolkit.runtime.contract import format_time, parse_time


class StopCode(StrEnum):
    """Why a task stopped. ECS may add values, so a `Task` keeps the text."""

    TASK_FAILED_TO_START = "TaskFailedToStart"
    ESSENTIAL_CONTAINER_EXITED = "EssentialContainerExited"
    USER_INITIATED = "UserInitiated"
    SERVICE_SCHEDULER_INITIATED = "ServiceSchedulerInitiated"
    SPOT_INTERRUPTION = "SpotInterruption"
    TERMINATION_NOTICE = "TerminationNotice"
    INFRASTRUCTURE_HEALTH = "InfrastructureHealth"


_TIMES = (
    "createdAt",
    "pullStartedAt",
    "pullStoppedAt",
    "startedAt",
    "stoppingAt",
    "executionStoppedAt",
    "stoppedAt",
)


@frozen
class Task:
    """One task. ``exit_code`` is None when the container never ran, which is not 0."""

    task_arn: str
    last_status: str
    desired_status: str = ""
    stop_code: str | None = None
    stopped_reason: str | None = None
    exit_code: int | None = None
    container_reason: str | None = None
    image: str | None = None
    image_digest: str | None = None
    task_definition_arn: str | None = None
    started_by: str | None = None
    group: str | None = None
    cpu: str | None = None
    memory: str | None = None
    version: int = 0
    times: Mapping[str, str] = {}
    environment: Mapping[str, str] = {}
    source: str = "ecs"

    @property
    def stopped(self) -> bool:
        """Whether the task has reached its end."""
        return self.last_status in {"STOPPED", "DELETED"}

    @property
    def region(self) -> str:
        """The region in its ARN; empty where the ARN is none."""
        parts = self.task_arn.split(":")
        return parts[3] if parts[0] == "arn" and len(parts) > 5 else ""

    def duration(self) -> timedelta | None:
        """From the container's start to its end; None while one of them is missing."""
        start = self.times.get("startedAt")
        end = self.times.get("executionStoppedAt") or self.times.get("stoppedAt")
        return parse_time(end) - parse_time(start) if start and end else None

    @classmethod
    def parse(cls, task: Mapping[str, Any], *, source: str = "ecs") -> Self:
        """Read a task as DescribeTasks or the state-change event's ``detail`` gives it."""
        container = _container(task.get("containers", ()))
        return cls(
            task_arn=task["taskArn"],
            last_status=task.get("lastStatus", "UNKNOWN"),
            desired_status=task.get("desiredStatus", ""),
            stop_code=task.get("stopCode") or None,
            stopped_reason=task.get("stoppedReason") or None,
            exit_code=container.get("exitCode"),
            container_reason=container.get("reason") or None,
            image=container.get("image"),
            image_digest=container.get("imageDigest"),
            task_definition_arn=task.get("taskDefinitionArn"),
            started_by=task.get("startedBy") or None,
            group=task.get("group") or None,
            cpu=task.get("cpu"),
            memory=task.get("memory"),
            version=int(task.get("version") or 0),
            times={name: _text(task[name]) for name in _TIMES if task.get(name)},
            environment=_environment(task.get("overrides") or {}),
            source=source,
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(**document)


def _container(containers: Any) -> Mapping[str, Any]:
    for container in containers:
        if container.get("name") == CONTAINER:
            found: Mapping[str, Any] = container
            return found
    return {}


def _environment(overrides: Mapping[str, Any]) -> dict[str, str]:
    rows = _container(overrides.get("containerOverrides", ())).get("environment", ())
    return {row["name"]: row["value"] for row in rows}


def _text(time: datetime | str) -> str:
    # boto3 gives datetimes in the machine's zone, an event gives ISO text.
    return format_time(time.astimezone(UTC) if isinstance(time, datetime) else parse_time(time))
