"""Templates of a form that CloudFormation does not take are refused in its words."""

import re
from typing import Any

import pytest

from toolkit.local.ministack.upstream import template_anatomy

QUEUE = {"Type": "AWS::SQS::Queue"}


def template(**sections: Any) -> dict[str, Any]:
    return {"Resources": {"Queue": QUEUE}, **sections}


def parameter(**attributes: Any) -> dict[str, Any]:
    return template(Parameters={"Name": {"Type": "String", **attributes}})


def resource(**attributes: Any) -> dict[str, Any]:
    return template(Resources={"Queue": {**QUEUE, **attributes}})


@pytest.mark.parametrize(
    "good",
    [
        template(),
        template(AWSTemplateFormatVersion="2010-09-09", Description="d", Metadata={}),
        template(Transform="AWS::Serverless-2016-10-31", Globals={}),
        parameter(Default="x", NoEcho=True, AllowedValues=["x"]),
        parameter(Type="List<AWS::EC2::Subnet::Id>"),
        parameter(Type="AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"),
        parameter(Type="AWS::SSM::Parameter::Value<List<String>>"),
        parameter(Type="CommaDelimitedList"),
        resource(DeletionPolicy="RetainExceptOnCreate", UpdateReplacePolicy="Retain"),
        resource(DependsOn=["Other"], Condition="C", Metadata={}),
        template(Outputs={"Name": {"Value": "x", "Export": {"Name": "e"}}}),
    ],
)
def test_a_template_of_the_right_form_passes(good: dict[str, Any]) -> None:
    template_anatomy.check(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({}, "At least one Resources member must be defined."),
        (template(Resources={}), "At least one Resources member must be defined."),
        (template(Resource={}), "Invalid template property or properties [Resource]"),
        (template(AWSTemplateFormatVersion="2011-01-01"), "2011-01-01 is not a supported value"),
        (template(Resources=[QUEUE]), "[/Resources] is not an object"),
        (template(Resources={"Queue": "AWS::SQS::Queue"}), "[/Resources/Queue] is not an object"),
        (template(Resources={"my-queue": QUEUE}), "Resource name my-queue is non alphanumeric"),
        (template(Outputs={"a_b": {"Value": 1}}), "Output name a_b is non alphanumeric"),
        (template(Outputs={"Name": {"Description": "d"}}), "must contain a Value object"),
        (template(Parameters={"Name": {"Default": "x"}}), "must contain a Type member"),
        (parameter(Type="Text"), "Unrecognized parameter type: Text"),
        (parameter(Defualt="x"), "Invalid template parameter property 'Defualt'"),
        (resource(Propertys={}), "Invalid template resource property 'Propertys'"),
        (resource(DeletionPolicy="Keep"), "Unrecognized DeletionPolicy Keep for resource Queue"),
        (resource(UpdateReplacePolicy="RetainExceptOnCreate"), "Unrecognized UpdateReplacePolicy"),
        (resource(DependsOn="Queue"), "Circular dependency between resources: [Queue]"),
        (resource(DependsOn=["Queue"]), "Circular dependency between resources: [Queue]"),
    ],
)
def test_a_template_of_another_form_is_refused(bad: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        template_anatomy.check(bad)
