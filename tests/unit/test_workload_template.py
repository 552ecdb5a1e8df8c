"""Secrets and policies of a workload: what is rendered, and what is refused."""

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from cfnlint.decode import decode_str

from tests.cloudformation import TEMPLATES
from toolkit.adapters.aws.roles import PermissionQuestion
from toolkit.core.deploying.user_policy import statements
from toolkit.core.deploying.workload_template import rendered
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import ContractError

TABLE = """
[workloads.sales]
summary = "s"
command = ["bin/sales"]
cpu = 256
memory = 512
max_runtime_seconds = 60
"""
SECRETS = """
[workloads.sales.secrets]
DB_PASSWORD = "secretsmanager:prod/db:password"
DB_USER = "secretsmanager:prod/db"
TOKEN = "ssm:/prod/token"
"""
SOURCE = (TEMPLATES / "workload.yaml").read_text("utf-8")


def workload(more: str = "") -> Workload:
    return Catalog.parse(TABLE + more).workload("sales")


def resources(text: str) -> dict[str, Any]:
    template, problems = decode_str(text)
    assert not problems
    found: dict[str, Any] = template["Resources"]
    return found


def test_the_container_gets_its_secrets_and_the_role_may_read_exactly_these() -> None:
    made = resources(rendered(SOURCE, workload(SECRETS), []))
    task = made["TaskDefinition"]["Properties"]
    [container] = task["ContainerDefinitions"]
    head = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:prod/db"
    token = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/prod/token"
    assert {row["Name"]: row["ValueFrom"]["Fn::Sub"] for row in container["Secrets"]} == {
        "DB_PASSWORD": f"{head}:password::",
        "DB_USER": head,
        "TOKEN": token,
    }
    assert task["ExecutionRoleArn"] == {"Fn::GetAtt": ["SecretsRole", "Arn"]}
    [policy] = made["SecretsRole"]["Properties"]["Policies"]
    rights = {row["Sid"]: row for row in policy["PolicyDocument"]["Statement"]}
    assert rights["ReadSecrets"]["Action"] == "secretsmanager:GetSecretValue"
    assert rights["ReadSecrets"]["Resource"] == [{"Fn::Sub": f"{head}-??????"}]
    assert rights["ReadParameters"]["Action"] == "ssm:GetParameters"
    assert rights["ReadParameters"]["Resource"] == [{"Fn::Sub": token}]
    assert container["LogConfiguration"]["LogDriver"] == "awslogs"


def test_the_doctor_asks_for_each_secret_what_the_role_may_and_ecs_will_do() -> None:
    table = SECRETS + 'OTHER = "secretsmanager:dev/db"\n'
    text = re.sub(r"\$\{AWS::(\w+)\}", r"\1", rendered(SOURCE, workload(table), []))
    made = resources(text)
    [container] = made["TaskDefinition"]["Properties"]["ContainerDefinitions"]
    [policy] = made["SecretsRole"]["Properties"]["Policies"]
    allowed = [
        (row["Action"], resource["Fn::Sub"])
        for row in policy["PolicyDocument"]["Statement"]
        if row["Sid"].startswith("Read")
        for resource in row["Resource"]
    ]
    questions = [
        PermissionQuestion.of_secret(row["ValueFrom"]["Fn::Sub"]) for row in container["Secrets"]
    ]
    assert {str(question).partition(" ")[0] for question in questions} == {
        "secretsmanager:GetSecretValue",
        "ssm:GetParameters",
    }
    assert len({str(question) for question in questions}) == 3
    for question in questions:
        assert [
            resource
            for action, resource in allowed
            if action == question.action and fnmatchcase(question.resource, resource)
        ]


def test_statements_go_to_the_task_role_alone() -> None:
    row = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}
    made = resources(rendered(SOURCE, workload(), [row]))
    policy = made["OwnPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "TaskRole"}]
    assert policy["PolicyDocument"]["Statement"] == [row]
    assert made["TaskDefinition"] == resources(SOURCE)["TaskDefinition"]


def test_a_template_without_the_places_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot take secrets"):
        rendered("Resources: {}\n", workload(SECRETS), [])


@pytest.mark.parametrize(
    "source",
    ["hunter2", "secretsmanager:", "ssm:", "arn:aws:ssm:x", "secretsmanager:a b", "ssm:${X}", ""],
)
def test_a_source_that_is_none_is_refused_without_being_told(source: str) -> None:
    own = workload(f'[workloads.sales.secrets]\nTOKEN = "{source}"\n')
    with pytest.raises(ConfigError) as caught:
        rendered(SOURCE, own, [])
    assert not source or source not in caught.value.message


def test_a_secret_setting_is_refused_with_a_hint_to_secrets() -> None:
    row = 'variables.TOKEN = { type = "str", default = "", meaning = "m", secret = true }'
    with pytest.raises(ContractError, match=r"move it to \[workloads.sales.secrets\]"):
        workload(row)


def allow(action: Any, resource: Any = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def read(row: Any) -> list[Any]:
    text = json.dumps({"Version": "2012-10-17", "Statement": [row]})
    return statements(
        "policies/sales.json",
        text,
        bucket="the-bucket",
        lifecycle="/aws/events/demo/lifecycle",
        workload="sales",
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (allow("*"), "report how a task ended"),
        (allow("ecs:*"), "report how a task ended"),
        (allow("ECS:submit*"), "report how a task ended"),
        (allow(["s3:GetObject", "iam:Tag*"], "arn:aws:s3:::mine/*"), "change a role's tags"),
        (allow("iam:PutRolePolicy"), "widen a role"),
        (allow("logs:PutLogEvents"), "log of state changes"),
        (allow("logs:*", "arn:aws:logs:*:*:log-group:/aws/events/*"), "log of state changes"),
        (
            allow("logs:Put*", {"Fn::Sub": "arn:aws:logs:${AWS::Region}:1:log-group:${X}:*"}),
            "log of state changes",
        ),
        (allow("s3:GetObject"), "app's bucket"),
        (allow("s3:GetObject", "arn:aws:s3:::*"), "app's bucket"),
        (allow("s3:GetObject", "arn:aws:s3:::the-*/runs/sales/*"), "app's bucket"),
        (allow("s3:PutObject", "arn:aws:s3:::the-bucket/runs/weather/*"), "app's bucket"),
        (allow("s3:PutObject", "arn:aws:s3:::the-bucket/runs/*"), "app's bucket"),
        (allow("s3:ListBucket", "arn:aws:s3:::the-bucket"), "app's bucket"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "NotAction is not allowed"),
        ({"Effect": "Allow", "Action": "sqs:*", "NotResource": "x"}, "NotResource"),
        ({"Effect": "Allow", "Action": 7, "Resource": "*"}, "a text or a list"),
        ("text", "not an object"),
    ],
)
def test_what_could_forge_a_proof_is_refused(row: Any, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(row)
    assert words in caught.value.message
    assert "policies/sales.json, statement 1" in caught.value.message


@pytest.mark.parametrize(
    "row",
    [
        allow("dynamodb:*"),
        allow("s3:GetObject", "arn:aws:s3:::mine/*"),
        allow("s3:GetObject", "arn:aws:s3:::the-bucket/runs/sales/*"),
        allow("logs:FilterLogEvents"),
        allow("logs:PutLogEvents", "arn:aws:logs:eu-central-1:1:log-group:/mine:*"),
        {"Effect": "Deny", "Action": "*", "Resource": "*"},
    ],
)
def test_what_a_workload_may_need_is_taken(row: Any) -> None:
    assert read(row) == [row]


@pytest.mark.parametrize("text", ["", "[", "[]", "{}", "7", '"x"'])
def test_a_file_without_statements_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        statements("p.json", text, bucket="b", lifecycle="l", workload="w")
