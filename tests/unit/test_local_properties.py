"""The properties that the embedded AWS knows are those of AWS's schemas, for what templates use."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from toolkit.local.ministack.cloudformation.properties import known, unsupported

TEMPLATES = Path(__file__).parents[2] / "templates"


def properties(kind: str) -> set[str]:
    """What a template may say of a type, by AWS's schema."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    read_only = {path.split("/")[2] for path in schema.get("readOnlyProperties", [])
                 if path.count("/") == 2}  # fmt: skip
    return set(schema["properties"]) - read_only


# The newest schemas that the table was held against; older ones know fewer properties.
SCHEMAS = (1, 58)


@pytest.mark.parametrize("kind", known())
def test_the_table_says_what_the_schema_says(kind: str) -> None:
    assert properties(kind) <= known()[kind]
    if tuple(int(part) for part in version("cfn-lint").split(".")[:2]) >= SCHEMAS:
        assert known()[kind] == properties(kind)


def test_each_type_of_the_templates_stands_in_the_table() -> None:
    text = "\n".join(path.read_text() for path in TEMPLATES.glob("*.y*ml"))
    used = set(re.findall(r"Type: (AWS::\w+::\w+)\s", text))
    assert len(used) > 20
    assert used - known().keys() == set()


def test_a_property_that_a_type_does_not_have_is_found_and_others_are_not() -> None:
    found = unsupported("AWS::SQS::Queue", {"Nope": 1, "QueueName": "q", "Also": 2})
    assert found == ["Also", "Nope"]
    assert unsupported("AWS::Unknown::Type", {"Nope": 1}) == []
