"""Least privilege, asked as questions: may this role do that?"""

import json
from typing import Any

import pytest

from tests.cloudformation import ACCOUNT, KEY, NAMES, REGION, properties, resources
from tests.policies import applies, listed, permits, statements

EVERYTHING: dict[str, dict[str, Any]] = {
    "platform": {"NetworkMode": "private", "KmsKeyArn": KEY},
    "audit": {"KmsKeyArn": KEY, "SigningKey": "true"},
    "workload": {"KmsKeyArn": KEY},
    "schedule": {"KmsKeyArn": KEY},
    "log": {"KmsKeyArn": KEY},
}
ROLES = [
    ("audit", "TaskRole"),
    ("platform", "ExecutionRole"),
    ("platform", "SchedulerRole"),
    ("workload", "TaskRole"),
]
# Actions that AWS limits to no resource, and the condition, if any, that limits them instead:
# https://docs.aws.amazon.com/service-authorization/latest/reference/
NO_RESOURCE = {
    "ecr:GetAuthorizationToken": None,
    "logs:DescribeLogGroups": None,
    "scheduler:ListSchedules": None,
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "ecs:ListTasks": "ecs:cluster",
    "ecs:DescribeTasks": "ecs:cluster",
    "ecs:DescribeTaskDefinition": None,
}
CLUSTER = "Cluster.Arn"
TASK_ROLE = f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/task/demo-workload-weather-TaskRole-1"


def role(template: str, name: str, **parameters: Any) -> dict[str, Any]:
    made: dict[str, Any] = resources(template, **parameters)[name]
    return made


def allowed(template: str) -> list[tuple[str, dict[str, Any]]]:
    """Every statement of the template that allows something, with the name of its resource."""
    return [
        (name, statement)
        for name, resource in resources(template, **EVERYTHING[template]).items()
        if not isinstance(resource["Properties"].get("PolicyDocument"), str)
        for statement in statements(resource)
        if statement["Effect"] == "Allow"
    ]


@pytest.mark.parametrize("template", NAMES)
def test_every_action_that_is_allowed_has_its_full_name(template: str) -> None:
    for name, statement in allowed(template):
        for action in listed(statement["Action"]):
            assert "*" not in action, name


@pytest.mark.parametrize("template", NAMES)
def test_only_what_aws_limits_to_no_resource_names_none(template: str) -> None:
    for name, statement in allowed(template):
        if "*" in listed(statement["Resource"]):
            for action in listed(statement["Action"]):
                key = NO_RESOURCE[action]
                keys = [key for row in statement.get("Condition", {}).values() for key in row]
                assert key is None or key in keys, name


@pytest.mark.parametrize(("template", "name"), ROLES)
def test_every_role_trusts_one_service_acting_for_this_account(template: str, name: str) -> None:
    (trust,) = role(template, name)["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRole"
    assert list(trust["Principal"]) == ["Service"]
    assert isinstance(trust["Principal"]["Service"], str)
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT


def test_only_our_schedule_group_may_use_the_schedulers_role() -> None:
    (trust,) = role("platform", "SchedulerRole")["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"] == "ScheduleGroup.Arn"


@pytest.mark.parametrize(("template", "name"), ROLES)
def test_a_permissions_boundary_bounds_every_role(template: str, name: str) -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    bounded = role(template, name, PermissionsBoundaryArn=boundary)["Properties"]
    assert bounded["PermissionsBoundary"] == boundary
    assert "PermissionsBoundary" not in role(template, name)["Properties"]


def test_there_are_no_roles_but_these() -> None:
    found = {
        (template, name)
        for template in NAMES
        for name, resource in resources(template, **EVERYTHING[template]).items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    assert found == set(ROLES)


@pytest.mark.parametrize(
    ("action", "key", "may"),
    [
        ("s3:PutObject", "runs/weather/weather-20261124T050000Z/forecast.csv", True),
        ("s3:PutObject", "runs/weather-eu/weather-eu-20261124T050000Z/claim.json", True),
        ("s3:PutObject", "ledger/weather/weather-20261124T050000Z.succeeded.json", True),
        ("s3:PutObject", "ledger/weather-eu/weather-eu-20261124T050000Z.failed.json", True),
        ("s3:GetObject", "runs/weather/weather-20261124T050000Z/claim.json", True),
        ("s3:GetObject", "runs/weather-eu/weather-eu-20261124T050000Z/claim.json", True),
        ("s3:PutObject", "runs/science/science-20261124T050000Z/claim.json", False),
        ("s3:PutObject", "runs/weatherman/x/claim.json", False),
        ("s3:PutObject", "ledger/science/science-20261124T050000Z.succeeded.json", False),
        ("s3:PutObject", "releases/0123456789ab/platform.yaml", False),
        ("s3:GetObject", "runs/weather/weather-20261124T050000Z/forecast.csv", False),
        ("s3:GetObject", "ledger/weather/weather-20261124T050000Z.succeeded.json", True),
        ("s3:GetObject", "ledger/science/science-20261124T050000Z.succeeded.json", False),
        ("s3:GetObject", "runs/science/science-20261124T050000Z/claim.json", False),
        ("s3:PutObject", "running/weather.json", True),
        ("s3:GetObject", "running/weather-eu.json", True),
        ("s3:PutObject", "running/science.json", False),
        ("s3:GetObject", "running/weatherman.json", False),
        ("s3:DeleteObject", "running/weather.json", False),
        ("s3:DeleteObject", "runs/weather/weather-20261124T050000Z/forecast.csv", False),
        ("s3:DeleteObjectVersion", "runs/weather/weather-20261124T050000Z/claim.json", False),
    ],
)
def test_a_run_writes_its_own_prefixes_and_reads_its_own_claims(
    action: str, key: str, *, may: bool
) -> None:
    task = role("workload", "TaskRole")
    assert permits(task, action, f"arn:aws:s3:::the-bucket/{key}") is may
    assert not permits(task, action, f"arn:aws:s3:::another-bucket/{key}")


def test_a_run_cannot_list_the_bucket() -> None:
    assert not permits(role("workload", "TaskRole"), "s3:ListBucket", "arn:aws:s3:::the-bucket")


def task_definition(family: str) -> str:
    return f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/{family}:7"


@pytest.mark.parametrize(
    ("family", "cluster", "may"),
    [
        ("demo-weather", CLUSTER, True),
        ("demo-weather", "arn:aws:ecs:eu-central-1:123456789012:cluster/other", False),
        ("other-weather", CLUSTER, False),
        ("demo", CLUSTER, False),
    ],
)
def test_the_scheduler_runs_our_tasks_on_our_cluster(
    family: str, cluster: str, *, may: bool
) -> None:
    scheduler = role("platform", "SchedulerRole")
    on = task_definition(family)
    assert permits(scheduler, "ecs:RunTask", on, ecs__cluster=cluster) is may


@pytest.mark.parametrize(
    ("passed", "service", "may"),
    [
        (TASK_ROLE, "ecs-tasks.amazonaws.com", True),
        ("ExecutionRole.Arn", "ecs-tasks.amazonaws.com", True),
        (TASK_ROLE, "lambda.amazonaws.com", False),
        ("SchedulerRole.Arn", "ecs-tasks.amazonaws.com", False),
        (f"arn:aws:iam::{ACCOUNT}:role/admin", "ecs-tasks.amazonaws.com", False),
        (f"arn:aws:iam::{ACCOUNT}:role/other/{REGION}/task/x", "ecs-tasks.amazonaws.com", False),
        (f"arn:aws:iam::{ACCOUNT}:role/demo/us-east-1/task/x", "ecs-tasks.amazonaws.com", False),
    ],
)
def test_the_scheduler_gives_tasks_their_roles_and_nobody_else_any(
    passed: str, service: str, *, may: bool
) -> None:
    scheduler = role("platform", "SchedulerRole")
    assert permits(scheduler, "iam:PassRole", passed, iam__PassedToService=service) is may


def test_the_role_of_a_task_is_where_the_scheduler_may_pass_it_from() -> None:
    path = role("workload", "TaskRole")["Properties"]["Path"]
    arn = f"arn:aws:iam::{ACCOUNT}:role{path}any-name"
    assert permits(
        role("platform", "SchedulerRole"),
        "iam:PassRole",
        arn,
        iam__PassedToService="ecs-tasks.amazonaws.com",
    )


def test_the_scheduler_tags_tasks_only_while_it_starts_them() -> None:
    scheduler = role("platform", "SchedulerRole")
    task = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/Cluster/0123"
    assert permits(scheduler, "ecs:TagResource", task, ecs__CreateAction="RunTask")
    assert not permits(scheduler, "ecs:TagResource", task)
    assert not permits(scheduler, "ecs:TagResource", task, ecs__CreateAction="CreateService")
    assert not permits(scheduler, "ecs:TagResource", task_definition("demo-weather"))


def test_the_scheduler_leaves_letters_in_our_queue_and_takes_none_out() -> None:
    scheduler = role("platform", "SchedulerRole")
    assert permits(scheduler, "sqs:SendMessage", "DeadLetterQueue.Arn")
    assert not permits(scheduler, "sqs:SendMessage", "OtherQueue.Arn")
    assert not permits(scheduler, "sqs:ReceiveMessage", "DeadLetterQueue.Arn")


@pytest.mark.parametrize(
    ("action", "on", "may"),
    [
        ("ecr:BatchGetImage", "Repository.Arn", True),
        ("ecr:GetDownloadUrlForLayer", "Repository.Arn", True),
        ("ecr:GetAuthorizationToken", "*", True),
        ("ecr:BatchGetImage", "Other.Arn", False),
        ("ecr:PutImage", "Repository.Arn", False),
        ("logs:PutLogEvents", "/demo/weather:log-stream:run/workload/1", True),
        ("logs:CreateLogStream", "/demo/weather:log-stream:run/workload/1", True),
        ("logs:PutLogEvents", "/demolition/weather:log-stream:run/workload/1", False),
        ("logs:DeleteLogStream", "/demo/weather:log-stream:run/workload/1", False),
    ],
)
def test_ecs_pulls_our_image_and_writes_our_logs(action: str, on: str, *, may: bool) -> None:
    if action.startswith("logs:"):
        on = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{on}"
    assert permits(role("platform", "ExecutionRole"), action, on) is may


def test_ecs_cannot_write_the_lifecycle_record() -> None:
    group = properties("platform", "LifecycleLogGroup")["LogGroupName"]
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:1"
    assert not permits(role("platform", "ExecutionRole"), "logs:PutLogEvents", stream)


def test_endpoints_let_through_what_the_roles_may_do() -> None:
    endpoints = resources("platform", **EVERYTHING["platform"])
    for name in ("EcrApiEndpoint", "EcrDkrEndpoint"):
        assert permits(endpoints[name], "ecr:BatchGetImage", "Repository.Arn")
        assert permits(endpoints[name], "ecr:GetAuthorizationToken", "*")
        assert not permits(endpoints[name], "ecr:PutImage", "Repository.Arn")
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/demo/weather:log-stream:x"
    assert permits(endpoints["LogsEndpoint"], "logs:PutLogEvents", group)
    assert permits(endpoints["S3Endpoint"], "s3:PutObject", "Bucket.Arn/runs/weather/x")
    assert permits(endpoints["S3Endpoint"], "s3:PutObject", "Bucket.Arn/running/weather.json")
    assert permits(endpoints["S3Endpoint"], "s3:GetObject", "arn:aws:s3:::open-data/x")
    assert not permits(endpoints["S3Endpoint"], "s3:PutObject", "arn:aws:s3:::elsewhere/x")


@pytest.mark.parametrize(
    ("template", "policy", "context", "may"),
    [
        ("workload", "TaskKeyPolicy", {"s3__arn": "arn:aws:s3:::the-bucket"}, True),
        ("workload", "TaskKeyPolicy", {"s3__arn": "arn:aws:s3:::another-bucket"}, False),
        ("platform", "SchedulerKeyPolicy", {"scheduler__schedule__arn": "ScheduleGroup/x"}, True),
        ("platform", "SchedulerKeyPolicy", {"scheduler__schedule__arn": "other/x"}, False),
    ],
)
def test_a_key_opens_only_what_the_role_is_about(
    template: str, policy: str, context: dict[str, str], *, may: bool
) -> None:
    made = resources(template, KmsKeyArn=KEY)[policy]
    schedule = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/"
    keys = {
        f"kms__EncryptionContext__aws__{key}": schedule + value if "schedule" in key else value
        for key, value in context.items()
    }
    via = f"s3.{REGION}.amazonaws.com" if template == "workload" else "scheduler"
    assert permits(made, "kms:Decrypt", KEY, kms__ViaService=via, **keys) is may
    assert policy not in resources(template)


TASK = {
    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/task/demo-workload-w-TaskRole",
    "aws:PrincipalTag/workload": "w",
    "s3:if-none-match": "*",
}
AUDIT = {
    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/task/audit/demo-TaskRole",
    "aws:PrincipalTag/workload": "audit",
    "s3:if-none-match": "*",
}


@pytest.mark.parametrize(
    ("action", "on", "context", "denied"),
    [
        ("s3:GetObject", "Bucket.Arn/x", {"aws:SecureTransport": "false"}, True),
        ("s3:ListBucket", "Bucket.Arn", {"aws:SecureTransport": "false"}, True),
        ("s3:GetObject", "Bucket.Arn/x", {"s3:TlsVersion": "1.1"}, True),
        ("s3:GetObject", "Bucket.Arn/x", {"s3:TlsVersion": "1.3"}, False),
        ("s3:PutObject", "Bucket.Arn/runs/w/w-1/claim.json", {}, True),
        ("s3:PutObject", "Bucket.Arn/runs/w/w-1/claim.json", {"s3:if-none-match": "*"}, False),
        ("s3:PutObject", "Bucket.Arn/runs/w/w-1/plot.png", {}, False),
        ("s3:PutObject", "Bucket.Arn/changes/w/w-1.1-missed.json", {}, True),
        ("s3:PutObject", "Bucket.Arn/changes/w/w-1.1-missed.json", AUDIT, False),
        ("s3:ListBucket", "Bucket.Arn", AUDIT, False),
        ("s3:GetObject", "Bucket.Arn/ledger/w/w-1.succeeded.json", AUDIT, False),
        ("s3:PutObject", "Bucket.Arn/changes/w/w-1.1-missed.json", TASK, True),
        ("s3:PutObject", "Bucket.Arn/ledger/w/w-1.succeeded.json", {}, True),
        ("s3:PutObject", "Bucket.Arn/ledger/w/w-1.failed.json", {"s3:if-none-match": "*"}, False),
        # A task whose own policy grants s3:*.
        ("s3:PutObject", "Bucket.Arn/runs/w/w-1/plot.png", TASK, False),
        ("s3:GetObject", "Bucket.Arn/runs/w-eu/w-eu-1/plot.png", TASK, False),
        ("s3:PutObject", "Bucket.Arn/running/w-eu.json", TASK, False),
        ("s3:PutObject", "Bucket.Arn/running/w.json", {}, True),
        ("s3:PutObject", "Bucket.Arn/running/w.json", {**TASK, "s3:if-match": '"e"'}, False),
        ("s3:PutObject", "Bucket.Arn/running/x.json", {**TASK, "s3:if-none-match": "*"}, True),
        ("s3:GetObject", "Bucket.Arn/running/w.json", TASK, False),
        ("s3:PutObject", "Bucket.Arn/runs/x/x-1/plot.png", TASK, True),
        ("s3:GetObject", "Bucket.Arn/ledger/x/x-1.succeeded.json", TASK, True),
        ("s3:PutObject", "Bucket.Arn/catalog/0.json", TASK, True),
        ("s3:PutObject", "Bucket.Arn/deployments/0.json", TASK, True),
        ("s3:DeleteObject", "Bucket.Arn/runs/w/w-1/claim.json", TASK, True),
        ("s3:DeleteObjectVersion", "Bucket.Arn/ledger/w/w-1.succeeded.json", TASK, True),
        ("s3:PutBucketPolicy", "Bucket.Arn", TASK, True),
        ("s3:ListBucket", "Bucket.Arn", TASK, True),
    ],
)
def test_the_bucket_refuses_plain_http_a_second_claim_and_a_task_that_strays(
    action: str, on: str, context: dict[str, str], *, denied: bool
) -> None:
    secure = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.2"} | context
    policy = statements(resources("platform")["BucketPolicy"])
    assert all(s["Effect"] == "Deny" and s["Principal"] == "*" for s in policy)
    assert any(applies(s, action, on, secure) for s in policy) is denied


def test_the_topic_takes_events_without_a_condition_and_nothing_over_plain_http() -> None:
    publish, deny = statements(resources("platform")["NotificationTopicPolicy"])
    assert publish["Principal"] == {"Service": "events.amazonaws.com"}
    assert publish["Action"] == "sns:Publish"
    # EventBridge fills in no condition key here; one would silence every notification.
    assert "Condition" not in publish
    assert deny["Effect"] == "Deny"


def test_the_queue_refuses_plain_http() -> None:
    (deny,) = statements(resources("platform")["DeadLetterQueuePolicy"])
    assert deny["Effect"] == "Deny"
    assert applies(deny, "sqs:SendMessage", "DeadLetterQueue.Arn", {"aws:SecureTransport": "false"})


def test_only_our_rule_writes_the_lifecycle_record() -> None:
    document = json.loads(properties("platform", "LifecycleLogPolicy")["PolicyDocument"])
    opens, writes = document["Statement"]
    assert opens["Resource"] == writes["Resource"] == "LifecycleLogGroup.Arn"
    assert (opens["Action"], writes["Action"]) == ("logs:CreateLogStream", "logs:PutLogEvents")
    assert writes["Condition"] == {"ArnEquals": {"aws:SourceArn": "LifecycleRule.Arn"}}
