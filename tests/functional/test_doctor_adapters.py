"""Where the preflight's facts come from: hand-written fakes of AWS's clients."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from toolkit.adapters.aws import account
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.network import network, zones
from toolkit.adapters.aws.roles import (
    PermissionQuestion,
    TaskRoles,
    has_ecs_role,
    make_ecs_role,
    role,
    task_roles,
)
from toolkit.adapters.aws.stored_secrets import stored_parameter, stored_secret
from toolkit.app.deploying.adopt import launcher
from toolkit.app.deploying.deploy import make_ready
from toolkit.core.deploying.facts import Quota, Unknown, Zone
from toolkit.core.errors import ToolkitError

NOW = datetime(2026, 11, 24, 5, 0, 0, tzinfo=UTC)
ROLE = "arn:aws:iam::1:role/app/eu-west-1/SchedulerRole"
REGION = "com.amazonaws.eu-west-1"


class Client:
    """Answers of one client by the name of the call; an exception is raised."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            answer = self._answers[name]
            answer = answer(**given) if callable(answer) else answer
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class Aws:
    """The door to the fakes, by service."""

    region = "eu-west-1"

    def __init__(self, **services: Mapping[str, Any]) -> None:
        self._clients = {name.replace("_", "-"): Client(rows) for name, rows in services.items()}

    def client(self, service: str) -> Any:
        return self._clients[service]


def aws(**services: Mapping[str, Any]) -> Any:
    return Aws(**services)


def denied(action: str) -> ClientError:
    return ClientError({"Error": {"Code": "AccessDenied", "Message": f"no {action}"}}, action)


def trust(service: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Role": {"AssumeRolePolicyDocument": {"Statement": [statement]}}}


def decision(word: str) -> Any:
    def simulate(PolicySourceArn: str, ActionNames: Any, **given: Any) -> dict[str, Any]:  # noqa: N803
        assert PolicySourceArn == ROLE
        keys = {row["ContextKeyName"]: row["ContextKeyValues"] for row in given["ContextEntries"]}
        assert keys == {"ecs:cluster": ["cluster"]}
        return {"EvaluationResults": [{"EvalActionName": ActionNames[0], "EvalDecision": word}]}

    return simulate


REVISION = "arn:aws:ecs:r:1:task-definition/x:1"
QUESTIONS = [PermissionQuestion("ecs:RunTask", REVISION, {"ecs:cluster": "cluster"})]


@pytest.mark.parametrize("word", ["allowed", "implicitDeny", "explicitDeny"])
def test_a_roles_permissions_are_what_iam_simulates(word: str) -> None:
    iam = {
        "get_role": trust("scheduler.amazonaws.com"),
        "simulate_principal_policy": decision(word),
    }
    found = role(aws(iam=iam), ROLE, "scheduler.amazonaws.com", QUESTIONS)
    assert found.trusted
    assert found.decisions == {"ecs:RunTask on x:1": word}


def test_who_may_not_simulate_still_learns_whom_the_role_trusts() -> None:
    iam = {"get_role": trust("lambda.amazonaws.com"), "simulate_principal_policy": denied("sim")}
    found = role(aws(iam=iam), ROLE, "scheduler.amazonaws.com", QUESTIONS)
    assert not found.trusted
    assert isinstance(found.decisions, Unknown)
    assert "no sim" in found.decisions.reason


def test_a_role_that_is_gone_is_told_from_one_that_nobody_may_see() -> None:
    gone = ClientError({"Error": {"Code": "NoSuchEntity", "Message": "gone"}}, "GetRole")
    found = asked(lambda: role(aws(iam={"get_role": gone}), ROLE, "s", QUESTIONS))
    assert isinstance(found, Unknown)
    assert "SchedulerRole" in found.reason
    assert found.gone
    hidden = asked(lambda: role(aws(iam={"get_role": denied("GetRole")}), ROLE, "s", QUESTIONS))
    assert isinstance(hidden, Unknown)
    assert not hidden.gone


def test_one_denial_is_not_hidden_by_another_resource_of_the_same_action() -> None:
    def simulate(ActionNames: Any, ResourceArns: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        word = "allowed" if ResourceArns == ["role/b"] else "implicitDeny"
        return {"EvaluationResults": [{"EvalDecision": word}]}

    iam = {"get_role": trust("s"), "simulate_principal_policy": simulate}
    questions = [
        PermissionQuestion("iam:PassRole", "role/a"),
        PermissionQuestion("iam:PassRole", "role/b"),
    ]
    found = role(aws(iam=iam), ROLE, "s", questions)
    assert found.decisions == {
        "iam:PassRole on a": "implicitDeny",
        "iam:PassRole on b": "allowed",
    }


def defined(**roles: str) -> dict[str, Any]:
    secrets = [{"name": "A", "valueFrom": "b"}, {"name": "B", "valueFrom": "a"}]
    containers = [{"name": "workload", "secrets": secrets}, {"name": "other"}]
    return {"taskDefinition": {**roles, "containerDefinitions": containers}}


def test_the_roles_of_a_task_and_its_secrets_stand_in_its_task_definition() -> None:
    found = task_roles(aws(ecs={"describe_task_definition": defined(executionRoleArn=ROLE)}), "x")
    assert found == TaskRoles(ROLE, "", ("a", "b"))
    gone = refused("ClientException", "Unable to describe task definition.")
    unknown = asked(lambda: task_roles(aws(ecs={"describe_task_definition": gone}), REVISION))
    assert isinstance(unknown, Unknown)


@pytest.mark.parametrize(
    ("roles", "asked_for"),
    [
        ({}, ["ecs:RunTask on x:1"]),
        (
            {"executionRoleArn": "role/starts", "taskRoleArn": "role/works"},
            ["ecs:RunTask on x:1", "iam:PassRole on starts", "iam:PassRole on works"],
        ),
        (
            {"executionRoleArn": "role/both", "taskRoleArn": "role/both"},
            ["ecs:RunTask on x:1", "iam:PassRole on both"],
        ),
    ],
)
def test_who_runs_a_task_must_be_allowed_to_pass_its_roles(
    roles: dict[str, str], asked_for: list[str]
) -> None:
    def simulate(ActionNames: list[str], ContextEntries: Any = (), **_: Any) -> dict[str, Any]:  # noqa: N803
        word = "implicitDeny" if ActionNames == ["iam:PassRole"] else "allowed"
        if word == "implicitDeny":
            [row] = ContextEntries
            assert row["ContextKeyValues"] == ["ecs-tasks.amazonaws.com"]
        return {"EvaluationResults": [{"EvalDecision": word}]}

    world = aws(
        iam={
            "get_role": trust("scheduler.amazonaws.com"),
            "simulate_principal_policy": simulate,
        },
        ecs={"describe_task_definition": defined(**roles)},
    )
    found = launcher(world, "schedule", ROLE, REVISION, simulated=True)
    assert found.trusted
    assert found.decisions == {
        what: "allowed" if "RunTask" in what else "implicitDeny" for what in asked_for
    }


def test_without_its_task_definition_a_roles_permissions_are_not_known() -> None:
    world = aws(
        iam={"get_role": trust("events.amazonaws.com")},
        ecs={"describe_task_definition": refused("ClientException", "Unable to describe.")},
    )
    found = launcher(world, "rule", ROLE, REVISION, simulated=True)
    assert isinstance(found.decisions, Unknown)
    assert "Unable to describe" in found.decisions.reason


@pytest.mark.parametrize("seconds", [-400, 0, 90])
def test_the_clock_is_compared_with_the_date_of_an_answer(seconds: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)
    answer = {"ResponseMetadata": {"HTTPHeaders": {"date": date}}}
    assert account.clock_skew(aws(sts={"get_caller_identity": answer}), lambda: NOW) == seconds


def test_quotas_count_what_is_there_already() -> None:
    found = account.quotas(
        aws(
            service_quotas={"get_service_quota": {"Quota": {"Value": 5.0}}},
            ec2={"describe_vpcs": {"Vpcs": [{}] * 5}},
            logs={"describe_resource_policies": {"resourcePolicies": [{}] * 10}},
        ),
        largest_vcpus=1,
        all_vcpus=6,
        new_network=True,
        new_platform=True,
    )
    assert found == (
        Quota("Fargate vCPUs", 5, 1, 6),
        Quota("VPCs", 5, 6, 6),
        Quota("log resource policies", 10, 11, 11),
    )


@pytest.mark.parametrize(
    ("condition", "refuses"), [({}, True), ({"Bool": {"aws:SecureTransport": "false"}}, False)]
)
def test_a_queue_that_refuses_everybody_is_told_from_one_that_wants_tls(
    condition: dict[str, Any], refuses: bool
) -> None:
    statement = {"Effect": "Deny", "Action": "sqs:*", "Principal": "*", "Condition": condition}
    attributes = {
        "ApproximateNumberOfMessages": "3",
        "Policy": json.dumps({"Statement": [statement]}),
    }
    sqs = {"get_queue_attributes": {"Attributes": attributes}}
    found = account.queue(aws(sqs=sqs), "https://sqs/1/letters")
    assert (found.name, found.letters, found.denies_scheduler) == ("letters", 3, refuses)


def ec2(routes: list[dict[str, str]], endpoints: list[dict[str, Any]], port: int = 443) -> Any:
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    return aws(
        ec2={
            "describe_subnets": {
                "Subnets": [{"SubnetId": "subnet-1", "VpcId": "v", "AvailableIpAddressCount": 9}]
            },
            "describe_route_tables": {
                "RouteTables": [
                    {"RouteTableId": "main", "Associations": [{"Main": True}], "Routes": []},
                    {
                        "RouteTableId": "own",
                        "Associations": [{"SubnetId": "subnet-1"}],
                        "Routes": routes,
                    },
                ]
            },
            "describe_vpc_endpoints": {"VpcEndpoints": endpoints},
            "describe_security_groups": {"SecurityGroups": [{"IpPermissionsEgress": [rule]}]},
        }
    )


EVERYWHERE = "0.0.0.0/0"


@pytest.mark.parametrize(
    ("routes", "way_out"),
    [
        ([], "none"),
        ([{"DestinationCidrBlock": "10.0.0.0/8", "GatewayId": "local"}], "none"),
        ([{"DestinationCidrBlock": EVERYWHERE, "GatewayId": "igw-1"}], "internet"),
        ([{"DestinationCidrBlock": EVERYWHERE, "NatGatewayId": "nat-1"}], "nat"),
        (
            [{"DestinationCidrBlock": EVERYWHERE, "NatGatewayId": "nat-1", "State": "blackhole"}],
            "none",
        ),
    ],
)
def test_the_way_out_is_read_from_the_subnets_own_routes(
    routes: list[dict[str, str]], way_out: str
) -> None:
    found = network(ec2(routes, []), ["subnet-1"], "sg-1", public_address=False)
    assert found.subnets[0].way_out == way_out
    assert found.subnets[0].free_addresses == 9
    assert found.https_allowed
    blocked = network(ec2(routes, [], port=80), ["subnet-1"], "sg-1", public_address=False)
    assert not blocked.https_allowed


def test_endpoints_count_where_the_subnet_can_use_them() -> None:
    gateway = {"VpcEndpointType": "Gateway", "State": "available", "ServiceName": f"{REGION}.s3"}
    interface = {"VpcEndpointType": "Interface", "PrivateDnsEnabled": True}
    endpoints = [
        {**gateway, "RouteTableIds": ["own"]},
        {**interface, "State": "available", "ServiceName": f"{REGION}.ecr.api"},
        {**interface, "State": "pending", "ServiceName": f"{REGION}.ecr.dkr"},
        {
            **interface,
            "State": "available",
            "ServiceName": f"{REGION}.logs",
            "PrivateDnsEnabled": False,
        },
    ]
    found = network(ec2([], endpoints), ["subnet-1"], "sg-1", public_address=False)
    assert found.subnets[0].endpoints == {"s3", "ecr.api"}
    elsewhere = [{**gateway, "RouteTableIds": ["main"]}]
    found = network(ec2([], elsewhere), ["subnet-1"], "sg-1", public_address=False)
    assert found.subnets[0].endpoints == set()


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


@pytest.mark.parametrize(
    ("answers", "said", "slept"),
    [
        ({"get_role": {"Role": {}}}, "", []),
        (
            {
                "get_role": refused("NoSuchEntity", "cannot be found"),
                "create_service_linked_role": {"Role": {}},
            },
            "making AWSServiceRoleForECS",
            [15.0],
        ),
        (
            {
                "get_role": refused("NoSuchEntity", "cannot be found"),
                "create_service_linked_role": denied("iam:CreateServiceLinkedRole"),
            },
            "was not made",
            [],
        ),
        ({"get_role": denied("iam:GetRole")}, "was not made", []),
    ],
)
def test_the_first_deployment_of_an_account_makes_the_role_and_waits_for_it(
    answers: Mapping[str, Any], said: str, slept: list[float]
) -> None:
    lines: list[str] = []
    waits: list[float] = []
    make_ready(aws(iam=answers), lines.append, waits.append)
    assert said in "\n".join(lines)
    assert bool(lines) == bool(said)
    assert waits == slept


def test_the_role_of_ecs_is_asked_for_and_that_somebody_else_just_made_it_is_fine() -> None:
    missing = refused("NoSuchEntity", "The role with name AWSServiceRoleForECS cannot be found.")
    taken = refused(
        "InvalidInput",
        "Service role name AWSServiceRoleForECS has been taken in this account, please try a "
        "different suffix.",
    )
    found = aws(iam={"get_role": missing, "create_service_linked_role": taken})
    assert not has_ecs_role(found)
    make_ecs_role(found)
    assert has_ecs_role(aws(iam={"get_role": {"Role": {}}}))
    with pytest.raises(ToolkitError, match="no iam:CreateServiceLinkedRole"):
        make_ecs_role(
            aws(iam={"create_service_linked_role": denied("iam:CreateServiceLinkedRole")})
        )


ZONES = {
    "AvailabilityZones": [
        {"ZoneName": f"us-west-1{letter}", "ZoneId": f"usw1-az{number}"}
        for letter, number in (("c", 2), ("a", 1), ("b", 3))
    ]
}


@pytest.mark.parametrize(
    ("names", "services", "expected"),
    [
        (("", ""), (), (Zone("us-west-1a", "usw1-az1"), Zone("us-west-1b", "usw1-az3"))),
        (("us-west-1c", ""), (), (Zone("us-west-1c", "usw1-az2"), Zone("us-west-1b", "usw1-az3"))),
        (
            ("", ""),
            ("ecr.api", "logs"),
            (
                Zone("us-west-1a", "usw1-az1", ("logs",)),
                Zone("us-west-1b", "usw1-az3", ("ecr.api", "logs")),
            ),
        ),
    ],
)
def test_the_zones_are_those_that_the_template_takes(
    names: tuple[str, str], services: tuple[str, ...], expected: tuple[Zone, ...]
) -> None:
    offered = {
        "ServiceDetails": [
            {"ServiceName": "com.amazonaws.us-west-1.ecr.api", "AvailabilityZones": ["us-west-1a"]}
        ]
    }
    answers = {"describe_availability_zones": ZONES, "describe_vpc_endpoint_services": offered}
    assert zones(aws(ec2=answers), names, services) == expected


def test_a_zone_that_the_region_lacks_is_told() -> None:
    with pytest.raises(ToolkitError, match="no zone us-west-1z"):
        zones(aws(ec2={"describe_availability_zones": ZONES}), ("us-west-1z", ""), ())


class Paginated:
    """A door to one client, whose paginator has these pages."""

    region = "eu-west-1"

    def __init__(self, *pages: dict[str, Any]) -> None:
        self._pages = pages

    def client(self, service: str) -> Any:
        return self

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return iter(self._pages)


CURRENT = {"VersionIdsToStages": {"v1": ["AWSPREVIOUS"], "v2": ["AWSCURRENT"]}}


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ('{"user": "x"}', True),
        ('{"User": "x"}', False),
        ("user", False),
        ('["user"]', False),
        ("", False),
        (None, False),
        ("[" * 100_000, False),
    ],
)
def test_a_secrets_json_is_asked_for_its_key(text: str | None, has: bool) -> None:
    answers = {"describe_secret": CURRENT, "get_secret_value": {"SecretString": text}}
    found = stored_secret(aws(secretsmanager=answers), "db", "user")
    assert found.has_key is has
    assert found.present
    assert found.current


def test_a_value_is_only_read_for_a_key() -> None:
    def read(**_: Any) -> Any:
        raise AssertionError

    answers = {"describe_secret": CURRENT, "get_secret_value": read}
    assert stored_secret(aws(secretsmanager=answers), "db", None).has_key is None
    answers["describe_secret"] = {**CURRENT, "DeletedDate": NOW}
    assert stored_secret(aws(secretsmanager=answers), "db", "user").deleted


def test_a_value_that_nobody_may_read_is_unknown() -> None:
    answers = {"describe_secret": CURRENT, "get_secret_value": denied("GetSecretValue")}
    found = stored_secret(aws(secretsmanager=answers), "db", "user")
    assert isinstance(found.has_key, Unknown)


def test_a_secret_that_is_missing_is_told_from_one_that_nobody_may_see() -> None:
    missing = ClientError(
        {"Error": {"Code": "ResourceNotFoundException", "Message": "no"}}, "DescribeSecret"
    )
    assert not stored_secret(aws(secretsmanager={"describe_secret": missing}), "db", None).present
    hidden = aws(secretsmanager={"describe_secret": denied("DescribeSecret")})
    assert isinstance(asked(lambda: stored_secret(hidden, "db", None)), Unknown)


@pytest.mark.parametrize(
    ("key", "customers"),
    [
        (None, ""),
        ("alias/aws/secretsmanager", ""),
        ("arn:aws:kms:eu-west-1:1:alias/aws/secretsmanager", ""),
        ("alias/mine", "alias/mine"),
    ],
)
def test_aws_own_key_is_no_customers(key: str | None, customers: str) -> None:
    answers = {"describe_secret": {**CURRENT, "KmsKeyId": key}}
    assert stored_secret(aws(secretsmanager=answers), "db", None).kms_key == customers


def test_a_secret_without_a_value_has_no_current_version() -> None:
    for stages in ({}, {"VersionIdsToStages": {}}, {"VersionIdsToStages": {"v": ["AWSPENDING"]}}):
        answers = {"describe_secret": stages}
        assert not stored_secret(aws(secretsmanager=answers), "db", "user").current


def test_a_parameter_may_stand_on_a_later_page() -> None:
    row = {"Name": "/prod/token", "KeyId": "alias/aws/ssm"}
    door: Any = Paginated({"Parameters": [], "NextToken": "n"}, {"Parameters": [row]})
    found = stored_parameter(door, "prod/token")
    assert found.present
    assert found.kms_key == ""
    assert not stored_parameter(door, "token").present
