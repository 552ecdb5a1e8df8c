"""From a firing to RunTask and to a dead letter: pure functions."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from toolkit.local.agent.target import Invocation, dead_letter, run_task_request, substitute

ARN = "arn:aws:scheduler:eu-central-1:123456789012:schedule/app/weather"
INVOCATION = Invocation(ARN, datetime(2026, 11, 24, 5, tzinfo=UTC), "0123456789abcdef", 2)
TARGET: dict[str, Any] = {
    "Arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/app",
    "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
    "Input": json.dumps(
        {
            "containerOverrides": [
                {
                    "name": "workload",
                    "environment": [
                        {"name": "SCHEDULED_TIME", "value": "<aws.scheduler.scheduled-time>"}
                    ],
                }
            ]
        }
    ),
    "EcsParameters": {
        "TaskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/app:3",
        "TaskCount": 2,
        "PlatformVersion": "1.4.0",
        "Group": "weather",
        "EnableECSManagedTags": True,
        "EnableExecuteCommand": True,
        "PropagateTags": "TASK_DEFINITION",
        "ReferenceId": "reference",
        "Tags": [{"Key": "a", "Value": "b"}],
        "CapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}],
        "PlacementConstraints": [{"type": "distinctInstance"}],
        "PlacementStrategy": [{"type": "spread", "field": "zone"}],
        "NetworkConfiguration": {
            "awsvpcConfiguration": {
                "Subnets": ["subnet-1"],
                "SecurityGroups": ["sg-1"],
                "AssignPublicIp": "ENABLED",
            }
        },
    },
}


def test_every_field_of_the_target_reaches_run_task() -> None:
    assert run_task_request(TARGET, INVOCATION) == {
        "cluster": TARGET["Arn"],
        "taskDefinition": TARGET["EcsParameters"]["TaskDefinitionArn"],
        "count": 2,
        "startedBy": "chronos-schedule/weather",
        "platformVersion": "1.4.0",
        "group": "weather",
        "enableECSManagedTags": True,
        "enableExecuteCommand": True,
        "propagateTags": "TASK_DEFINITION",
        "referenceId": "reference",
        "tags": [{"key": "a", "value": "b"}],
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}],
        "placementConstraints": [{"type": "distinctInstance"}],
        "placementStrategy": [{"type": "spread", "field": "zone"}],
        "networkConfiguration": {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "ENABLED",
            }
        },
        "overrides": {
            "containerOverrides": [
                {
                    "name": "workload",
                    "environment": [{"name": "SCHEDULED_TIME", "value": "2026-11-24T05:00:00Z"}],
                }
            ]
        },
    }


def test_the_requests_fields_are_run_tasks_own() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("ecs")
    known = model.operation_model("RunTask").input_shape.members
    assert set(run_task_request(TARGET, INVOCATION)) <= set(known)


def test_no_field_of_the_model_is_forgotten() -> None:
    import botocore.session

    model = botocore.session.get_session().get_service_model("scheduler")
    fields = set(model.shape_for("EcsParameters").members)
    assert fields - {"LaunchType"} == set(TARGET["EcsParameters"])


def test_a_launch_type_is_passed_on_too() -> None:
    parameters = {"TaskDefinitionArn": "d", "LaunchType": "FARGATE"}
    request = run_task_request({"Arn": "c", "EcsParameters": parameters}, INVOCATION)
    assert request["launchType"] == "FARGATE"
    assert "overrides" not in request


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("schedule-arn", ARN),
        ("scheduled-time", "2026-11-24T05:00:00Z"),
        ("execution-id", "0123456789abcdef"),
        ("attempt-number", "2"),
    ],
)
def test_context_attributes_are_replaced_wherever_they_stand(attribute: str, value: str) -> None:
    text = f'{{"x<aws.scheduler.{attribute}>": ["<aws.scheduler.{attribute}>"]}}'
    assert json.loads(substitute(text, INVOCATION)) == {f"x{value}": [value]}


def test_what_is_no_context_attribute_stays() -> None:
    assert substitute("<aws.scheduler.unknown>", INVOCATION) == "<aws.scheduler.unknown>"


def test_an_input_that_is_no_json_is_refused() -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        run_task_request({**TARGET, "Input": "hello"}, INVOCATION)


def test_a_dead_letter_has_schedulers_attributes() -> None:
    letter = dead_letter(TARGET, INVOCATION, {"cluster": "c"}, ("Code", "words"), None)
    attributes = {name: row["StringValue"] for name, row in letter["MessageAttributes"].items()}
    assert attributes == {
        "ERROR_CODE": "Code",
        "ERROR_MESSAGE": "words",
        "EXECUTION_ID": "0123456789abcdef",
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": "1",
        "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
        "SCHEDULE_ARN": ARN,
        "TARGET_ARN": TARGET["Arn"],
    }
    assert json.loads(letter["MessageBody"]) == {"cluster": "c"}


def test_a_dead_letter_says_which_limit_ended_the_retries() -> None:
    letter = dead_letter(TARGET, INVOCATION, {}, ("Code", "words"), "MaximumRetryAttempts")
    row = letter["MessageAttributes"]["EXHAUSTED_RETRY_CONDITION"]
    assert row == {"DataType": "String", "StringValue": "MaximumRetryAttempts"}
