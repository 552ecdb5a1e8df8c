"""The role that a new project's workflow takes: it may do what a deployment does, and no more."""

from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode

from tests.cloudformation import ACCOUNT, NAMES, REGION, load
from tests.policies import permits

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "toolkit" / "project" / "starter" / ".github" / "deployer-role.yaml"
# What CloudFormation calls for a resource in the deployer's name, from each type's handlers:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
CALLS = {
    "AWS::CloudWatch::Alarm": (
        "cloudwatch",
        "alarm:{}-platform-Alarm",
        "PutMetricAlarm DeleteAlarms",
    ),
    "AWS::EC2::InternetGateway": ("ec2", "*", "CreateInternetGateway DeleteInternetGateway"),
    "AWS::EC2::Route": ("ec2", "*", "CreateRoute DeleteRoute"),
    "AWS::EC2::RouteTable": ("ec2", "*", "CreateRouteTable DeleteRouteTable"),
    "AWS::EC2::SecurityGroup": (
        "ec2",
        "*",
        (
            "CreateSecurityGroup DeleteSecurityGroup AuthorizeSecurityGroupEgress "
            "AuthorizeSecurityGroupIngress RevokeSecurityGroupEgress"
        ),
    ),
    "AWS::EC2::Subnet": ("ec2", "*", "CreateSubnet DeleteSubnet ModifySubnetAttribute"),
    "AWS::EC2::SubnetRouteTableAssociation": (
        "ec2",
        "*",
        "AssociateRouteTable DisassociateRouteTable",
    ),
    "AWS::EC2::VPC": ("ec2", "*", "CreateVpc DeleteVpc ModifyVpcAttribute DescribeVpcs"),
    "AWS::EC2::VPCEndpoint": ("ec2", "*", "CreateVpcEndpoint DeleteVpcEndpoints"),
    "AWS::EC2::VPCGatewayAttachment": ("ec2", "*", "AttachInternetGateway DetachInternetGateway"),
    "AWS::ECR::Repository": ("ecr", "repository/{}", "CreateRepository DeleteRepository PutImage"),
    "AWS::ECS::Cluster": ("ecs", "cluster/{}", "CreateCluster DeleteCluster UpdateCluster"),
    "AWS::ECS::TaskDefinition": ("ecs", "task-definition/{}-hello:1", "RegisterTaskDefinition"),
    "AWS::Events::Rule": ("events", "rule/{}-platform-Rule", "PutRule PutTargets DeleteRule"),
    "AWS::IAM::Policy": ("iam", "role/{}/eu-central-1/x", "PutRolePolicy DeleteRolePolicy"),
    "AWS::IAM::Role": ("iam", "role/{}/eu-central-1/x", "CreateRole DeleteRole GetRole TagRole"),
    "AWS::KMS::Key": ("kms", "*", "CreateKey DescribeKey PutKeyPolicy TagResource"),
    "AWS::Logs::LogGroup": ("logs", "log-group:/{}/hello", "CreateLogGroup DeleteLogGroup"),
    "AWS::Logs::ResourcePolicy": ("logs", "*", "PutResourcePolicy DeleteResourcePolicy"),
    "AWS::S3::Bucket": ("s3", "{}-platform-bucket", "CreateBucket PutEncryptionConfiguration"),
    "AWS::S3::BucketPolicy": ("s3", "{}-platform-bucket", "PutBucketPolicy DeleteBucketPolicy"),
    "AWS::SNS::Subscription": ("sns", "{}-platform-Topic", "Subscribe Unsubscribe"),
    "AWS::SNS::Topic": ("sns", "{}-platform-Topic", "CreateTopic DeleteTopic SetTopicAttributes"),
    "AWS::SNS::TopicPolicy": ("sns", "{}-platform-Topic", "SetTopicAttributes"),
    "AWS::SQS::Queue": ("sqs", "{}-platform-Queue", "CreateQueue DeleteQueue SetQueueAttributes"),
    "AWS::SQS::QueuePolicy": ("sqs", "{}-platform-Queue", "SetQueueAttributes"),
    "AWS::Scheduler::Schedule": ("scheduler", "schedule/{}/hello", "CreateSchedule UpdateSchedule"),
    "AWS::Scheduler::ScheduleGroup": ("scheduler", "schedule-group/{}", "CreateScheduleGroup"),
}
NAMELESS = {kind for kind, (_, resource, _) in CALLS.items() if resource == "*"}


def substituted(node: Any) -> Any:
    """The template with its pseudo parameters and the app ``demo`` filled in."""
    if isinstance(node, list):
        return [substituted(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "Fn::Sub" in node:
        text = node["Fn::Sub"]
        values = {"AppName": "demo", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT}
        for name, value in {**values, "AWS::Partition": "aws"}.items():
            text = text.replace(f"${{{name}}}", value)
        return text
    if node.get("Ref") == "AWS::Region":
        return REGION
    return {key: substituted(value) for key, value in node.items()}


@pytest.fixture(scope="module")
def role() -> Any:
    template, problems = decode(str(TEMPLATE))
    assert not problems, problems
    return substituted(template["Resources"]["Role"])


def arn(service: str, resource: str) -> str:
    if resource == "*":
        return "*"
    region = "" if service in {"iam", "s3"} else REGION
    account = "" if service == "s3" else ACCOUNT
    return f"arn:aws:{service}:{region}:{account}:{resource}"


def may(role: Any, kind: str, app: str) -> dict[str, bool]:
    service, resource, actions = CALLS[kind]
    where = arn(service, resource.format(app))
    context = {"aws__RequestedRegion": REGION}
    return {
        action: permits(role, f"{service}:{action}", where, **context) for action in actions.split()
    }


def test_every_resource_of_the_templates_is_known() -> None:
    kinds = {row["Type"] for name in NAMES for row in load(name)["Resources"].values()}
    assert kinds <= CALLS.keys()


@pytest.mark.parametrize("kind", CALLS)
def test_the_role_may_make_and_remove_what_the_app_is_made_of(role: Any, kind: str) -> None:
    assert {action for action, allowed in may(role, kind, "demo").items() if not allowed} == set()


@pytest.mark.parametrize("kind", sorted(CALLS.keys() - NAMELESS))
def test_the_role_may_touch_no_other_app(role: Any, kind: str) -> None:
    assert {action for action, allowed in may(role, kind, "other").items() if allowed} == set()


@pytest.mark.parametrize("service", ["ecs-tasks", "scheduler", "ec2", "lambda"])
def test_roles_are_passed_to_ecs_and_the_scheduler_only(role: Any, service: str) -> None:
    on = arn("iam", f"role/demo/{REGION}/execution")
    principal = {"iam__PassedToService": f"{service}.amazonaws.com"}
    assert permits(role, "iam:PassRole", on, **principal) is (service in {"ecs-tasks", "scheduler"})


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("iam:CreateUser", "user/x"),
        ("iam:CreateAccessKey", "user/x"),
        ("iam:AttachRolePolicy", f"role/demo/{REGION}/x"),
        ("iam:PutRolePolicy", "role/demo-deployer-Role-1"),
    ],
)
def test_the_role_cannot_widen_itself(role: Any, action: str, resource: str) -> None:
    assert not permits(role, action, arn("iam", resource))


def test_only_one_branch_of_one_repository_may_take_it(role: Any) -> None:
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": "repo:${Repository}:ref:refs/heads/${Branch}",
    }
