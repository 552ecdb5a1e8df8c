"""Policies that a resource does not take are found; those of our templates are taken."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from toolkit.local.ministack.upstream import resource_policies

TEMPLATES = Path(__file__).parents[2] / "templates"
SERVICES = {
    "AWS::Logs::ResourcePolicy": "logs",
    "AWS::S3::BucketPolicy": "s3",
    "AWS::SNS::TopicPolicy": "sns",
    "AWS::SQS::QueuePolicy": "sqs",
}
ARN = "arn:aws:s3:::bucket/*"


def policy(**changes: Any) -> str:
    row = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ARN, **changes}
    kept = {name: value for name, value in row.items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": kept})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Sid": "any words"},
        {"Principal": {"AWS": "*"}},
        {"Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:role/a/b"]}},
        {"Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/r/s"}},
        {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE01"}},
        {"Principal": {"Service": ["logs.us-east-1.amazonaws.com", "events.amazonaws.com"]}},
        {"Principal": {"CanonicalUser": "0" * 64}},
        {"Principal": None, "NotPrincipal": {"AWS": "123456789012"}},
        {"Action": ["s3:Get*", "S3:PutObject"]},
        {"Action": None, "NotAction": "s3:DeleteBucket"},
        {"Action": "*", "Resource": ["arn:aws-cn:s3:::bucket", "*"]},
        {"Resource": None, "NotResource": ARN},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/a": "b"}}},
        {"Condition": {"ForAnyValue:StringLikeIfExists": {"aws:PrincipalOrgPaths": "o"}}},
    ],
)
def test_a_policy_that_is_fine(changes: dict[str, Any]) -> None:
    assert resource_policies.problem(policy(**changes), "s3") is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Effect": "allow"}, "Invalid effect: allow"),
        ({"Effect": None}, "Invalid effect"),
        ({"Principal": None}, "Missing required field Principal"),
        ({"NotPrincipal": "*"}, "Invalid policy syntax."),
        ({"Principal": "123456789012"}, "Invalid principal in policy"),
        ({"Principal": {}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": 7}}, "Invalid principal in policy"),
        ({"Principal": {"AWS": "role/r"}}, "Invalid principal in policy"),
        ({"Principal": {"Service": "logs"}}, "Invalid principal in policy"),
        ({"Principal": {"Who": "*"}}, "Invalid principal in policy"),
        ({"Action": None}, "Missing required field Action"),
        ({"Action": "ec2:Run"}, "Policy has invalid action"),
        ({"Action": "s3"}, "Policy has invalid action"),
        ({"Action": ["s3:*", 7]}, "Policy has invalid action"),
        ({"Resource": None}, "Missing required field Resource"),
        ({"Resource": "bucket"}, "Policy has invalid resource"),
        ({"Resource": "arn:aws:sqs:::q"}, "Policy has invalid resource"),
        ({"Condition": []}, None),
        ({"Condition": "x"}, "Invalid policy syntax."),
        ({"Condition": {"Nope": {"a:b": "c"}}}, "Invalid Condition type : Nope"),
        ({"Condition": {"Bool": {"secure": "c"}}}, "Policy has an invalid condition key"),
        ({"Nope": 1}, "Unknown field Nope"),
    ],
)
def test_what_is_wrong_with_a_statement(changes: dict[str, Any], words: str | None) -> None:
    found = resource_policies.problem(policy(**changes), "s3")
    assert (found or "").startswith(words or "")
    assert (found is None) == (words is None)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"Statement": []}', '{"Statement": "x"}', "[" * 100_000]
)
def test_a_document_without_statements(text: str) -> None:
    assert resource_policies.problem(text, "s3") is not None


def resolved(node: Any) -> Any:
    """A document of a template with something fitting in the place of each function."""
    if isinstance(node, list):
        return [resolved(item) for item in node]
    if not isinstance(node, dict):
        return str(node) if not isinstance(node, bool | int) else node
    if node.keys() & {"Ref", "Fn::Sub", "Fn::GetAtt", "Fn::If"}:
        return "*"
    return {key: resolved(value) for key, value in node.items()}


def test_the_policies_of_our_templates_are_fine() -> None:
    found = [
        (resource["Type"], resource["Properties"]["PolicyDocument"])
        for path in TEMPLATES.glob("*.y*ml")
        for resource in cfn_yaml.load(str(path))["Resources"].values()
        if resource["Type"] in SERVICES
    ]
    assert len(found) > 2
    for kind, document in found:
        text = document.get("Fn::Sub") or json.dumps(resolved(document))
        text = re.sub(r"\$\{[^}]+\}", "*", text)
        assert resource_policies.problem(text, SERVICES[kind]) is None, (kind, document)
