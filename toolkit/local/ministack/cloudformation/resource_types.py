"""CloudFormation: the resource types whose properties ministack loses on the way.

Each is created through the service's own call, so it is checked and stored as that call would.
"""

import hashlib
import json
from functools import partial
from typing import Any

from ministack.core.responses import get_region
from ministack.services import cloudformation, ecs, scheduler
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.entrance import changes
from toolkit.local.ministack.replacing import calls

Json = dict[str, Any]
Created = tuple[str, Json]

_HASH = 13  # characters at the end of a name that a stack gives
# Maps whose keys are the user's own and keep their case.
_FREE_KEYS = frozenset({"DockerLabels", "Options", "DriverOpts", "Labels"})


def install() -> None:
    """Put our functions into ministack's table."""
    handlers = provisioners._RESOURCE_HANDLERS
    task_definition = handlers["AWS::ECS::TaskDefinition"]
    task_definition["create"] = _create_task_definition
    task_definition["update"] = partial(_update_task_definition, task_definition["update"])
    handlers["AWS::Scheduler::Schedule"].update(
        create=_create_schedule, update=_update_schedule, update_with_logical_id=True
    )
    role = handlers["AWS::IAM::Role"]
    role["create"] = partial(_create_role, role["create"])
    role["update"] = partial(_update_role, role["update"])
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


def _create_role(original: Any, logical_id: str, props: Json, stack_name: str) -> Created:
    """Roles of stacks of one name in two regions have names of their own: IAM knows no regions."""
    name = provisioners._physical_name(stack_name, logical_id, max_len=64)
    digest = hashlib.sha256(f"{name} {get_region()}".encode()).hexdigest()
    own = f"{name[:-_HASH]}{digest[:_HASH].upper()}"
    created: Created = original(logical_id, {"RoleName": own, **props}, stack_name)
    return created


def _update_role(
    original: Any, physical_id: str, old: Json, new: Json, stack_name: str, logical_id: str
) -> Created:
    """A role that its template does not name keeps the name that it has."""
    if "RoleName" not in {**old, **new}:
        old, new = ({**props, "RoleName": physical_id} for props in (old, new))
    updated: Created = original(physical_id, old, new, stack_name, logical_id)
    return updated


def _create_task_definition(logical_id: str, props: Json, stack_name: str) -> Created:
    request = {"family": f"{stack_name}-{logical_id}", **_camel(props)}
    answer = _found("Ecs", ecs._ACTION_MAP["RegisterTaskDefinition"](request))
    arn = answer["taskDefinition"]["taskDefinitionArn"]
    return arn, {"TaskDefinitionArn": arn}


def _update_task_definition(
    original: Any, physical_id: str, old: Json, new: Json, stack_name: str, logical_id: str
) -> Created:
    """Tags change in place; any other change is another revision."""
    if {**old, "Tags": None} != {**new, "Tags": None}:
        return _create_task_definition(logical_id, new, stack_name)
    updated: Created = original(physical_id, old, new, stack_name, logical_id)
    return updated


def _create_schedule(logical_id: str, props: Json, stack_name: str) -> Created:
    name = props.get("Name") or provisioners._physical_name(stack_name, logical_id, max_len=64)
    return _put_schedule("POST", name, props)


def _update_schedule(
    physical_id: str, old: Json, new: Json, stack_name: str, logical_id: str = ""
) -> Created:
    """Name and GroupName replace the schedule; all else is UpdateSchedule with every property."""
    moved = new.get("Name", physical_id) != physical_id
    if moved or new.get("GroupName") != old.get("GroupName"):
        return _create_schedule(logical_id, new, stack_name)
    is_there = f"{new.get('GroupName', 'default')}/{physical_id}" in scheduler._schedules
    return _put_schedule("PUT" if is_there else "POST", physical_id, new)


def _put_schedule(method: str, name: str, props: Json) -> Created:
    content = json.dumps(_schedule(props), default=str).encode()
    answer = _found("Scheduler", calls.ask_rest("scheduler", method, f"/schedules/{name}", content))
    return name, {"Arn": answer["ScheduleArn"]}


def _found(service: str, answer: calls.Answer) -> Json:
    """What a service answered; its refusal becomes that of the resource."""
    status, _headers, content = answer
    document: Json = json.loads(content)
    if status >= 400:
        message = document.get("message") or document.get("Message")
        raise ValueError(f"{message} (Service: {service}, Status Code: {status})")
    return document


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
