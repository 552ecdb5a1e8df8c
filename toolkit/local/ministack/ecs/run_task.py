"""RunTask: what AWS refuses, what it remembers, and the task that it places.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_region, new_uuid
from ministack.services import ecs

from toolkit.local.ministack.iam import access
from toolkit.local.ministack.replacing import calls
from toolkit.local.ministack.upstream import faults, shifted_time

from . import task_definition

Json = dict[str, Any]

_TOKEN_SECONDS = 24 * 3600
_OVERRIDES_LIMIT = 8192
_MOST_TASKS, _MOST_SUBNETS, _MOST_GROUPS = 10, 16, 5
_PLATFORMS = ("1.4.0", "1.3.0", "LATEST")
_tokens: dict[tuple[str, str], tuple[float, Json, list[str]]] = {}


class RefusalError(Exception):
    """What AWS answers to a request that it does not accept."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Plan:
    """A RunTask request that AWS would accept."""

    def __init__(self, cluster: str, definition: Json, request: Json) -> None:
        self.cluster = cluster
        self.definition = definition
        self.request = request
        self.count: int = request.get("count", 1)


def cluster_name(data: Json) -> str:
    """The cluster of a request, which may name it by its ARN."""
    return str(data.get("cluster") or "default").rpartition("/")[2]


def is_active(cluster: str) -> bool:
    """Whether there is a cluster of that name."""
    _status, _headers, content = ecs._ACTION_MAP["DescribeClusters"]({"clusters": [cluster]})
    return any(row["status"] == "ACTIVE" for row in json.loads(content)["clusters"])


def check(data: Json) -> Plan:
    """The request as a plan; raises RefusalError."""
    cluster = cluster_name(data)
    if not is_active(cluster):
        raise RefusalError("ClusterNotFoundException", "Cluster not found.")
    definition = task_definition.described(data.get("taskDefinition", ""))
    if definition is None:
        raise RefusalError("ClientException", "TaskDefinition not found.")
    for message in _complaints(data, definition):
        raise RefusalError("InvalidParameterException", message)
    platform = data.get("platformVersion") or "LATEST"
    if platform not in _PLATFORMS:
        raise RefusalError("PlatformUnknownException", f"Unknown platform version {platform}.")
    roles = _roles(data, definition)
    denials = [access.tagging_denial(cluster)] if _tags(data, definition, cluster) else []
    for denial in filter(None, [*denials, *map(access.pass_role_denial, roles)]):
        raise RefusalError("AccessDeniedException", denial)
    for role in roles:
        if not access.trusted_by_tasks(role):
            raise RefusalError("ClientException", _untrusted(role))
    return Plan(cluster, definition, data)


def _complaints(data: Json, definition: Json) -> Iterator[str]:
    """What InvalidParameterException says, the first that applies."""
    if definition["status"] != "ACTIVE":
        yield "TaskDefinition is inactive"
    if not 1 <= data.get("count", 1) <= _MOST_TASKS:
        yield "count cannot be greater than 10."
    if len(data.get("startedBy", "")) > 128:
        yield "startedBy must be at most 128 characters."
    launch_type = data.get("launchType")
    if launch_type and data.get("capacityProviderStrategy"):
        yield "Specifying both a launch type and capacity provider strategy is not supported."
    if launch_type == "FARGATE" and "FARGATE" not in definition.get("requiresCompatibilities", ()):
        yield "Task definition does not support launch_type FARGATE."
    if definition.get("networkMode") == "awsvpc":
        yield from _network_complaints(data.get("networkConfiguration") or {})
    yield from _override_complaints(data.get("overrides") or {}, definition)


def _network_complaints(configuration: Json) -> Iterator[str]:
    network = configuration.get("awsvpcConfiguration")
    if not network:
        yield "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        return
    subnets, groups = network.get("subnets", []), network.get("securityGroups", [])
    if not 1 <= len(subnets) <= _MOST_SUBNETS:
        yield "subnets must contain between 1 and 16 items."
    if len(groups) > _MOST_GROUPS:
        yield "securityGroups cannot contain more than 5 items."
    for subnet in subnets:
        if not _is_there("DescribeSubnets", "SubnetId", subnet):
            yield f"The subnet ID '{subnet}' does not exist"
    for group in groups:
        if not _is_there("DescribeSecurityGroups", "GroupId", group):
            yield f"The security group '{group}' does not exist"


def _is_there(action: str, member: str, identifier: str) -> bool:
    status, *_ = calls.ask_form("ec2", {"Action": action, f"{member}.1": identifier})
    return bool(status < 400)


def _override_complaints(overrides: Json, definition: Json) -> Iterator[str]:
    known = {container["name"] for container in definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", []):
        name = override.get("name")
        if name not in known:
            yield f"Override for container named {name} is not a container in the TaskDefinition."
    if len(json.dumps(overrides, separators=(",", ":"))) > _OVERRIDES_LIMIT:
        yield "Container Overrides length must be at most 8192"


def _roles(data: Json, definition: Json) -> list[str]:
    overrides = data.get("overrides") or {}
    names = ("taskRoleArn", "executionRoleArn")
    return list(filter(None, (overrides.get(name) or definition.get(name) for name in names)))


def _untrusted(role: str) -> str:
    return (
        f"ECS was unable to assume the role '{role}' that was provided for this task. Please "
        "verify that the role being passed has the proper trust relationship and permissions and "
        "that your IAM user has permissions to pass this role."
    )


def earlier(data: Json) -> tuple[Json, list[str]] | None:
    """The request that had this clientToken within the last 24 hours, and the tasks it started."""
    until, request, arns = _tokens.get(_token_key(data), (0.0, {}, []))
    is_known = bool(data.get("clientToken")) and until >= shifted_time.now()
    return (request, arns) if is_known else None


def remember(data: Json, arns: list[str]) -> None:
    """Keep the answer for a repeated clientToken."""
    if data.get("clientToken"):
        now = shifted_time.now()
        for key, (until, *_) in list(_tokens.items()):
            if until + _TOKEN_SECONDS < now:  # callers whose clock is behind may still know it
                del _tokens[key]
        _tokens[_token_key(data)] = (now + _TOKEN_SECONDS, data, arns)


def _token_key(data: Json) -> tuple[str, str]:
    return access.arn("ecs", f"cluster/{cluster_name(data)}"), str(data.get("clientToken"))


def place(plan: Plan, offset: float) -> Json:
    """A new task of the plan, in PROVISIONING."""
    request, definition = plan.request, plan.definition
    architecture = (definition.get("runtimePlatform") or {}).get("cpuArchitecture") or "X86_64"
    place = f"{plan.cluster}/{new_uuid().replace('-', '')}"
    arn, overrides = access.arn("ecs", f"task/{place}"), request.get("overrides") or {}
    task = {
        "taskArn": arn,
        "clusterArn": access.arn("ecs", f"cluster/{plan.cluster}"),
        "taskDefinitionArn": definition["taskDefinitionArn"],
        "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": [], **overrides},
        "lastStatus": "PROVISIONING",
        "desiredStatus": "RUNNING",
        "launchType": request.get("launchType") or "FARGATE",
        "cpu": overrides.get("cpu") or definition.get("cpu"),
        "memory": overrides.get("memory") or definition.get("memory"),
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "createdAt": shifted_time.now(),
        "group": request.get("group") or f"family:{definition['family']}",
        "version": 1,
        "containers": [
            _container(container, arn, access.arn("ecs", f"container/{place}/{new_uuid()}"))
            for container in definition["containerDefinitions"]
        ],
        "attachments": [_interface(request)],
        "attributes": [{"name": "ecs.cpu-architecture", "value": architecture.lower()}],
        "availabilityZone": f"{get_region()}a",
        "enableExecuteCommand": request.get("enableExecuteCommand", False),
        "tags": _tags(request, definition, plan.cluster),
        "healthStatus": "UNKNOWN",
        "ephemeralStorage": definition.get("ephemeralStorage") or {"sizeInGiB": 20},
        "_offset": offset,
        "_faults": faults.for_task(request.get("group")),
    }
    if request.get("startedBy"):
        task["startedBy"] = request["startedBy"]
    if request.get("capacityProviderStrategy"):
        task["capacityProviderName"] = request["capacityProviderStrategy"][0]["capacityProvider"]
    return task


def _container(definition: Json, task_arn: str, arn: str) -> Json:
    return {
        "containerArn": arn,
        "taskArn": task_arn,
        "name": definition["name"],
        "image": definition["image"],
        "lastStatus": "PENDING",
        "networkInterfaces": [],
        "healthStatus": "UNKNOWN",
        "cpu": str(definition.get("cpu", 0)),
        **({"memory": str(definition["memory"])} if definition.get("memory") else {}),
    }


def _interface(request: Json) -> Json:
    network = request.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    subnet = next(iter(network.get("subnets", ())), "subnet-none")
    details = [{"name": "subnetId", "value": subnet}]
    kind = "ElasticNetworkInterface"
    return {"id": new_uuid(), "type": kind, "status": "ATTACHED", "details": details}


def _tags(request: Json, definition: Json, cluster: str) -> list[Json]:
    tags = list(request.get("tags") or [])
    if request.get("enableECSManagedTags"):
        tags.append({"key": "aws:ecs:clusterName", "value": cluster})
    if request.get("propagateTags") == "TASK_DEFINITION":
        own = {tag["key"] for tag in tags}
        inherited = ecs._tags.get(definition["taskDefinitionArn"], [])
        tags += [tag for tag in inherited if tag["key"] not in own]
    return tags
