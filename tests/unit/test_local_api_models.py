"""What the models of AWS's APIs forbid is found, with the words of AWS's framework."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream import api_models, api_requests


def schedule(**changes: Any) -> dict[str, Any]:
    role, target = changes.pop("RoleArn", "arn:aws:iam::1:role/r".replace("1", "1" * 12)), {}
    for name in ("EcsParameters", "RetryPolicy", "DeadLetterConfig"):
        if name in changes:
            target[name] = changes.pop(name)
    return {
        "Name": "hourly",
        "ScheduleExpression": "rate(1 hour)",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": "arn:aws:ecs:::cluster/c", "RoleArn": role, **target},
        **changes,
    }


def ecs(**parameters: Any) -> dict[str, Any]:
    return {"TaskDefinitionArn": "arn", **parameters}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"State": "PAUSED"}, "'PAUSED' at 'state' failed to satisfy constraint: Member must sat"),
        ({"Name": "a b"}, "'a b' at 'name' failed to satisfy constraint: Member must satisfy reg"),
        ({"Name": "n" * 65}, "less than or equal to 64"),
        ({"Name": ""}, "greater than or equal to 1"),
        ({"Description": "d" * 512}, None),
        ({"Description": "d" * 513}, "at 'description'"),
        ({"RoleArn": "nope"}, "at 'target.roleArn'"),
        ({"DeadLetterConfig": {"Arn": "nope"}}, "at 'target.deadLetterConfig.arn'"),
        ({"RetryPolicy": {"MaximumRetryAttempts": 185}}, None),
        ({"RetryPolicy": {"MaximumRetryAttempts": 186}}, "less than or equal to 185"),
        ({"RetryPolicy": {"MaximumEventAgeInSeconds": 59}}, "greater than or equal to 60"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 1441}}, "1440"),
        ({"EcsParameters": ecs(TaskCount=11)}, "at 'target.ecsParameters.taskCount'"),
        ({"EcsParameters": ecs(LaunchType="SPOT")}, "enum value set: [EC2, FARGATE, EXTERNAL]"),
        ({"EcsParameters": ecs(Tags=[{"k": "v"}] * 51)}, "less than or equal to 50"),
        ({"Nobody": "knows it"}, None),
        ({"StartDate": None}, None),
    ],
)
def test_a_schedule_is_held_against_the_model(changes: dict[str, Any], words: str | None) -> None:
    found = api_models.problem("scheduler", "CreateSchedule", schedule(**changes))
    if words is None:
        assert found is None
    else:
        assert str(found).startswith("1 validation error detected: Value")
        assert words in str(found)


def test_all_that_is_wrong_is_said_at_once() -> None:
    wrong = schedule(State="PAUSED", RoleArn="nope")
    found = api_models.problem("scheduler", "CreateSchedule", wrong)
    assert str(found).startswith("2 validation errors detected: ")


def test_a_secret_is_not_repeated() -> None:
    secret = {"Name": "n", "SecretString": "s3cret" * 20_000}
    found = str(api_models.problem("secretsmanager", "CreateSecret", secret))
    assert "at 'secretString'" in found
    assert "s3cret" not in found


def test_an_operation_that_the_model_lacks_is_left_to_the_service() -> None:
    assert api_models.problem("ecr", "NoSuchOperation", {"repositoryName": "?"}) is None


@pytest.mark.parametrize(
    ("text", "words"), [("3600", None), ("60", "greater than or equal to 3600"), ("long", None)]
)
def test_a_form_has_numbers_as_text(text: str, words: str | None) -> None:
    form = {"RoleName": ["r"], "MaxSessionDuration": [text], "Tags.member.1.Key": ["k"]}
    request = api_requests.members("iam", "CreateRole", form)
    assert request.keys() == {"RoleName", "MaxSessionDuration", "Tags"}
    found = api_models.problem("iam", "CreateRole", request)
    assert found is None if words is None else words in str(found)


@pytest.mark.parametrize(
    ("service", "operation", "request_", "words"),
    [
        ("cloudwatch", "PutMetricAlarm", {"TreatMissingData": "never"}, "breaching, notBreaching"),
        ("sns", "Subscribe", {"Protocol": "pigeon"}, "http, https, email, email-json, sms, sqs"),
        ("sqs", "CreateQueue", {"Attributes": {"Nope": "1"}}, "'Nope' at 'attributes.Nope.key'"),
    ],
)
def test_enumerations_in_prose_and_of_keys_are_known(
    service: str, operation: str, request_: dict[str, Any], words: str
) -> None:
    assert words in str(api_models.problem(service, operation, request_))


@pytest.mark.parametrize(
    ("service", "operation", "request_"),
    [
        ("cloudwatch", "PutMetricAlarm", {"TreatMissingData": "ignore"}),
        ("sns", "Subscribe", {"Protocol": "email-json"}),
        ("sqs", "CreateQueue", {"Attributes": {"VisibilityTimeout": "1"}}),
    ],
)
def test_values_of_an_enumeration_are_taken(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    assert api_models.problem(service, operation, request_) is None
