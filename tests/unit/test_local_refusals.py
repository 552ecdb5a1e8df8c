"""What the embedded AWS refuses of definitions, names and policies, said in AWS's words."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from toolkit.core.fargate import SIZES
from toolkit.local.ministack.upstream import (
    fargate_definitions,
    policy_variables,
    resource_names,
)

LOGS = {
    "awslogs-group": "g",
    "awslogs-region": "eu-central-1",
    "awslogs-stream-prefix": "p",
}


def definition(container: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    good = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn",
    }
    return {**good, "containerDefinitions": [{"name": "main", **(container or {})}], **changed}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (definition(), ""),
        (definition({"logConfiguration": {"logDriver": "awslogs", "options": LOGS}}), ""),
        (definition(requiresCompatibilities=["EC2"], cpu="1"), ""),
        (definition(networkMode="bridge"), "network mode"),
        (definition(cpu=None), "'cpu' be defined"),
        (definition(memory="4096"), "256 CPU, 4096 memory"),
        (definition({"stopTimeout": 121}), "between 2 and 120"),
        (definition({"logConfiguration": {"logDriver": "awslogs"}}), "awslogs-group, awslogs-reg"),
        (
            definition(
                {"logConfiguration": {"logDriver": "awslogs", "options": LOGS}},
                executionRoleArn=None,
            ),
            "log driver awslogs",
        ),
        (definition({"secrets": [{"name": "A"}]}, executionRoleArn=""), "'executionRoleArn'"),
        (definition({"secrets": [{"name": "A"}, {"name": "A"}]}), "such as 'A'"),
        (
            definition({"secrets": [{"name": "A"}], "environment": [{"name": "A"}]}),
            "such as 'A'",
        ),
    ],
)
def test_what_fargate_does_not_take_is_said(data: dict[str, Any], words: str) -> None:
    found = next(fargate_definitions.complaints(data, SIZES), "")
    assert bool(found) is bool(words)
    assert words in found


@pytest.mark.parametrize(
    ("member", "name", "words"),
    [
        ("repositoryName", "a-b/c", None),
        ("repositoryName", "a", "length greater than or equal to 2"),
        ("roleName", "r" * 65, "length less than or equal to 64"),
        ("clusterName", "a b", "regular expression pattern"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(member: str, name: str, words: str | None) -> None:
    found = resource_names.problem(name, member)
    assert found is None if words is None else words in str(found)


def test_every_type_with_a_name_has_a_rule() -> None:
    for prop, member in resource_names.OF_TYPES.values():
        assert prop
        assert resource_names.problem("", member) is not None


@dataclass
class Statement:
    """What of a parsed statement has variables."""

    resources: list[str]
    not_resources: list[str] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("pattern", "resolved"),
    [
        ("arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b/red/*"),
        ("${aws:PrincipalTag/none, 'all'}", "all"),
        ("${aws:PrincipalTag/none}", "\0"),  # matches nothing
        ("plain", "plain"),
    ],
)
def test_a_policys_variables_have_their_values(pattern: str, resolved: str) -> None:
    value_of = {"aws:PrincipalTag/team": "red"}.get
    conditions = {"StringEquals": {"s3:prefix": pattern}}
    found = policy_variables.resolved(Statement([pattern], conditions=conditions), value_of)
    assert found.resources == [resolved]
    value = found.conditions["StringEquals"]["s3:prefix"]
    assert value in (resolved, [resolved])
