"""What IAM and ECS say of roles, by hand-written fakes of their clients."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.answers import aws, denied, refused
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.roles import (
    PermissionQuestion,
    TaskRoles,
    has_ecs_role,
    make_ecs_role,
    role,
    task_roles,
)
from toolkit.app.deploying.adopt import launcher
from toolkit.app.deploying.deploy import make_ready
from toolkit.core.deploying.facts import Unknown
from toolkit.core.errors import ToolkitError

ROLE = "arn:aws:iam::1:role/app/eu-west-1/SchedulerRole"


def trust(service: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Role": {"AssumeRolePolicyDocument": {"Statement": [statement]}}}


def decision(word: str) -> Any:
    def simulate(PolicySourceArn: str, ActionNames: Any, **given: Any) -> dict[str, Any]:  # noqa: N803
        assert PolicySourceArn == ROLE
        keys = {row["ContextKeyName"]: row["ContextKeyValues"] for row in given["ContextEntries"]}
        assert keys == {"ecs:cluster": ["cluster"]}
        return {"EvaluationResults": [{"EvalActionName": ActionNames[0], "EvalDecision": word}]}

    return simulate


REVISION = "arn:aws:ecs:r:1:task-definition/x:1"
QUESTIONS = [PermissionQuestion("ecs:RunTask", REVISION, {"ecs:cluster": "cluster"})]


@pytest.mark.parametrize("word", ["allowed", "implicitDeny", "explicitDeny"])
def test_a_roles_permissions_are_what_iam_simulates(word: str) -> None:
    iam = {
        "get_role": trust("scheduler.amazonaws.com"),
        "simulate_principal_policy": decision(word),
    }
    found = role(aws(iam=iam), ROLE, "scheduler.amazonaws.com", QUESTIONS)
    assert found.trusted
    assert found.decisions == {"ecs:RunTask on x:1": word}


def test_who_may_not_simulate_still_learns_whom_the_role_trusts() -> None:
    iam = {"get_role": trust("lambda.amazonaws.com"), "simulate_principal_policy": denied("sim")}
    found = role(aws(iam=iam), ROLE, "scheduler.amazonaws.com", QUESTIONS)
    assert not found.trusted
    assert isinstance(found.decisions, Unknown)
    assert "no sim" in found.decisions.reason


def test_a_role_that_is_gone_is_told_from_one_that_nobody_may_see() -> None:
    gone = ClientError({"Error": {"Code": "NoSuchEntity", "Message": "gone"}}, "GetRole")
    found = asked(lambda: role(aws(iam={"get_role": gone}), ROLE, "s", QUESTIONS))
    assert isinstance(found, Unknown)
    assert "SchedulerRole" in found.reason
    assert found.gone
    hidden = asked(lambda: role(aws(iam={"get_role": denied("GetRole")}), ROLE, "s", QUESTIONS))
    assert isinstance(hidden, Unknown)
    assert not hidden.gone


def test_one_denial_is_not_hidden_by_another_resource_of_the_same_action() -> None:
    def simulate(ActionNames: Any, ResourceArns: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        word = "allowed" if ResourceArns == ["role/b"] else "implicitDeny"
        return {"EvaluationResults": [{"EvalDecision": word}]}

    iam = {"get_role": trust("s"), "simulate_principal_policy": simulate}
    questions = [
        PermissionQuestion("iam:PassRole", "role/a"),
        PermissionQuestion("iam:PassRole", "role/b"),
    ]
    found = role(aws(iam=iam), ROLE, "s", questions)
    assert found.decisions == {
        "iam:PassRole on a": "implicitDeny",
        "iam:PassRole on b": "allowed",
    }


def defined(**roles: str) -> dict[str, Any]:
    secrets = [{"name": "A", "valueFrom": "b"}, {"name": "B", "valueFrom": "a"}]
    containers = [{"name": "workload", "secrets": secrets}, {"name": "other"}]
    return {"taskDefinition": {**roles, "containerDefinitions": containers}}


def test_the_roles_of_a_task_and_its_secrets_stand_in_its_task_definition() -> None:
    found = task_roles(aws(ecs={"describe_task_definition": defined(executionRoleArn=ROLE)}), "x")
    assert found == TaskRoles(ROLE, "", ("a", "b"))
    gone = refused("ClientException", "Unable to describe task definition.")
    unknown = asked(lambda: task_roles(aws(ecs={"describe_task_definition": gone}), REVISION))
    assert isinstance(unknown, Unknown)


@pytest.mark.parametrize(
    ("roles", "asked_for"),
    [
        ({}, ["ecs:RunTask on x:1"]),
        (
            {"executionRoleArn": "role/starts", "taskRoleArn": "role/works"},
            ["ecs:RunTask on x:1", "iam:PassRole on starts", "iam:PassRole on works"],
        ),
        (
            {"executionRoleArn": "role/both", "taskRoleArn": "role/both"},
            ["ecs:RunTask on x:1", "iam:PassRole on both"],
        ),
    ],
)
def test_who_runs_a_task_must_be_allowed_to_pass_its_roles(
    roles: dict[str, str], asked_for: list[str]
) -> None:
    def simulate(ActionNames: list[str], ContextEntries: Any = (), **_: Any) -> dict[str, Any]:  # noqa: N803
        word = "implicitDeny" if ActionNames == ["iam:PassRole"] else "allowed"
        if word == "implicitDeny":
            [row] = ContextEntries
            assert row["ContextKeyValues"] == ["ecs-tasks.amazonaws.com"]
        return {"EvaluationResults": [{"EvalDecision": word}]}

    world = aws(
        iam={
            "get_role": trust("scheduler.amazonaws.com"),
            "simulate_principal_policy": simulate,
        },
        ecs={"describe_task_definition": defined(**roles)},
    )
    found = launcher(world, "schedule", ROLE, REVISION, simulated=True)
    assert found.trusted
    assert found.decisions == {
        what: "allowed" if "RunTask" in what else "implicitDeny" for what in asked_for
    }


def test_without_its_task_definition_a_roles_permissions_are_not_known() -> None:
    world = aws(
        iam={"get_role": trust("events.amazonaws.com")},
        ecs={"describe_task_definition": refused("ClientException", "Unable to describe.")},
    )
    found = launcher(world, "rule", ROLE, REVISION, simulated=True)
    assert isinstance(found.decisions, Unknown)
    assert "Unable to describe" in found.decisions.reason


@pytest.mark.parametrize(
    ("answers", "said", "slept"),
    [
        ({"get_role": {"Role": {}}}, "", []),
        (
            {
                "get_role": refused("NoSuchEntity", "cannot be found"),
                "create_service_linked_role": {"Role": {}},
            },
            "making AWSServiceRoleForECS",
            [15.0],
        ),
        (
            {
                "get_role": refused("NoSuchEntity", "cannot be found"),
                "create_service_linked_role": denied("iam:CreateServiceLinkedRole"),
            },
            "was not made",
            [],
        ),
        ({"get_role": denied("iam:GetRole")}, "was not made", []),
    ],
)
def test_the_first_deployment_of_an_account_makes_the_role_and_waits_for_it(
    answers: Mapping[str, Any], said: str, slept: list[float]
) -> None:
    lines: list[str] = []
    waits: list[float] = []
    make_ready(aws(iam=answers), lines.append, waits.append)
    assert said in "\n".join(lines)
    assert bool(lines) == bool(said)
    assert waits == slept


def test_the_role_of_ecs_is_asked_for_and_that_somebody_else_just_made_it_is_fine() -> None:
    missing = refused("NoSuchEntity", "The role with name AWSServiceRoleForECS cannot be found.")
    taken = refused(
        "InvalidInput",
        "Service role name AWSServiceRoleForECS has been taken in this account, please try a "
        "different suffix.",
    )
    found = aws(iam={"get_role": missing, "create_service_linked_role": taken})
    assert not has_ecs_role(found)
    make_ecs_role(found)
    assert has_ecs_role(aws(iam={"get_role": {"Role": {}}}))
    with pytest.raises(ToolkitError, match="no iam:CreateServiceLinkedRole"):
        make_ecs_role(
            aws(iam={"create_service_linked_role": denied("iam:CreateServiceLinkedRole")})
        )
