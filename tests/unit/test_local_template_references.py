"""A template that refers to what it does not define is refused, in CloudFormation's words."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream.template_references import check

UNRESOLVED = r"Template format error: Unresolved resource dependencies \[{}\] in the {} block"


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
        {"Fn::GetAtt": ["Queue", "Arn"]},
        {"Fn::GetAtt": "Queue.Arn"},
        {"Fn::Sub": "${Name}-${AWS::Region}-${Queue.Arn}-${!Literal}"},
        {"Fn::Sub": ["${Own}", {"Own": {"Ref": "Name"}}]},
        {"Fn::If": ["IsBig", {"Ref": "Name"}, {"Ref": "AWS::NoValue"}]},
        {"Statement": [{"Condition": {"StringEquals": {"a": "b"}}}]},
    ],
)
def test_what_is_defined_may_be_referred_to(value: Any) -> None:
    check(template(QueueName=value))


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nope"},
        {"Fn::GetAtt": ["Nope", "Arn"]},
        {"Fn::GetAtt": "Nope.Arn"},
        {"Fn::Sub": "${Nope}"},
        {"Fn::Sub": ["${Own}${Nope.Arn}", {"Own": "x"}]},
        {"Fn::Join": ["-", [{"Fn::If": ["IsBig", {"Ref": "Nope"}, "x"]}]]},
    ],
)
def test_what_is_not_defined_may_not(value: Any) -> None:
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Resources")):
        check(template(QueueName=value))


def test_a_resource_depends_on_nothing_that_is_missing() -> None:
    broken = template()
    broken["Resources"]["Queue"]["DependsOn"] = ["Queue", "Nope"]
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Resources")):
        check(broken)


def test_an_output_shows_nothing_that_is_missing() -> None:
    broken = {**template(), "Outputs": {"O": {"Value": {"Ref": "Nope"}}}}
    with pytest.raises(ValueError, match=UNRESOLVED.format("Nope", "Outputs")):
        check(broken)


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
        check(broken)


def test_a_macro_may_add_anything() -> None:
    check({**template(QueueName={"Ref": "Nope"}), "Transform": "AWS::Serverless-2016-10-31"})
