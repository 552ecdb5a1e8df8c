"""Where the preflight's facts come from: hand-written fakes of AWS's clients."""

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.functional.answers import NOW, aws
from toolkit.adapters.aws import account
from toolkit.adapters.aws.network import network, zones
from toolkit.core.deploying.facts import Quota, Zone
from toolkit.core.errors import ToolkitError

REGION = "com.amazonaws.eu-west-1"


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
