"""A template that refers to what it does not define is refused, in CloudFormation's words."""

from collections.abc import Iterator
from typing import Any

import pytest

from toolkit.local.ministack.upstream.template_references import check

UNRESOLVED = r"Template format error: Unresolved resource dependencies \[{}\] in the {} block"


def references(node: Any) -> Iterator[tuple[str, None]]:
    """The names behind Ref; ministack finds the others, too."""
    if isinstance(node, dict):
        if "Ref" in node:
            yield node["Ref"], None
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def template(**properties: Any) -> dict[str, Any]:
    return {
        "Parameters": {"Name": {"Type": "String"}},
        "Conditions": {"IsBig": {"Fn::Equals": [{"Ref": "Name"}, "big"]}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": properties}},
    }


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Name"},
        {"Ref": "AWS::Region"},
        {"Ref": "Queue"},
        {"Fn::If": ["IsBig", {"Ref": "Name"}, {"Ref": "AWS::NoValue"}]},
        {"Statement": [{"Condition": {"StringEquals": {"a": "b"}}}]},
    ],
)
def test_what_is_defined_may_be_referred_to(value: Any) -> None:
    check(template(QueueName=value), references)


@pytest.mark.parametrize("value", [{"Ref": "Nope"}, {"Fn::Join": ["-", [{"Ref": "Nope"}]]}])
def test_what_is_not_defined_may_not(value: Any) -> None:
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Resources")):
        check(template(QueueName=value), references)


def test_a_resource_depends_on_nothing_that_is_missing() -> None:
    broken = template()
    broken["Resources"]["Queue"]["DependsOn"] = ["Queue", "Nope"]
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Resources")):
        check(broken, references)


def test_an_output_shows_nothing_that_is_missing() -> None:
    broken = {**template(), "Outputs": {"O": {"Value": {"Ref": "Nope"}}}}
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Outputs")):
        check(broken, references)


@pytest.mark.parametrize("named", ["resource", "if", "output"])
def test_a_condition_has_to_be_defined(named: str) -> None:
    broken = template()
    if named == "resource":
        broken["Resources"]["Queue"]["Condition"] = "Nope"
    elif named == "if":
        broken["Resources"]["Queue"]["Properties"] = {"QueueName": {"Fn::If": ["Nope", "a", "b"]}}
    else:
        broken["Outputs"] = {"O": {"Value": "x", "Condition": "Nope"}}
    with pytest.raises(ValueError, match="Unresolved condition dependency Nope"):
        check(broken, references)


def test_a_macro_may_add_anything() -> None:
    check(
        {**template(QueueName={"Ref": "Nope"}), "Transform": "AWS::Serverless-2016-10-31"},
        references,
    )
