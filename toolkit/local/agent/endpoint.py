"""What a task can ask about itself: metadata version 4, and the credentials of its role.

- https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html
- https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
"""

import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from toolkit.local.agent.aws import RoleError
from toolkit.local.agent.task import TaskThread

Answer = tuple[int, dict[str, Any]]
_MIB_PER_VCPU_UNIT = 1024


class TaskEndpoint:
    """Serves ``/v4/<id>…`` and ``/credentials/<id>``; the id is the task's secret."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tasks: dict[str, TaskThread] = {}
        self._lock = threading.Lock()

    def open(self, task: TaskThread) -> Mapping[str, str]:
        """Publish a task; returns the environment that leads there."""
        identity = secrets.token_urlsafe(24)
        with self._lock:
            self._tasks[identity] = task
        environment = {
            "ECS_CONTAINER_METADATA_URI_V4": f"{self._url}/v4/{identity}",
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
            "AWS_REGION": task.region,
            "AWS_DEFAULT_REGION": task.region,
        }
        if task.spec.role("taskRoleArn"):
            environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = (
                f"{self._url}/credentials/{identity}"
            )
        return environment

    def close(self, task: TaskThread) -> None:
        """Forget a task."""
        with self._lock:
            self._tasks = {key: known for key, known in self._tasks.items() if known is not task}

    def answer(self, path: str) -> Answer:
        """The document at a path."""
        kind, _, rest = path.strip("/").partition("/")
        identity, _, what = rest.partition("/")
        task = self._tasks.get(identity)
        if task is None:
            return 404, {"message": "no such task"}
        if kind == "credentials":
            return _credentials(task)
        return _metadata(task, what)


def _credentials(task: TaskThread) -> Answer:
    try:
        credentials = task.credentials()
    except RoleError as error:
        return 400, {"code": error.code, "message": str(error)}
    if credentials is None:
        return 404, {"message": "the task has no role"}
    return 200, {
        "RoleArn": task.spec.role("taskRoleArn"),
        "AccessKeyId": credentials.access_key,
        "SecretAccessKey": credentials.secret_key,
        "Token": credentials.token,
        "Expiration": _iso(datetime.fromtimestamp(credentials.expiration, UTC)),
    }


def _metadata(task: TaskThread, what: str) -> Answer:
    found = task.describe()
    containers = [_container(task, found, row) for row in found["containers"]]
    if what == "":
        return 200, containers[0]
    if what != "task":
        return 404, {"message": f"no metadata under {what!r}"}
    family, _, revision = found["taskDefinitionArn"].rsplit("/", 1)[-1].rpartition(":")
    document = {
        "Cluster": found["clusterArn"],
        "TaskARN": found["taskArn"],
        "Family": family,
        "Revision": revision,
        "DesiredStatus": found["desiredStatus"],
        "KnownStatus": found["lastStatus"],
        "Limits": {
            "CPU": int(found["cpu"]) / _MIB_PER_VCPU_UNIT,
            "Memory": int(found["memory"]),
        },
        "AvailabilityZone": found["availabilityZone"],
        "LaunchType": found["launchType"],
        "Containers": containers,
    }
    for ours, theirs in (("pullStartedAt", "PullStartedAt"), ("pullStoppedAt", "PullStoppedAt")):
        if ours in found:
            document[theirs] = _iso(found[ours])
    return 200, document


def _container(
    task: TaskThread, found: Mapping[str, Any], row: Mapping[str, Any]
) -> dict[str, Any]:
    family, _, revision = found["taskDefinitionArn"].rsplit("/", 1)[-1].rpartition(":")
    return {
        "DockerId": row.get("runtimeId", ""),
        "Name": row["name"],
        "DockerName": row["name"],
        "Image": row["image"],
        "ImageID": row.get("imageDigest", ""),
        "Labels": {
            "com.amazonaws.ecs.cluster": found["clusterArn"],
            "com.amazonaws.ecs.container-name": row["name"],
            "com.amazonaws.ecs.task-arn": task.arn,
            "com.amazonaws.ecs.task-definition-family": family,
            "com.amazonaws.ecs.task-definition-version": revision,
        },
        "DesiredStatus": found["desiredStatus"],
        "KnownStatus": row["lastStatus"],
        "Limits": {"CPU": int(row.get("cpu", 0))},
        "CreatedAt": _iso(found["createdAt"]),
        "Type": "NORMAL",
        "ContainerARN": row["containerArn"],
    }


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
