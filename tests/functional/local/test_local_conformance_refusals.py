"""What AWS refuses, said as tests.

How they run on a real account: see test_local_conformance_stores.py.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from .account import Account, differs
from .rehearsal import eventually
from .taken_names import (
    NAME,
    Create,
    create_cluster,
    create_group,
    create_log_group,
    create_repository,
    create_role,
    create_schedule,
)

# Moments

EARLY = "The StartDate you specify cannot be earlier than 5 minutes ago."


def test_a_start_date_in_the_past_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""
    scheduler, now = account.client("scheduler"), account.now()
    early = account.schedule(Name=NAME, StartDate=now - timedelta(minutes=6))
    with pytest.raises(scheduler.exceptions.ValidationException) as created:
        scheduler.create_schedule(**early)
    names = {"Name": NAME, "GroupName": early["GroupName"]}
    scheduler.create_schedule(**{**early, "StartDate": now - timedelta(minutes=4)})
    try:
        with pytest.raises(scheduler.exceptions.ValidationException) as updated:
            scheduler.update_schedule(**early)
    finally:
        scheduler.delete_schedule(**names)
    for caught in (created, updated):
        assert caught.value.response["Error"]["Message"] == EARLY


def test_an_end_before_the_start_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    scheduler, now = account.client("scheduler"), account.now()
    dates = {"StartDate": now + timedelta(days=2), "EndDate": now + timedelta(days=1)}
    with pytest.raises(scheduler.exceptions.ValidationException):
        scheduler.create_schedule(**account.schedule(Name=NAME, **dates))


# What the models of the APIs forbid


def target(account: Account, **changes: Any) -> dict[str, Any]:
    return {"Target": {**account.schedule()["Target"], **changes}}


Changes = Callable[[Account], dict[str, Any]]
FORBIDDEN: dict[str, Changes] = {
    "a state": lambda _: {"State": "PAUSED"},
    "a mode": lambda _: {"FlexibleTimeWindow": {"Mode": "SOMETIMES"}},
    "a window": lambda _: {
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}
    },
    "no window": lambda _: {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
    "a role": lambda account: target(account, RoleArn="scheduler"),
    "a queue": lambda account: target(account, DeadLetterConfig={"Arn": "dead-letters"}),
    "retries": lambda account: target(account, RetryPolicy={"MaximumRetryAttempts": 186}),
    "a target": lambda account: target(account, Arn="cluster/app"),
    "no task": lambda account: {
        "Target": {
            key: value
            for key, value in account.schedule()["Target"].items()
            if key != "EcsParameters"
        }
    },
}


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_schedule_that_scheduler_does_not_take(account: Account, name: str) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""
    scheduler = account.client("scheduler")
    asked = account.schedule(**{"Name": NAME, **FORBIDDEN[name](account)})
    with pytest.raises(scheduler.exceptions.ValidationException):
        scheduler.create_schedule(**asked)


@pytest.mark.usefixtures("clean")
@differs("nor is a schedule's role tried when it is created")
def test_a_role_that_does_not_trust_scheduler(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html"""
    scheduler = account.client("scheduler")
    asked = account.schedule(
        Name=NAME, **target(account, RoleArn=account.platform["ExecutionRoleArn"])
    )
    with pytest.raises(scheduler.exceptions.ValidationException):
        scheduler.create_schedule(**asked)


Request = tuple[str, str, dict[str, Any]]
ALARM = {
    "AlarmName": NAME,
    "Namespace": "conformance",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
REQUESTS: list[tuple[Request, str]] = [
    (("ecr", "create_repository", {"repositoryName": NAME, "imageTagMutability": "NEVER"}),
     "InvalidParameterException"),
    (("logs", "create_log_stream", {"logGroupName": NAME, "logStreamName": "a:b"}),
     "InvalidParameterException"),
    (("logs", "describe_log_groups", {"limit": 51}), "InvalidParameterException"),
    (("ssm", "put_parameter", {"Name": NAME, "Value": "v", "Type": "Text"}),
     "ValidationException"),
    (("kms", "create_key", {"KeySpec": "RSA_1"}), "ValidationException"),
    (("ecs", "list_tasks", {"desiredStatus": "DONE"}), "InvalidParameterException"),
    (("iam", "create_role",
      {"RoleName": NAME, "AssumeRolePolicyDocument": "{}", "MaxSessionDuration": 43201}),
     "ValidationError"),
    (("cloudformation", "create_stack", {"StackName": "a_b", "TemplateBody": "{}"}),
     "ValidationError"),
    *((("cloudwatch", "put_metric_alarm", {**ALARM, name: "Nope"}), "ValidationError")
      for name in ("Statistic", "ComparisonOperator", "TreatMissingData", "Unit")),
    (("sqs", "create_queue", {"QueueName": NAME, "Attributes": {"Nope": "1"}}),
     "InvalidAttributeName"),
    (("sns", "subscribe",
      {"TopicArn": f"arn:aws:sns:us-east-1:000000000000:{NAME}", "Protocol": "pigeon"}),
     "InvalidParameter"),
    (("sts", "assume_role",
      {"RoleArn": f"arn:aws:iam::000000000000:role/{NAME}", "RoleSessionName": "a b"}),
     "ValidationError"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "code"), REQUESTS, ids=lambda row: str(row[1]))
def test_a_value_that_the_service_does_not_know(
    account: Account, asked: Request, code: str
) -> None:
    """The enumerations, ranges and patterns of each service's API reference."""
    service, call, request = asked
    with pytest.raises(ClientError) as caught:
        getattr(account.client(service), call)(**request)
    assert caught.value.response["Error"]["Code"] == code


# Names

LONG = "n" * 65


BAD_NAMES: list[tuple[Create, str, str]] = [
    *((create_repository, name, "InvalidParameterException") for name in
      ("a", "demo-", "-demo", "Demo", "a//b", "a b", "demo/", "d" * 257)),
    *((create_role, name, "ValidationError") for name in ("a b", "a/b", LONG)),
    *((create_schedule, name, "ValidationException") for name in ("a b", "a:b", LONG)),
    *((create_group, name, "ValidationException") for name in ("a b", "a:b", LONG)),
    *((create_log_group, name, "InvalidParameterException") for name in ("a b", "a:b", "l" * 513)),
    *((create_cluster, name, "InvalidParameterException") for name in ("a b", "c" * 256)),
]  # fmt: skip


@pytest.mark.parametrize(("create", "name", "code"), BAD_NAMES)
def test_a_name_that_the_service_does_not_take(
    account: Account, create: Create, name: str, code: str
) -> None:
    """The patterns and lengths of CreateRepository, CreateRole, … in AWS's pages."""
    try:
        create(account, name)
    except ParamValidationError:
        return  # the client knows it already
    except ClientError as error:
        assert error.response["Error"]["Code"] == code  # noqa: PT017 - either client or service
        return
    pytest.fail(f"{name!r} was taken")


TAKEN: list[tuple[Create, str]] = [
    (create_repository, "RepositoryAlreadyExistsException"),
    (create_role, "EntityAlreadyExists"),
    (create_schedule, "ConflictException"),
    (create_group, "ConflictException"),
    (create_log_group, "ResourceAlreadyExistsException"),
]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(("create", "code"), TAKEN)
def test_a_name_that_is_taken(account: Account, create: Create, code: str) -> None:
    """The errors of CreateRepository, CreateRole, CreateSchedule, … in AWS's pages."""
    create(account, NAME)
    with pytest.raises(ClientError) as caught:
        create(account, NAME)
    assert caught.value.response["Error"]["Code"] == code


# Policies of resources


def statement(service: str, **changes: Any) -> str:
    row = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": f"{service}:*",
        "Resource": "*" if service != "s3" else f"arn:aws:s3:::{NAME}/*",
        **changes,
    }
    kept = {name: value for name, value in row.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [kept]})


BAD_STATEMENTS: list[dict[str, Any]] = [
    {"Effect": "deny"},
    {"Principal": None},
    {"Principal": "me"},
    {"Principal": {"AWS": "somebody"}},
    {"Principal": {"Who": "*"}},
    {"Action": None},
    {"Action": "ec2:RunInstances"},
    {"Resource": None},
    {"Resource": "nowhere"},
    {"Condition": {"StringSeems": {"aws:PrincipalTag/a": "b"}}},
    {"Nope": "x"},
]


@pytest.mark.parametrize("changes", BAD_STATEMENTS, ids=str)
def test_a_policy_that_a_resource_does_not_take(account: Account, changes: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    bucket = account.platform["BucketName"]
    calls: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (
            account.client("s3").put_bucket_policy,
            {"Bucket": bucket, "Policy": statement("s3", **changes).replace(NAME, bucket)},
        ),
        (
            account.client("sqs").create_queue,
            {"QueueName": NAME, "Attributes": {"Policy": statement("sqs", **changes)}},
        ),
        (
            account.client("sns").create_topic,
            {"Name": NAME, "Attributes": {"Policy": statement("sns", **changes)}},
        ),
        (
            account.client("logs").put_resource_policy,
            {"policyName": NAME, "policyDocument": statement("logs", **changes)},
        ),
    ]
    for call, request in calls:
        with pytest.raises(ClientError) as caught:
            call(**request)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


# What the schemas of resource types forbid

BAD_RESOURCES: dict[str, dict[str, Any]] = {
    "required": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": ["q"]}},
    "none": {"Type": "AWS::SNS::Subscription"},
    "deep": {"Type": "AWS::SQS::Queue", "Properties": {"Tags": [{"Key": "a"}]}},
    "value": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 2}},
    "extraneous": {"Type": "AWS::SQS::Queue", "Properties": {"Nope": 1}},
}


@pytest.mark.parametrize("name", BAD_RESOURCES)
def test_a_resource_that_its_type_does_not_take(account: Account, name: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html"""
    cloudformation = account.client("cloudformation")
    names = {"StackName": NAME, "ChangeSetName": "first"}
    cloudformation.create_change_set(
        **names,
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Bad": BAD_RESOURCES[name]}}),
    )

    def ended() -> str | None:
        status = cloudformation.describe_change_set(**names)["Status"]
        return str(status) if status not in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else None

    try:
        assert eventually(ended, account.patience) == "FAILED"
    finally:
        cloudformation.delete_stack(StackName=NAME)


def test_a_stack_with_a_policy_that_its_resource_does_not_take(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    cloudformation, bucket = account.client("cloudformation"), account.platform["BucketName"]
    document = json.loads(statement("s3", Principal={"AWS": "nobody"}))
    properties = {"Bucket": bucket, "PolicyDocument": document}
    template = {"Resources": {"Bad": {"Type": "AWS::S3::BucketPolicy", "Properties": properties}}}
    cloudformation.create_stack(
        StackName=NAME, TemplateBody=json.dumps(template), OnFailure="DO_NOTHING"
    )

    def ended() -> str | None:
        status = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]["StackStatus"]
        return None if status == "CREATE_IN_PROGRESS" else str(status)

    try:
        assert eventually(ended, account.patience) == "CREATE_FAILED"
    finally:
        cloudformation.delete_stack(StackName=NAME)
