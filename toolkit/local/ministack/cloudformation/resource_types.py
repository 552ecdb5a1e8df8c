"""CloudFormation: the resource types whose properties ministack loses on the way.

Each is created through the service's own call, so it is checked and stored as that call would.
"""

import json
from functools import partial
from typing import Any

from ministack.services import cloudformation, ecs, scheduler
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.entrance import changes
from toolkit.local.ministack.replacing.replacements import replaces

Json = dict[str, Any]
Created = tuple[str, Json]

# Maps whose keys are the user's own and keep their case.
_FREE_KEYS = frozenset({"DockerLabels", "Options", "DriverOpts", "Labels"})


def install() -> None:
    """Put what was replaced into ministack's table, too."""
    handlers = provisioners._RESOURCE_HANDLERS
    handlers["AWS::ECS::TaskDefinition"]["create"] = provisioners._ecs_task_def_create
    handlers["AWS::Scheduler::Schedule"].update(
        create=_create_schedule, update=_update_schedule, update_with_logical_id=True
    )
    for kind in ("AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup"):
        handlers[kind]["delete"] = partial(_deleted, handlers[kind]["delete"])


def fail_interrupted() -> None:
    """What a kill interrupted has failed, as nobody carries it on."""
    for stack in cloudformation._stacks.all_values():
        status = stack["StackStatus"]
        if status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            done = status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP")
            stack["StackStatus"] = done if done.endswith("_COMPLETE") else f"{done}_FAILED"
            stack["StackStatusReason"] = "The embedded AWS was killed meanwhile"


def _deleted(original: Any, physical_id: str, props: Json) -> Any:
    """The agent hears that schedules are gone."""
    result = original(physical_id, props)
    changes.announce(schedules=True)
    return result


@replaces("services.cloudformation.provisioners._ecs_task_def_create")
def _create_task_definition(
    _original: Any, logical_id: str, props: Json, stack_name: str
) -> Created:
    request = {"family": f"{stack_name}-{logical_id}", **_camel(props)}
    answer = _asked("Ecs", ecs._ACTION_MAP["RegisterTaskDefinition"], request)
    arn = answer["taskDefinition"]["taskDefinitionArn"]
    return arn, {"TaskDefinitionArn": arn}


def _create_schedule(logical_id: str, props: Json, stack_name: str) -> Created:
    name = props.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    answer = _asked("Scheduler", scheduler._create_schedule, name, _schedule(props))
    return name, {"Arn": answer["ScheduleArn"]}


def _update_schedule(
    physical_id: str, old: Json, new: Json, stack_name: str, logical_id: str = ""
) -> Created:
    """Name and GroupName replace the schedule; all else is UpdateSchedule with every property."""
    moved = new.get("Name", physical_id) != physical_id
    if moved or new.get("GroupName") != old.get("GroupName"):
        return _create_schedule(logical_id, new, stack_name)
    is_there = f"{new.get('GroupName', 'default')}/{physical_id}" in scheduler._schedules
    call = scheduler._update_schedule if is_there else scheduler._create_schedule
    answer = _asked("Scheduler", call, physical_id, _schedule(new))
    return physical_id, {"Arn": answer["ScheduleArn"]}


def _asked(service: str, call: Any, *args: Any) -> Json:
    """What a service's call answers; its refusal becomes that of the resource."""
    status, _headers, content = call(*args)
    answer: Json = json.loads(content)
    if status >= 400:
        message = answer.get("message") or answer.get("Message")
        raise ValueError(f"{message} (Service: {service}, Status Code: {status})")
    return answer


def _schedule(props: Json) -> Json:
    """The properties as the API writes them: what comes from ECS begins small there."""
    body: Json = json.loads(json.dumps(props))
    parameters = body.get("Target", {}).get("EcsParameters", {})
    network = parameters.get("NetworkConfiguration")
    if network and "AwsvpcConfiguration" in network:
        network["awsvpcConfiguration"] = network.pop("AwsvpcConfiguration")
    for name in ("CapacityProviderStrategy", "PlacementConstraints", "PlacementStrategy"):
        if name in parameters:
            parameters[name] = _camel(parameters[name])
    return body


def _camel(value: Any) -> Any:
    """CloudFormation's PascalCase keys as the API's camelCase."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key[:1].lower() + key[1:]: dict(item) if key in _FREE_KEYS else _camel(item)
        for key, item in value.items()
    }
