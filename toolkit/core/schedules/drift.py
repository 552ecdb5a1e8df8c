"""Three views of the schedules, compared: the files, what was deployed, and what is live.

The files own the schedules. What was deployed is read from the stacks' parameters, all of them in
a few paged calls. What is live is listed in a few paged calls too, and only a schedule that may
have been touched after its stack was deployed is read whole.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from attrs import frozen

from toolkit.core.stack import Stack, StackPlan
from toolkit.runtime.contract import parse_time

# The template's parameters that a schedule's file decides, by the words of the file.
FIELDS = {
    "expression": "ScheduleExpression",
    "timezone": "ScheduleExpressionTimezone",
    "state": "State",
    "start": "StartDate",
    "end": "EndDate",
    "description": "Description",
    "input": "Input",
}
_WORDS = {parameter: word for word, parameter in FIELDS.items()}

# A stack's time is the beginning of its update, so its own change of the schedule comes later.
_UPDATE_TAKES = timedelta(minutes=1)
_READ_AT_MOST = 25
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
_RETRIES, _RETRY_SECONDS = 185, 86_400


class Kind(StrEnum):
    """How a schedule's file and its deployment differ."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"
    UNOWNED = "unowned"  # live in the app's group, but neither in a file nor in a stack


@frozen
class Listed:
    """A schedule as ListSchedules gives it; times are ISO 8601 in UTC."""

    name: str
    state: str
    changed_at: str
    created_at: str = ""


@frozen
class Live:
    """A schedule as GetSchedule gives it; times are ISO 8601 in UTC, or empty."""

    name: str
    expression: str
    timezone: str
    state: str
    start: str = ""
    end: str = ""
    description: str = ""
    input: str = ""
    flexible_minutes: int = 0
    changed_at: str = ""
    target: Mapping[str, Any] = {}

    @property
    def parameters(self) -> dict[str, str]:
        """The template's parameters that would make it, as far as its answer tells them."""
        target, ecs = self.target, self.target.get("EcsParameters", {})
        retry = target.get("RetryPolicy", {})
        network = ecs.get("NetworkConfiguration", {}).get("awsvpcConfiguration", {})
        providers = ecs.get("CapacityProviderStrategy") or [{}]
        return {
            **{parameter: str(getattr(self, word)) for word, parameter in FIELDS.items()},
            "FlexibleWindowMinutes": str(self.flexible_minutes),
            "ClusterArn": target.get("Arn", ""),
            "SchedulerRoleArn": target.get("RoleArn", ""),
            "DeadLetterQueueArn": target.get("DeadLetterConfig", {}).get("Arn", ""),
            "MaximumRetryAttempts": str(retry.get("MaximumRetryAttempts", _RETRIES)),
            "MaximumEventAgeInSeconds": str(retry.get("MaximumEventAgeInSeconds", _RETRY_SECONDS)),
            "TaskDefinitionArn": ecs.get("TaskDefinitionArn", ""),
            "CapacityProvider": providers[0].get("capacityProvider", ""),
            "PlatformVersion": ecs.get("PlatformVersion", ""),
            "SubnetIds": ",".join(network.get("Subnets", ())),
            "SecurityGroupId": ",".join(network.get("SecurityGroups", ())),
            "AssignPublicIp": network.get("AssignPublicIp", ""),
        }


@frozen
class FieldChange:
    """One field that differs: ``before`` is what is deployed."""

    field: str
    before: str
    after: str


DELETED = FieldChange("schedule", "deployed", "deleted")
UNOWNED = FieldChange("schedule", "in no stack of this app", "live")


@frozen
class Difference:
    """One schedule in all three views; ``drift`` is what somebody changed behind the stack."""

    name: str
    kind: Kind
    changes: tuple[FieldChange, ...] = ()
    drift: tuple[FieldChange, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether all three views agree."""
        return self.kind is Kind.UNCHANGED and not self.drift

    @property
    def deleted(self) -> bool:
        """Whether the live schedule is gone."""
        return DELETED in self.drift

    @property
    def to_deploy(self) -> bool:
        """Whether the file wants something else than what was deployed."""
        return self.kind in {Kind.ADDED, Kind.CHANGED}


def compare(
    plans: Mapping[str, StackPlan],
    stacks: Mapping[str, Stack],
    listed: Mapping[str, Listed],
    live: Mapping[str, Live],
) -> list[Difference]:
    """All schedules by name: files (as plans) ↔ deployed stacks ↔ live, each keyed by name."""
    return [
        _difference(name, plans.get(name), stacks.get(name), listed.get(name), live.get(name))
        for name in sorted({*plans, *stacks, *listed})
    ]


def suspects(stacks: Mapping[str, Stack], listed: Mapping[str, Listed]) -> list[str]:
    """The schedules that may have drifted; only reading them whole tells.

    Sure ones come first: in another state than deployed, or changed later than an update takes. A
    change during the update may be the stack's own; unless the schedule was only created then, it
    is read to be sure, but of very many of these only the latest.
    """
    sure: list[str] = []
    doubtful: list[tuple[str, str]] = []
    for name, stack in stacks.items():
        row = listed.get(name)
        if row is None:
            continue
        late = parse_time(row.changed_at) - parse_time(stack.changed_at)
        if row.state != stack.parameters.get("State") or late > _UPDATE_TAKES:
            sure.append(name)
        elif late > timedelta() and row.changed_at != row.created_at:
            doubtful.append((row.changed_at, name))
    doubtful.sort(reverse=True)
    return sure + [name for _, name in doubtful[:_READ_AT_MOST]]


def drift_of(stack: Stack, live: Live) -> tuple[FieldChange, ...]:
    """What is live and not what its stack says."""
    deployed = dict(stack.parameters)
    if not deployed.get("Description"):  # then the template writes one of its own
        deployed["Description"] = f"{live.name} of {deployed.get('AppName', '')}"
    found = live.parameters
    return _changes(
        {name: deployed[name] for name in found if name in deployed},
        {name: value for name, value in found.items() if name in deployed},
    )


def changes_of(stack: Stack, plan: StackPlan) -> tuple[FieldChange, ...]:
    """What is planned and not what was deployed."""
    return _changes(stack.parameters, plan.parameters)


def _difference(
    name: str,
    plan: StackPlan | None,
    stack: Stack | None,
    listed: Listed | None,
    live: Live | None,
) -> Difference:
    if stack is None:
        unowned = (UNOWNED,) if listed else ()
        return Difference(name, Kind.UNOWNED if plan is None else Kind.ADDED, (), unowned)
    if listed is None:
        drift: tuple[FieldChange, ...] = (DELETED,)
    else:
        drift = drift_of(stack, live) if live is not None else ()
    if plan is None:
        return Difference(name, Kind.REMOVED, (), drift)
    changes = changes_of(stack, plan)
    return Difference(name, Kind.CHANGED if changes else Kind.UNCHANGED, changes, drift)


def _changes(deployed: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[FieldChange, ...]:
    changes: list[FieldChange] = []
    for parameter, after in wanted.items():
        before = deployed.get(parameter, "")
        if parameter == FIELDS["input"]:
            changes += _input_changes(before, after)
        elif not _equal(parameter, before, after):
            changes.append(FieldChange(_WORDS.get(parameter, parameter), before, after))
    return tuple(changes)


def _equal(parameter: str, before: str, after: str) -> bool:
    if before == after:
        return True
    if parameter in {"StartDate", "EndDate"}:
        return bool(before and after) and parse_time(before) == parse_time(after)
    if parameter == "SubnetIds":
        return sorted(before.split(",")) == sorted(after.split(","))
    return False


def _input_changes(before: str, after: str) -> list[FieldChange]:
    """Two Inputs, variable by variable; as a whole where that does not tell all."""
    if before == after:
        return []
    try:
        old, new = json.loads(before), json.loads(after)
        was, will = _environment(old), _environment(new)
        rest = _without_environment(old) == _without_environment(new)
    except (ValueError, KeyError, TypeError, AttributeError):
        rest, was, will = False, {}, {}
    if not rest:
        return [FieldChange("input", before, after)]
    return [
        FieldChange(f"env {name}", was.get(name, ""), will.get(name, ""))
        for name in sorted({*was, *will})
        if was.get(name) != will.get(name)
    ]


def _environment(overrides: Mapping[str, Any]) -> dict[str, str]:
    """The environment that task overrides give."""
    containers = overrides["containerOverrides"]
    rows = [row for container in containers for row in container.get("environment", ())]
    return {row["name"]: row["value"] for row in rows}


def _without_environment(overrides: Mapping[str, Any]) -> Any:
    containers = [{**container, "environment": []} for container in overrides["containerOverrides"]]
    return {**overrides, "containerOverrides": containers}
