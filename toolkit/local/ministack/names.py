"""Names that a service does not take: patterns and lengths of AWS's API references.

CloudFormation makes what it makes by the same rules, and takes nothing over that exists already:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import error_response_json, error_response_xml
from ministack.services import cloudwatch_logs, ecr, ecs, iam, scheduler
from ministack.services.cloudformation import provisioners

from .replacing.replacements import replaces
from .replacing.service_calls import answers

_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"
# What has such a name: pattern, shortest, longest.
_RULES = {
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
    "repositoryName": (
        r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*",
        2,
        256,
    ),
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    "roleName": (r"[\w+=,.@-]+", 1, 64),
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    "name": (r"[0-9a-zA-Z-_.]+", 1, 64),
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    "logGroupName": (r"[.\-_/#A-Za-z0-9]+", 1, 512),
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    "clusterName": (r"[a-zA-Z0-9_-]+", 1, 255),
}
# Types of CloudFormation: the property with the name, its rule, and whether there is one already.
_TYPES: dict[str, tuple[str, str, Callable[[str, dict[str, Any]], bool]]] = {
    "AWS::ECR::Repository": (
        "RepositoryName",
        "repositoryName",
        lambda name, _: name in ecr._repositories,
    ),
    "AWS::IAM::Role": ("RoleName", "roleName", lambda name, _: name in iam._roles),
    "AWS::Scheduler::ScheduleGroup": (
        "Name",
        "name",
        lambda name, _: name in scheduler._schedule_groups or name == "default",
    ),
    "AWS::Scheduler::Schedule": (
        "Name",
        "name",
        lambda name, props: f"{props.get('GroupName', 'default')}/{name}" in scheduler._schedules,
    ),
    "AWS::Logs::LogGroup": (
        "LogGroupName",
        "logGroupName",
        lambda name, _: name in cloudwatch_logs._log_groups,
    ),
    "AWS::ECS::Cluster": (
        "ClusterName",
        "clusterName",
        lambda name, _: ecs._clusters.get(name, {}).get("status") == "ACTIVE",
    ),
}


def install() -> None:
    """Check each name before anything is made."""
    create_cluster = ecs._ACTION_MAP["CreateCluster"]
    ecs._ACTION_MAP["CreateCluster"] = partial(_create, "clusterName", create_cluster)
    for kind, (prop, rule, exists) in _TYPES.items():
        handler = provisioners._RESOURCE_HANDLERS[kind]
        handler["create"] = _provisioned(handler["create"], kind, prop, rule, exists)


def problem(name: str, rule: str) -> str | None:
    """What AWS says to a name that it does not take, or None."""
    pattern, shortest, longest = _RULES[rule]
    complaint = ""
    if not shortest <= len(name) <= longest:
        bound = (
            f"greater than or equal to {shortest}"
            if len(name) < shortest
            else (f"less than or equal to {longest}")
        )
        complaint = f"Member must have length {bound}"
    elif not re.fullmatch(pattern, name):
        complaint = f"Member must satisfy regular expression pattern: {pattern}"
    if not complaint:
        return None
    return (
        f"1 validation error detected: Value '{name}' at '{rule}' failed to satisfy constraint: "
        f"{complaint}"
    )


def _create(rule: str, original: Any, data: dict[str, Any]) -> Any:
    complaint = problem(data[rule], rule) if data.get(rule) else None
    if complaint:
        return error_response_json("InvalidParameterException", complaint, 400)
    return original(data)


answers("ecr", "CreateRepository")(partial(_create, "repositoryName"))
answers("logs", "CreateLogGroup")(partial(_create, "logGroupName"))


@replaces("services.iam.handle_request")
async def _handle_iam(original: Any, method: str, path: str, headers: Any, *rest: Any) -> Any:
    body, query = rest
    form = {**query, **parse_qs(body.decode("utf-8", "replace"))}
    if form.get("Action") == ["CreateRole"]:
        complaint = problem("".join(form.get("RoleName", [])), "roleName")
        if complaint:
            return error_response_xml("ValidationError", complaint, 400, _IAM)
    return await original(method, path, headers, *rest)


def _provisioned(
    original: Any, kind: str, prop: str, rule: str, exists: Callable[[str, dict[str, Any]], bool]
) -> Any:
    def create(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        name = props.get(prop)
        if name:
            complaint = problem(str(name), rule)
            if complaint:
                raise ValueError(complaint)
            if exists(str(name), props):
                raise ValueError(
                    f"Resource of type '{kind}' with identifier '{name}' already exists."
                )
        return original(logical_id, props, stack_name)

    return create
