"""The properties that the embedded AWS knows are those of AWS's schemas, for what templates use."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.unit.resource_schemas import definitions
from toolkit.local.ministack.upstream.template_properties import extraneous, known

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


def test_each_type_of_the_templates_stands_in_the_table() -> None:
    text = "\n".join(path.read_text() for path in TEMPLATES.glob("*.y*ml"))
    used = set(re.findall(r"Type: (AWS::\w+::\w+)\s", text))
    assert len(used) > 20
    assert used - known().keys() == set()


BUCKET = {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled"}, {"Nope": 1}]}}
RULES = "#/LifecycleConfiguration/Rules/1"


@pytest.mark.parametrize(
    ("kind", "properties", "found"),
    [
        ("AWS::SQS::Queue", {"QueueName": "q", "Nope": 1}, [("#", "Nope")]),
        ("AWS::SQS::Queue", {"Tags": [{"Key": "a", "Nope": 1}]}, [("#/Tags/0", "Nope")]),
        ("AWS::S3::Bucket", BUCKET, [(RULES, "Nope")]),
        # What is free in the schema is free here: documents, maps with keys of one's own.
        ("AWS::SQS::Queue", {"RedrivePolicy": {"Nope": 1}}, []),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Nope": 1}}, []),
        # Nobody knows yet what a function gives.
        ("AWS::SQS::Queue", {"Tags": [{"Ref": "Tag"}]}, []),
        ("AWS::SQS::Queue", {"Tags": {"Fn::Split": [",", "a"]}}, []),
        # Except for Fn::If.
        ("AWS::SQS::Queue", {"Tags": {"Fn::If": ["Yes", [{"No": 1}], []]}}, [("#/Tags/0", "No")]),
        ("AWS::SQS::Queue", {"Tags": {"Fn::If": ["No", [{"No": 1}], []]}}, []),
        ("AWS::SQS::Queue", None, []),
        ("AWS::Unknown::Type", {"Nope": 1}, []),
    ],
)
def test_a_property_that_a_type_does_not_have_is_found_at_any_depth(
    kind: str, properties: Any, found: list[tuple[str, str]]
) -> None:
    assert list(extraneous(kind, properties, {"Yes": True, "No": False})) == found
