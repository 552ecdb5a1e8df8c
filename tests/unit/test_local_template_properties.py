"""The properties that the embedded AWS knows are those of AWS's schemas, for what templates use."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.unit.resource_schemas import definitions
from toolkit.local.ministack.upstream.template_properties import known, problems

TEMPLATES = Path(__file__).parents[2] / "templates"
# The newest schemas that the table was held against; older ones know fewer properties.
SCHEMAS = (1, 58)


@pytest.mark.parametrize("kind", known())
def test_the_table_says_what_the_schema_says(kind: str) -> None:
    schema, table = definitions(kind), known()[kind]
    missing = {
        f"{name}.{key}"
        for name, properties in schema.items()
        for key in properties.keys() - table.get(name, {}).keys()
    }
    assert missing == set()
    if tuple(int(part) for part in version("cfn-lint").split(".")[:2]) >= SCHEMAS:
        assert table == schema


def test_what_is_required_is_known_at_any_depth() -> None:
    """Without this, an empty table would do."""
    required = {
        (kind, name, key)
        for kind, definitions_ in known().items()
        for name, properties in definitions_.items()
        for key, row in properties.items()
        if row.is_required
    }
    assert ("AWS::Scheduler::Schedule", "properties", "Target") in required
    assert ("AWS::Scheduler::Schedule", "Target", "RoleArn") in required
    assert len(required) > 100


def test_each_type_of_the_templates_stands_in_the_table() -> None:
    text = "\n".join(path.read_text() for path in TEMPLATES.glob("*.y*ml"))
    used = set(re.findall(r"Type: (AWS::\w+::\w+)\s", text))
    assert len(used) > 20
    assert used - known().keys() == set()


BUCKET = {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}, {"Nope": 1}]}}
RULES = "#/LifecycleConfiguration/Rules/1"


SCHEDULE = {
    "ScheduleExpression": "rate(1 day)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": "a", "RoleArn": "r"},
}
ALARM = "AWS::CloudWatch::Alarm"
MISSING, EXTRA, ODD = "required key [{}] not found", "extraneous key [{}]", "{} is not a valid enum"
NOTHING = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("kind", "properties", "found"),
    [
        ("AWS::SQS::Queue", {"QueueName": "q", "Nope": 1}, [("#", EXTRA.format("Nope"))]),
        (
            "AWS::SQS::Queue",
            {"Tags": [{"Key": "a", "Value": "b", "Nope": 1}]},
            [("#/Tags/0", EXTRA.format("Nope"))],
        ),
        (
            "AWS::S3::Bucket",
            BUCKET,
            [(RULES, MISSING.format("Status")), (RULES, EXTRA.format("Nope"))],
        ),
        # What is free in the schema is free here: documents, maps with keys of one's own.
        ("AWS::SQS::Queue", {"RedrivePolicy": {"Nope": 1}}, []),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Nope": 1}}, []),
        # Nobody knows yet what a function gives.
        ("AWS::SQS::Queue", {"Tags": [{"Ref": "Tag"}]}, []),
        ("AWS::SQS::Queue", {"Tags": {"Fn::Split": [",", "a"]}}, []),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Ref": "Policy"}}, []),
        (ALARM, {"Statistic": {"Ref": "Statistic"}}, []),
        # Except for Fn::If.
        (
            "AWS::SQS::Queue",
            {"Tags": {"Fn::If": ["Yes", [{"Key": "a"}], []]}},
            [("#/Tags/0", MISSING.format("Value"))],
        ),
        ("AWS::SQS::Queue", {"Tags": {"Fn::If": ["No", [{"Key": "a"}], []]}}, []),
        (ALARM, {"Statistic": {"Fn::If": ["Yes", "Mode", "Sum"]}}, [("#", ODD.format("Mode"))]),
        ("AWS::SQS::Queue", None, []),
        ("AWS::Unknown::Type", {"Nope": 1}, []),
        # What is required.
        ("AWS::Scheduler::Schedule", SCHEDULE, []),
        (
            "AWS::Scheduler::Schedule",
            {**SCHEDULE, "Target": {"Arn": "a"}},
            [("#/Target", MISSING.format("RoleArn"))],
        ),
        (
            "AWS::Scheduler::Schedule",
            {**SCHEDULE, "ScheduleExpression": NOTHING},
            [("#", MISSING.format("ScheduleExpression"))],
        ),
        (
            "AWS::Scheduler::Schedule",
            {**SCHEDULE, "ScheduleExpression": {"Fn::If": ["No", "rate(1 day)", NOTHING]}},
            [("#", MISSING.format("ScheduleExpression"))],
        ),
        ("AWS::IAM::Role", {}, [("#", MISSING.format("AssumeRolePolicyDocument"))]),
        ("AWS::IAM::Role", None, [("#", MISSING.format("AssumeRolePolicyDocument"))]),
        # What is enumerated.
        (ALARM, {"TreatMissingData": "never"}, [("#", ODD.format("never"))]),
        (
            "AWS::Scheduler::Schedule",
            {**SCHEDULE, "State": "PAUSED"},
            [("#", ODD.format("PAUSED"))],
        ),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 2}, [("#", ODD.format("2"))]),
        ("AWS::Logs::LogGroup", {"RetentionInDays": 30}, []),
        ("AWS::Logs::LogGroup", {"RetentionInDays": "30"}, []),
    ],
)
def test_what_the_schema_of_a_type_forbids_is_found_at_any_depth(
    kind: str, properties: Any, found: list[tuple[str, str]]
) -> None:
    complaints = list(problems(kind, properties, {"Yes": True, "No": False}))
    assert [path for path, _name, _reason in complaints] == [path for path, _words in found]
    for (_path, _name, reason), (_, words) in zip(complaints, found, strict=True):
        assert words in reason
