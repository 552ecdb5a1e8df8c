"""EC2: how the subnets of tasks reach what a task needs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.deploying.facts import Network, Subnet, Zone
from toolkit.core.errors import ToolkitError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_HTTPS = 443
_EVERYWHERE = "0.0.0.0/0"


def network(
    aws: Aws, subnet_ids: Sequence[str], security_group: str, *, public_address: bool
) -> Network:
    """The subnets with their ways out and endpoints; four calls for all of them."""
    client: EC2Client = aws.client("ec2")
    with translated("the subnets of the tasks"):
        rows = client.describe_subnets(SubnetIds=list(subnet_ids))["Subnets"]
        if not rows:
            raise ToolkitError(f"none of the subnets {', '.join(subnet_ids)} exists")
        inside: Any = [{"Name": "vpc-id", "Values": [rows[0]["VpcId"]]}]
        tables = client.describe_route_tables(Filters=inside)["RouteTables"]
        endpoints = client.describe_vpc_endpoints(Filters=inside)["VpcEndpoints"]
        groups = client.describe_security_groups(GroupIds=[security_group])["SecurityGroups"]
    subnets = tuple(_subnet(row, tables, endpoints) for row in rows)
    return Network(subnets, public_address, any(_lets_https_out(group) for group in groups))


def zones(aws: Aws, names: Sequence[str], services: Sequence[str]) -> tuple[Zone, ...]:
    """The zones of the first deployment: those named, or the region's first two.

    ``services`` are the interface endpoints that a private network of our own makes there.
    """
    client: EC2Client = aws.client("ec2")
    with translated("the zones of the region"):
        rows = client.describe_availability_zones(
            Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
        )["AvailabilityZones"]
        known = {row["ZoneName"]: row["ZoneId"] for row in rows}
        first = sorted(known)
        wanted = [name or first[place] for place, name in enumerate(names) if name or first[place:]]
        missing = [name for name in wanted if name not in known]
        if missing:
            raise ToolkitError(f"the region has no zone {', '.join(missing)}")
        offered = _endpoint_zones(client, aws.region, services)
    return tuple(
        Zone(name, known[name], tuple(s for s in services if name not in offered.get(s, ())))
        for name in wanted
    )


def _endpoint_zones(
    client: "EC2Client", region: str, services: Sequence[str]
) -> dict[str, list[str]]:
    """The zones in which a service has interface endpoints, by the service's short name."""
    if not services:
        return {}
    rows = client.describe_vpc_endpoint_services(
        ServiceNames=[f"com.amazonaws.{region}.{service}" for service in services],
        Filters=[{"Name": "service-type", "Values": ["Interface"]}],
    )["ServiceDetails"]
    return {_service(row): row["AvailabilityZones"] for row in rows}


def _subnet(row: Any, tables: Sequence[Any], endpoints: Sequence[Any]) -> Subnet:
    table = _table_of(row["SubnetId"], tables)
    at_hand = {_service(endpoint) for endpoint in endpoints if _is_at_hand(endpoint, table)}
    return Subnet(
        row["SubnetId"], _way_out(table), row.get("AvailableIpAddressCount", 0), frozenset(at_hand)
    )


def _table_of(subnet: str, tables: Sequence[Any]) -> Any:
    """The route table of a subnet: its own, or the main one of the VPC."""
    for table in tables:
        if any(row.get("SubnetId") == subnet for row in table.get("Associations", ())):
            return table
    mains = (t for t in tables if any(row.get("Main") for row in t.get("Associations", ())))
    return next(mains, {})


def _way_out(table: Any) -> str:
    for route in table.get("Routes", ()):
        if route.get("DestinationCidrBlock") != _EVERYWHERE or route.get("State") == "blackhole":
            continue
        if str(route.get("GatewayId", "")).startswith("igw-"):
            return "internet"
        return "nat"  # a NAT gateway, a transit gateway or an appliance: by somebody's design
    return "none"


def _is_at_hand(endpoint: Any, table: Any) -> bool:
    """Whether an endpoint serves the subnet: by its routes, or by its name in the VPC's DNS."""
    if str(endpoint.get("State", "")).lower() != "available":
        return False
    if endpoint.get("VpcEndpointType") == "Gateway":
        return table.get("RouteTableId") in endpoint.get("RouteTableIds", ())
    return bool(endpoint.get("PrivateDnsEnabled"))


def _service(endpoint: Any) -> str:
    """The service without its region: com.amazonaws.eu-west-1.ecr.api is ecr.api."""
    return ".".join(str(endpoint["ServiceName"]).split(".")[3:])


def _lets_https_out(group: Any) -> bool:
    for rule in group.get("IpPermissionsEgress", ()):
        if rule.get("IpProtocol") == "-1":
            return True
        if rule.get("IpProtocol") == "tcp" and rule["FromPort"] <= _HTTPS <= rule["ToPort"]:
            return True
    return False
