"""Every ECS schedule of the account and region, whoever made it. Read-only."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws import account
from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.deploying.adopting import ForeignSchedule
from toolkit.core.deploying.facts import Queue
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sqs import SQSClient

# Scheduler calls any API by such a target.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
_RUN_TASK = ":aws-sdk:ecs:runTask"
_DAY = 86_400


def schedules(aws: Aws) -> list[ForeignSchedule]:
    """The schedules of all groups that run ECS tasks."""
    client: EventBridgeSchedulerClient = aws.client("scheduler")
    with translated("ListSchedules"):
        pages = client.get_paginator("list_schedules").paginate()
        names = [
            (row["GroupName"], row["Name"])
            for page in pages
            for row in page["Schedules"]
            if _may_run_tasks(row.get("Target", {}).get("Arn", ""))
        ]

    def whole(key: tuple[str, str]) -> ForeignSchedule | None:
        from botocore.exceptions import ClientError

        with translated(f"schedule {'/'.join(key)}"):
            try:
                return _schedule(client.get_schedule(GroupName=key[0], Name=key[1]))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None  # deleted since it was listed
                raise

    return [row for row in side_by_side(whole, names) if row is not None]


def rules(aws: Aws) -> list[ForeignSchedule]:
    """The targets that run ECS tasks of rules with an expression: only the default bus has them."""
    client: EventBridgeClient = aws.client("events")
    with translated("ListRules"):
        pages = client.get_paginator("list_rules").paginate()
        listed = [row for page in pages for row in page["Rules"] if row.get("ScheduleExpression")]

    def targets(rule: Mapping[str, Any]) -> list[ForeignSchedule]:
        name = rule["Name"]
        with translated(f"rule {name}"):
            pages = client.get_paginator("list_targets_by_rule").paginate(Rule=name)
            return [
                _rule(rule, target)
                for page in pages
                for target in page["Targets"]
                if target.get("EcsParameters")
            ]

    return [row for found in side_by_side(targets, listed) for row in found]


def queue(aws: Aws, arn: str) -> Queue:
    """A dead-letter queue by its ARN."""
    client: SQSClient = aws.client("sqs")
    owner, name = arn.split(":")[4:6]
    with translated(f"queue {name}"):
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=owner)["QueueUrl"]
    return account.queue(aws, url)


def _may_run_tasks(arn: str) -> bool:
    return arn.split(":")[2:3] == ["ecs"] or arn.endswith(_RUN_TASK)


def _schedule(row: Mapping[str, Any]) -> ForeignSchedule | None:
    target = row["Target"]
    parameters, text = target.get("EcsParameters") or {}, target.get("Input", "")
    cluster = target["Arn"]
    if cluster.endswith(_RUN_TASK):
        request = _request(text)
        parameters = {
            "TaskDefinitionArn": request.get("TaskDefinition", ""),
            "TaskCount": request.get("Count", 1),
        }
        cluster = str(request.get("Cluster", "default"))
        text = json.dumps(request["Overrides"]) if request.get("Overrides") else ""
    if not parameters:
        return None  # a cluster can be the target of nothing else, but nobody says what it runs
    retries = target.get("RetryPolicy", {})
    timing = Timing(
        row["Name"],
        row["ScheduleExpression"],
        row.get("ScheduleExpressionTimezone", "UTC"),
        row["State"],
        format_time(row["StartDate"]) if "StartDate" in row else "",
        format_time(row["EndDate"]) if "EndDate" in row else "",
        format_time(row["LastModificationDate"]),
        row.get("FlexibleTimeWindow", {}).get("MaximumWindowInMinutes", 0),
        retries.get("MaximumEventAgeInSeconds", _DAY),
    )
    return _foreign("schedule", row["GroupName"], timing, cluster, target, parameters, text)


def _rule(row: Mapping[str, Any], target: Mapping[str, Any]) -> ForeignSchedule:
    timing = Timing(
        row["Name"],
        row["ScheduleExpression"],
        "UTC",
        row["State"],
        "",
        "",
        "",
        0,
        target.get("RetryPolicy", {}).get("MaximumEventAgeInSeconds", _DAY),
    )
    # A role of the target's goes before the rule's own.
    given = {**target, "RoleArn": target.get("RoleArn") or row.get("RoleArn", "")}
    bus = row.get("EventBusName", "default")
    text = target.get("Input", "")
    return _foreign("rule", bus, timing, target["Arn"], given, target["EcsParameters"], text)


def _foreign(
    kind: str,
    group: str,
    timing: Timing,
    cluster: str,
    target: Mapping[str, Any],
    parameters: Mapping[str, Any],
    text: str,
) -> ForeignSchedule:
    count = parameters.get("TaskCount") or 1
    return ForeignSchedule(
        kind=kind,
        group=group,
        timing=timing,
        cluster=cluster,
        task_definition=str(parameters.get("TaskDefinitionArn", "")),
        task_count=count if isinstance(count, int) else 1,
        input=text,
        role_arn=target.get("RoleArn", ""),
        dead_letter_arn=target.get("DeadLetterConfig", {}).get("Arn", ""),
    )


def _request(text: str) -> dict[str, Any]:
    """RunTask's arguments in the Input of a universal target; empty where it is no JSON object."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
