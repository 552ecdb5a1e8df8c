"""Policies that IAM does not take are refused in its words."""

import json
from typing import Any

import pytest

from toolkit.local.ministack.upstream.policy_documents import PolicyKind, problem

GOOD: dict[str, Any] = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
TRUST: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "ecs-tasks.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


def document(*statements: Any, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def without(statement: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if key != name}


SYNTAX = "Syntax errors in policy."
VENDOR = "must be prefaced by a vendor"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document(GOOD), None),
        (json.dumps({"Version": "2012-10-17", "Statement": GOOD}), None),
        (json.dumps({"Statement": GOOD}), None),
        ("x", "invalid Json"),
        ("[]", SYNTAX),
        ("{}", SYNTAX),
        (document("x"), SYNTAX),
        (document(GOOD, Version="2012-10-18"), SYNTAX),
        (document(GOOD, Statements=[]), SYNTAX),
        (document({**GOOD, "Effect": "allow"}), SYNTAX),
        (document({**GOOD, "Resources": "*"}), SYNTAX),
        (document({**GOOD, "NotAction": "s3:PutObject"}), SYNTAX),
        (document({**GOOD, "Principal": "*"}), "Has prohibited field Principal"),
        (document(without(GOOD, "Resource")), "must contain resources"),
        (document(without(GOOD, "Action")), "must contain actions"),
        (document({**without(GOOD, "Action"), "NotAction": "s3:*"}), None),
        (document({**without(GOOD, "Resource"), "NotResource": "arn:aws:s3:::b"}), None),
        (document({**GOOD, "Action": "GetObject"}), VENDOR),
        (document({**GOOD, "Action": "s3:Get:Object"}), "only one colon"),
        (document({**GOOD, "Action": "*:Get"}), SYNTAX),
        (document({**GOOD, "Action": ["s3:Get*", "ecs:?un", "*"]}), None),
        (document({**GOOD, "Action": {"Ref": "A"}}), SYNTAX),
        (document({**GOOD, "Resource": "bucket"}), "Resource bucket must be in ARN format"),
        (document({**GOOD, "Resource": "arn:aws:s3:::b/${aws:PrincipalTag/w}/*"}), None),
        (document({**GOOD, "Resource": ["arn:aws:logs:*:*:*", "*"]}), None),
        (
            document({**GOOD, "Condition": {"StringIs": {"aws:x": "y"}}}),
            "Condition type : StringIs",
        ),
        (document({**GOOD, "Condition": {"StringLike": {"prefix": "y"}}}), VENDOR),
        (document({**GOOD, "Condition": {"StringLike": "y"}}), SYNTAX),
        (
            document({**GOOD, "Condition": {"ForAllValues:StringNotLikeIfExists": {"a:b": "c"}}}),
            None,
        ),
        (document({**GOOD, "Condition": {"Null": {"s3:if-none-match": "true"}}}), None),
        (document({**GOOD, "Sid": "A"}, {**GOOD, "Sid": "A"}), "must be unique"),
        (document({**GOOD, "Sid": "a b"}), "alpha-numeric"),
    ],
)
def test_a_policy_of_a_role_is_what_the_grammar_says(text: str, words: str | None) -> None:
    found = problem(text, PolicyKind.IDENTITY)
    assert found is None if words is None else words in str(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (document(TRUST), None),
        (document({**TRUST, "Condition": {"ArnLike": {"aws:SourceArn": "arn:*"}}}), None),
        (document({**TRUST, "Resource": "*"}), "Has prohibited field Resource"),
        (document(without(TRUST, "Principal")), SYNTAX),
        (document({**TRUST, "Action": "s3:GetObject"}), "only specify STS AssumeRole"),
        (document({**TRUST, "Action": ["sts:AssumeRole", "sts:TagSession"]}), None),
    ],
)
def test_a_trust_policy_says_who_and_nothing_else(text: str, words: str | None) -> None:
    found = problem(text, PolicyKind.TRUST)
    assert found is None if words is None else words in str(found)
