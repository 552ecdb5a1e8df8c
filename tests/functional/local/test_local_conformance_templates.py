"""What CloudFormation refuses, and what it makes of conditions, change sets and updates.

Each test names AWS's page. With `TOOLKIT_CONFORMANCE_APP` set they ask a real account, too.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .account import Account
from .rehearsal import eventually
from .taken_names import (
    NAME,
    TRUST,
    Create,
    create_cluster,
    create_group,
    create_log_group,
    create_repository,
    create_role,
    create_schedule,
)


def deploy(account: Account, template: dict[str, Any], **parameters: str) -> dict[str, Any]:
    """Deploy a stack and delete it again; returns its last description."""
    cloudformation = account.client("cloudformation")
    cloudformation.create_stack(
        StackName=NAME,
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )

    def ended() -> dict[str, Any] | None:
        found = cloudformation.describe_stacks(StackName=NAME)["Stacks"][0]
        return None if found["StackStatus"].endswith("PROGRESS") else found

    try:
        found: dict[str, Any] = eventually(ended, account.patience)
        found["Resources"] = {
            row["LogicalResourceId"]
            for row in cloudformation.describe_stack_resources(StackName=NAME)["StackResources"]
            if row["ResourceStatus"] == "CREATE_COMPLETE"
        }
    finally:
        cloudformation.delete_stack(StackName=NAME)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=NAME, WaiterConfig={"Delay": 1}
        )
    return found


def properties(account: Account) -> dict[str, tuple[Create, dict[str, Any]]]:
    """For each type, who else makes one of that name, and the template's properties."""
    made = account.schedule(Name=NAME)
    body = json.loads(json.dumps(made))
    network = body["Target"]["EcsParameters"]["NetworkConfiguration"]
    network["AwsvpcConfiguration"] = network.pop("awsvpcConfiguration")
    return {
        "AWS::Scheduler::Schedule": (create_schedule, body),
        "AWS::Scheduler::ScheduleGroup": (create_group, {"Name": NAME}),
        "AWS::ECS::Cluster": (create_cluster, {"ClusterName": NAME}),
        "AWS::Logs::LogGroup": (create_log_group, {"LogGroupName": NAME}),
        "AWS::ECR::Repository": (create_repository, {"RepositoryName": NAME}),
        "AWS::IAM::Role": (create_role, {"RoleName": NAME, "AssumeRolePolicyDocument": TRUST}),
    }


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    "kind",
    [
        "AWS::Scheduler::Schedule",
        "AWS::Scheduler::ScheduleGroup",
        "AWS::ECS::Cluster",
        "AWS::Logs::LogGroup",
        "AWS::ECR::Repository",
        "AWS::IAM::Role",
    ],
)
def test_a_stack_takes_nothing_over(account: Account, kind: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"""
    create, body = properties(account)[kind]
    create(account, NAME)
    template = {"Resources": {"One": {"Type": kind, "Properties": body}}}
    assert deploy(account, template)["StackStatus"] == "ROLLBACK_COMPLETE"
    if kind == "AWS::ECS::Cluster":
        [found] = account.client("ecs").describe_clusters(clusters=[NAME])["clusters"]
        assert found["status"] == "ACTIVE"
    else:
        with pytest.raises(ClientError):  # it is still there
            create(account, NAME)


FORMS: list[tuple[dict[str, Any], str]] = [
    ({}, "At least one Resources member must be defined"),
    ({"Resource": {}}, "Invalid template property or properties"),
    ({"Parameters": {"P": {"Type": "Text", "Default": ""}}}, "Unrecognized parameter type: Text"),
    ({"Outputs": {"O": {}}}, "must contain a Value object"),
]


@pytest.mark.parametrize(("sections", "words"), FORMS, ids=lambda row: str(row)[:20])
def test_a_template_of_a_form_that_cloudformation_does_not_take(
    account: Account, sections: dict[str, Any], words: str
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html"""
    resources = {"Resources": {"One": {"Type": "AWS::SQS::Queue"}}} if sections else {}
    with pytest.raises(ClientError, match=words):
        account.client("cloudformation").create_stack(
            StackName=NAME, TemplateBody=json.dumps({"Description": "d", **resources, **sections})
        )


STATEMENTS: list[dict[str, Any]] = [
    {"Effect": "Allow", "Action": "GetObject", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "bucket"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resources": "*"},
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Condition": {"Is": {"a:b": 1}}},
]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda row: str(row)[-20:])
def test_a_policy_that_iam_does_not_take(account: Account, statement: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    iam, document = account.client("iam"), {"Version": "2012-10-17", "Statement": [statement]}
    create_role(account, NAME)
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.put_role_policy(RoleName=NAME, PolicyName="bad", PolicyDocument=json.dumps(document))
    role = {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "bad", "PolicyDocument": document}],
    }
    resources = {"One": {"Type": "AWS::IAM::Role", "Properties": role}}
    assert deploy(account, {"Resources": resources})["StackStatus"] == "ROLLBACK_COMPLETE"


def test_a_parameter_that_the_template_does_not_have(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
    cloudformation = account.client("cloudformation")
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    with pytest.raises(ClientError) as caught:
        cloudformation.create_change_set(
            StackName=NAME,
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": "Nope", "ParameterValue": "x"}],
        )
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    assert "Parameters: [Nope] do not exist in the template" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Nope"},
        {"Fn::GetAtt": ["Nope", "Arn"]},
        {"Fn::GetAtt": "Nope.Arn"},
        {"Fn::Sub": "${Nope}-${AWS::Region}-${!Literal}"},
        {"Fn::Sub": ["${Own}${Nope.Arn}", {"Own": "x"}]},
    ],
)
def test_a_reference_to_what_the_template_does_not_have(account: Account, value: Any) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"""
    cloudformation = account.client("cloudformation")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": value}}
    with pytest.raises(ClientError, match=r"dependencies \[Nope\] in the Resources"):
        cloudformation.create_change_set(
            StackName=NAME,
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": {"One": queue}}),
        )


CONDITIONAL = {
    "Parameters": {"More": {"Type": "String", "Default": "no"}},
    "Conditions": {"IsMore": {"Fn::Equals": [{"Ref": "More"}, "yes"]}},
    "Resources": {
        "One": {"Type": "AWS::SQS::Queue"},
        "Two": {"Type": "AWS::SQS::Queue", "Condition": "IsMore"},
    },
    "Outputs": {"Two": {"Value": {"Ref": "Two"}, "Condition": "IsMore"}},
}


@pytest.mark.parametrize(("more", "made"), [("no", {"One"}), ("yes", {"One", "Two"})])
def test_a_false_condition_makes_nothing(account: Account, more: str, made: set[str]) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html"""
    cloudformation = account.client("cloudformation")
    names = {"StackName": NAME, "ChangeSetName": "first"}
    cloudformation.create_change_set(
        **names,
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(CONDITIONAL),
        Parameters=[{"ParameterKey": "More", "ParameterValue": more}],
    )
    cloudformation.get_waiter("change_set_create_complete").wait(**names, WaiterConfig={"Delay": 1})
    changes = cloudformation.describe_change_set(**names)["Changes"]
    cloudformation.delete_stack(StackName=NAME)
    assert {row["ResourceChange"]["LogicalResourceId"] for row in changes} == made
    stack = deploy(account, CONDITIONAL, More=more)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["Resources"] == made
    assert {row["OutputKey"] for row in stack.get("Outputs", [])} == made - {"One"}


@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::ECS::Cluster"])
def test_a_property_that_the_type_does_not_have(account: Account, kind: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html"""
    resource = {"Type": kind, "Properties": {"Nope": 1}}
    assert deploy(account, {"Resources": {"One": resource}})["StackStatus"] == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("AWS::SQS::Queue", {"Tags": [{"Key": "a", "Value": "b", "Nope": 1}]}),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [{"Nope": 1}]}}),
        ("AWS::ECS::Cluster", {"Configuration": {"ExecuteCommandConfiguration": {"Nope": 1}}}),
    ],
)
def test_a_deeper_property_that_the_type_does_not_have(
    account: Account, kind: str, properties: dict[str, Any]
) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html"""
    resources = {
        "Good": {"Type": "AWS::SQS::Queue"},
        "One": {"Type": kind, "Properties": properties},
    }
    stack = deploy(account, {"Resources": resources})
    assert (stack["StackStatus"], stack["Resources"]) == ("ROLLBACK_COMPLETE", set())


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("kind", ["AWS::SQS::Queue", "AWS::Logs::LogGroup"])
def test_a_change_set_is_validated(account: Account, kind: str) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html"""
    create_log_group(account, NAME)
    cloudformation = account.client("cloudformation")
    body, check, reason = {
        "AWS::SQS::Queue": ({"Nope": 1}, "PropertyValidation", "[Nope] is not permitted"),
        "AWS::Logs::LogGroup": ({"LogGroupName": NAME}, "ResourceExistenceCheck", "already exists"),
    }[kind]
    names = {"StackName": NAME, "ChangeSetName": "first"}
    template = json.dumps({"Resources": {"One": {"Type": kind, "Properties": body}}})
    arn = cloudformation.create_change_set(**names, ChangeSetType="CREATE", TemplateBody=template)[
        "Id"
    ]

    def ended() -> dict[str, Any] | None:
        answer = cloudformation.describe_change_set(**names)
        return None if answer["Status"].endswith(("PENDING", "PROGRESS")) else answer

    try:
        answer = eventually(ended, account.patience)
        assert (answer["Status"], answer["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
        assert f"[AWS::EarlyValidation::{check}]" in answer["StatusReason"]
        events = cloudformation.describe_events(ChangeSetName=arn, Filters={"FailedEvents": True})[
            "OperationEvents"
        ]
    finally:
        cloudformation.delete_stack(StackName=NAME)
    [told] = [row for row in events if row["EventType"] == "VALIDATION_ERROR"]
    assert (told["LogicalResourceId"], told["ResourceType"]) == ("One", kind)
    assert told["ValidationPath"].startswith("/Resources/One")
    assert reason in told["ValidationStatusReason"]


def test_a_change_set_that_is_not_to_be_validated(account: Account) -> None:
    """DisableValidation of https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html"""
    cloudformation = account.client("cloudformation")
    call = cloudformation.meta.service_model.operation_model("CreateChangeSet")
    if "DisableValidation" not in call.input_shape.members:
        pytest.skip("this boto3 does not know DisableValidation")
    names = {"StackName": NAME, "ChangeSetName": "first"}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"Nope": 1}}
    template = json.dumps({"Resources": {"One": queue}})
    cloudformation.create_change_set(
        **names, ChangeSetType="CREATE", TemplateBody=template, DisableValidation=True
    )
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            **names, WaiterConfig={"Delay": 1}
        )
    finally:
        cloudformation.delete_stack(StackName=NAME)


def test_an_update_tells_what_is_replaced(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html"""
    cloudformation = account.client("cloudformation")
    names, wait = {"StackName": NAME, "ChangeSetName": "next"}, {"Delay": 1}

    def named(name: str, delay: int) -> str:
        queue = {"QueueName": name, "DelaySeconds": delay}
        one = {"Type": "AWS::SQS::Queue", "Properties": queue}
        return json.dumps({"Resources": {"One": one}})

    cloudformation.create_stack(StackName=NAME, TemplateBody=named(NAME, 0))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=wait)
    replaced = {}
    try:
        for queue, delay in ((NAME, 1), (f"{NAME}-2", 0)):
            cloudformation.create_change_set(**names, TemplateBody=named(queue, delay))
            cloudformation.get_waiter("change_set_create_complete").wait(**names, WaiterConfig=wait)
            [change] = cloudformation.describe_change_set(**names)["Changes"]
            replaced[queue] = change["ResourceChange"]["Replacement"]
            cloudformation.delete_change_set(**names)
    finally:
        cloudformation.delete_stack(StackName=NAME)
    assert replaced == {NAME: "False", f"{NAME}-2": "True"}


def test_an_update_lists_what_becomes_of_a_condition(account: Account) -> None:
    """A resource whose condition becomes false is removed, and the others are not touched."""
    cloudformation = account.client("cloudformation")
    names = {"StackName": NAME, "ChangeSetName": "next"}
    more = [{"ParameterKey": "More", "ParameterValue": "yes"}]
    cloudformation.create_stack(
        StackName=NAME, TemplateBody=json.dumps(CONDITIONAL), Parameters=more
    )
    wait = {"Delay": 1}
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=wait)
    try:
        cloudformation.create_change_set(
            **names, UsePreviousTemplate=True, Parameters=[{**more[0], "ParameterValue": "no"}]
        )
        cloudformation.get_waiter("change_set_create_complete").wait(**names, WaiterConfig=wait)
        [change] = cloudformation.describe_change_set(**names)["Changes"]
        told = change["ResourceChange"]
        assert (told["Action"], told["LogicalResourceId"]) == ("Remove", "Two")
    finally:
        cloudformation.delete_stack(StackName=NAME)
