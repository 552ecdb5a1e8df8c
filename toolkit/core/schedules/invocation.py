"""From a firing to RunTask: what EventBridge Scheduler makes of a schedule's ECS target.

The embedded Scheduler delivers firings with it, and `toolkit run` starts a schedule's task with it,
so that a run on demand is what the schedule would run.

- https://docs.aws.amazon.com/scheduler/latest/APIReference/API_EcsParameters.html
- https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

_STARTED_BY = 36


@frozen
class Invocation:
    """One attempt to invoke a schedule's target."""

    schedule_arn: str
    scheduled_time: datetime
    execution_id: str
    attempt: int

    @property
    def scheduled_text(self) -> str:
        """The scheduled time as the context attribute gives it."""
        return self.scheduled_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def substitute(text: str, invocation: Invocation) -> str:
    """Replace Scheduler's context attributes anywhere in the Input."""
    values = {
        "<aws.scheduler.schedule-arn>": invocation.schedule_arn,
        "<aws.scheduler.scheduled-time>": invocation.scheduled_text,
        "<aws.scheduler.execution-id>": invocation.execution_id,
        "<aws.scheduler.attempt-number>": str(invocation.attempt),
    }
    for attribute, value in values.items():
        text = text.replace(attribute, value)
    return text


def run_task_request(target: Mapping[str, Any], invocation: Invocation) -> dict[str, Any]:
    """RunTask's arguments for an ECS target; every field of EcsParameters has its place.

    Raises ValueError when the Input is no JSON object.
    """
    parameters = target["EcsParameters"]
    request: dict[str, Any] = {
        "cluster": target["Arn"],
        "taskDefinition": parameters["TaskDefinitionArn"],
        "count": parameters.get("TaskCount", 1),
        # What stands in the tasks that Scheduler starts, cut as it cuts it.
        "startedBy": f"chronos-schedule/{invocation.schedule_arn.rpartition('/')[2]}"[:_STARTED_BY],
    }
    for theirs, ours in _PLAIN.items():
        if parameters.get(theirs) not in (None, "", []):
            request[ours] = parameters[theirs]
    network = parameters.get("NetworkConfiguration", {}).get("awsvpcConfiguration")
    if network:
        request["networkConfiguration"] = {
            "awsvpcConfiguration": {key[:1].lower() + key[1:]: network[key] for key in network}
        }
    for theirs, ours in _ROWS.items():
        if parameters.get(theirs):
            request[ours] = [
                {key[:1].lower() + key[1:]: row[key] for key in row} for row in parameters[theirs]
            ]
    if target.get("Input"):
        request["overrides"] = _overrides(substitute(target["Input"], invocation))
    return request


_PLAIN = {
    "LaunchType": "launchType",
    "PlatformVersion": "platformVersion",
    "Group": "group",
    "ReferenceId": "referenceId",
    "EnableECSManagedTags": "enableECSManagedTags",
    "EnableExecuteCommand": "enableExecuteCommand",
    "PropagateTags": "propagateTags",
}
_ROWS = {
    "CapacityProviderStrategy": "capacityProviderStrategy",
    "PlacementConstraints": "placementConstraints",
    "PlacementStrategy": "placementStrategy",
    "Tags": "tags",
}


def _overrides(text: str) -> dict[str, Any]:
    overrides = json.loads(text)
    if not isinstance(overrides, dict):
        raise TypeError("the Input of an ECS target is a JSON object of overrides")
    return overrides
