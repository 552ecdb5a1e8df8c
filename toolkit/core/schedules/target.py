"""The one translation from a schedule to a task: both EventBridge and `toolkit run` use it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from toolkit.core.errors import ConfigError
from toolkit.core.names import CONTAINER
from toolkit.runtime import contract
from toolkit.runtime.contract import OverlapPolicy

# RunTask's limit for the overrides as JSON, far below the 256 KB of a Scheduler Input:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html
OVERRIDES_LIMIT = 8192
# A CloudFormation parameter carries the Input, and holds 4,096 bytes:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
PARAMETER_LIMIT = 4096
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
_RETRIES, _RETRY_SECONDS = 185, 86_400


def overrides(
    schedule: str,
    environment: Mapping[str, str],
    *,
    scheduled_time: str,
    execution_id: str,
    attempt: str,
    token: str | None = None,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """ECS task overrides; the scheduled time first, then by name, so that diffs are stable.

    ``more`` are variables of the contract that not every run has.
    """
    variables = {
        **environment,
        contract.SCHEDULE: schedule,
        contract.SCHEDULED_TIME: scheduled_time,
        contract.EXECUTION_ID: execution_id,
        contract.ATTEMPT: attempt,
    }
    if token is not None:
        variables[contract.RUN_TOKEN] = token
    variables |= more or {}
    # The notification of platform.yaml finds the scheduled time at the first place.
    names = sorted(variables, key=lambda name: (name != contract.SCHEDULED_TIME, name))
    rows = [{"name": name, "value": variables[name]} for name in names]
    built = {"containerOverrides": [{"name": CONTAINER, "environment": rows}]}
    size = len(json.dumps(built))
    if size > OVERRIDES_LIMIT:
        raise ConfigError(
            f"the environment of {schedule} makes overrides of {size:,} characters; "
            f"RunTask takes {OVERRIDES_LIMIT:,}",
            hint="shorten the values, or keep large settings in an S3 object that a setting names",
        )
    return built


def scheduler_input(
    schedule: str, environment: Mapping[str, str], overlap: str = OverlapPolicy.ALLOW
) -> str:
    """The Input of a schedule's target: overrides with the Scheduler's own placeholders."""
    attributes = contract.SCHEDULER_ATTRIBUTES
    text = json.dumps(
        overrides(
            schedule,
            environment,
            scheduled_time=attributes[contract.SCHEDULED_TIME],
            execution_id=attributes[contract.EXECUTION_ID],
            attempt=attributes[contract.ATTEMPT],
            more=overlap_variables(overlap),
        ),
        separators=(",", ":"),
    )
    if len(text.encode()) > PARAMETER_LIMIT:
        raise ConfigError(
            f"the Input of schedule {schedule} has {len(text.encode()):,} bytes; "
            f"a CloudFormation parameter holds {PARAMETER_LIMIT:,}",
            hint="shorten the values in the schedule's [env]",
        )
    return text


def ecs_target(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The target that `templates/schedule.yaml` makes of its parameters, in Scheduler's form."""
    provider = parameters.get("CapacityProvider", "FARGATE")
    return {
        "Arn": parameters["ClusterArn"],
        "RoleArn": parameters["SchedulerRoleArn"],
        "Input": parameters["Input"],
        "RetryPolicy": {
            "MaximumRetryAttempts": int(parameters.get("MaximumRetryAttempts", "0")),
            "MaximumEventAgeInSeconds": int(parameters.get("MaximumEventAgeInSeconds", "900")),
        },
        "DeadLetterConfig": {"Arn": parameters["DeadLetterQueueArn"]},
        "EcsParameters": {
            "TaskDefinitionArn": parameters["TaskDefinitionArn"],
            "TaskCount": 1,
            "CapacityProviderStrategy": [{"capacityProvider": provider, "weight": 1, "base": 0}],
            "PlatformVersion": parameters.get("PlatformVersion", "1.4.0"),
            "NetworkConfiguration": {
                "awsvpcConfiguration": {
                    "Subnets": parameters["SubnetIds"].split(","),
                    "SecurityGroups": [parameters["SecurityGroupId"]],
                    "AssignPublicIp": parameters["AssignPublicIp"],
                }
            },
            "Group": parameters["ScheduleName"],
            "EnableECSManagedTags": True,
            "EnableExecuteCommand": False,
            "PropagateTags": "TASK_DEFINITION",
        },
    }


def schedule_request(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Create- or UpdateSchedule's arguments for what `templates/schedule.yaml` makes."""
    name = parameters["ScheduleName"]
    minutes = int(parameters.get("FlexibleWindowMinutes") or 0)
    flexible = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": minutes}
    optional = {key: parameters.get(key) for key in ("StartDate", "EndDate", "KmsKeyArn")}
    return {
        "Name": name,
        "GroupName": parameters["ScheduleGroupName"],
        "Description": parameters.get("Description") or f"{name} of {parameters['AppName']}",
        "ScheduleExpression": parameters["ScheduleExpression"],
        "ScheduleExpressionTimezone": parameters["ScheduleExpressionTimezone"],
        "State": parameters["State"],
        "FlexibleTimeWindow": flexible if minutes else {"Mode": "OFF"},
        "Target": ecs_target(parameters),
        **{key: value for key, value in optional.items() if value},
    }


def launch_parameters(target: Mapping[str, Any]) -> dict[str, str]:
    """The template's parameters that make an ECS target, but for its Input."""
    ecs, retry = target.get("EcsParameters", {}), target.get("RetryPolicy", {})
    network = ecs.get("NetworkConfiguration", {}).get("awsvpcConfiguration", {})
    providers = ecs.get("CapacityProviderStrategy") or [{}]
    return {
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


def own_environment(text: str | None) -> dict[str, str]:
    """The settings that an Input gives its runs, without the contract's own variables."""
    containers = json.loads(text or "{}").get("containerOverrides", [])
    rows = [row for container in containers for row in container.get("environment", [])]
    return {
        row["name"]: row["value"] for row in rows if row["name"] not in contract.CONTRACT_VARIABLES
    }


def overlap_of(text: str | None) -> str:
    """Whether an Input lets the runs of its schedule overlap; "allow" where it does not say."""
    try:
        containers = json.loads(text or "{}").get("containerOverrides", [])
        rows = [row for container in containers for row in container.get("environment", [])]
        said = [row.get("value") for row in rows if row.get("name") == contract.OVERLAP]
    except (ValueError, AttributeError, TypeError):
        return OverlapPolicy.ALLOW  # an Input by hand may be anything
    return OverlapPolicy.SKIP if OverlapPolicy.SKIP in said else OverlapPolicy.ALLOW


def overlap_variables(overlap: str) -> dict[str, str]:
    """The variables that tell a run so."""
    return {contract.OVERLAP: overlap} if overlap != OverlapPolicy.ALLOW else {}


def run_overrides(
    run_id: contract.RunId,
    environment: Mapping[str, str],
    *,
    execution_id: str,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The same overrides for a run that a person starts."""
    return overrides(
        run_id.schedule,
        environment,
        scheduled_time=_seconds(run_id.scheduled_time),
        execution_id=execution_id,
        attempt="1",
        token=run_id.token,
        more=more,
    )


def _seconds(time: datetime) -> str:
    # The form in which the Scheduler gives <aws.scheduler.scheduled-time>.
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
