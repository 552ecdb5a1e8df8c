"""From config, catalog and schedules to the stacks that shall exist. Values are parameters only."""

import hashlib
import json
from collections.abc import Mapping

from toolkit.core.config import Config
from toolkit.core.schedule import Schedule
from toolkit.core.stack import StackPlan
from toolkit.core.target import scheduler_input
from workloads.catalog import Workload

DIGEST_TAG = "toolkit:digest"


def platform_plan(config: Config, template: str) -> StackPlan:
    """The platform: network, cluster, bucket, roles, queue."""
    parameters = {"AppName": config.app.name, **config.platform}
    return _plan(config, config.app.platform_stack, "platform", template, parameters)


def workload_plan(
    config: Config,
    workload: Workload,
    template: str,
    *,
    platform: Mapping[str, str],
    image_uri: str,
) -> StackPlan:
    """One workload's task definition, task role and log group."""
    parameters = {
        "AppName": config.app.name,
        "WorkloadName": workload.name,
        "ImageUri": image_uri,
        "Cpu": str(workload.cpu),
        "Memory": str(workload.memory),
        "MaxRuntimeSeconds": str(workload.max_runtime_seconds),
        "BucketName": platform["BucketName"],
        "ExecutionRoleArn": platform["ExecutionRoleArn"],
        **config.workload,
    }
    name = config.app.workload_stack(workload.name)
    return _plan(config, name, "workload", template, parameters)


def schedule_plan(
    config: Config,
    schedule: Schedule,
    template: str,
    *,
    platform: Mapping[str, str],
    task_definition_arn: str,
) -> StackPlan:
    """One schedule with its ECS target."""
    environment = config.environment_of(schedule.workload, schedule.env)
    parameters = {
        "AppName": config.app.name,
        "ScheduleName": schedule.name,
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.timezone,
        "State": schedule.state,
        "StartDate": schedule.start,
        "EndDate": schedule.end,
        "Description": schedule.description,
        "Input": scheduler_input(schedule.name, environment),
        "TaskDefinitionArn": task_definition_arn,
        **{
            name: platform[name]
            for name in (
                "ClusterArn",
                "SchedulerRoleArn",
                "DeadLetterQueueArn",
                "ScheduleGroupName",
                "SubnetIds",
                "SecurityGroupId",
                "AssignPublicIp",
            )
        },
        **config.schedule,
    }
    name = config.app.schedule_stack(schedule.name)
    return _plan(config, name, "schedule", template, parameters)


def _plan(
    config: Config, name: str, noun: str, template: str, parameters: Mapping[str, str]
) -> StackPlan:
    # The digest lets a later deploy see that nothing changed without asking for a change set.
    content = json.dumps([template, sorted(parameters.items())])
    digest = hashlib.sha256(content.encode()).hexdigest()[:32]
    tags = {"app": config.app.name, "toolkit:noun": noun, DIGEST_TAG: digest}
    return StackPlan(name, template, parameters, tags)
