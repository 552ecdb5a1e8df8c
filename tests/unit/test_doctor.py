"""Every check of the preflight, as it passes and as it fails."""

from typing import Any

import attrs
import pytest

from toolkit.core.checks import Check, Status, worst
from toolkit.core.deploying.doctor import examine
from toolkit.core.deploying.facts import (
    CallerIdentity,
    Facts,
    Network,
    Queue,
    Quota,
    RegistryImage,
    Role,
    Subnet,
    Unknown,
    Zone,
)

URI = f"1.dkr.ecr.eu-west-1.amazonaws.com/app@sha256:{'0' * 64}"
SUBNET = Subnet("subnet-1", "internet", 250, frozenset({"s3"}))
ENDPOINTS = frozenset({"ecr.api", "ecr.dkr", "logs", "s3"})
IMAGE = RegistryImage(URI, "linux/amd64", present=True, platforms=("linux/amd64",))
ROLE = Role("SchedulerRole", "scheduler.amazonaws.com", True, {"ecs:RunTask": "allowed"})
GOOD = Facts(
    identity=CallerIdentity("1", "arn:aws:iam::1:user/ann", "eu-west-1"),
    clock_skew=1.0,
    quotas=(Quota("Fargate vCPUs", 100, 1, 6),),
    engine="Docker 27.0, linux/amd64",
    stacks={"app-platform": "CREATE_COMPLETE", "app-workload-x": "UPDATE_COMPLETE"},
    platform_stack="app-platform",
    images={"x": IMAGE},
    network=Network((SUBNET,), public_address=True, https_allowed=True),
    roles={"scheduler role": ROLE},
    queue=Queue("letters", 0, denies_scheduler=False),
    log_groups={"x": True},
    schedules={"x": ""},
)


def changed(value: Any, **changes: Any) -> Any:
    return attrs.evolve(value, **changes)


def at(facts: Facts, name: str) -> Check:
    found: dict[str, Check] = {finding.name: finding for finding in examine(facts)}
    return found[name]


def texts(finding: Check) -> str:
    own = f"{finding.detail} {finding.hint}"
    return " ".join([own, *(f"{child.name} {texts(child)}" for child in finding.children)])


def test_a_good_app_is_ok_in_every_line() -> None:
    findings = examine(GOOD)
    assert [finding.name for finding in findings] == [
        "credentials",
        "clock",
        "quotas",
        "container engine",
        "role of ECS",
        "stacks",
        "network",
        "images",
        "roles",
        "log groups",
        "dead letters",
        "schedules",
    ]
    assert {finding.status for finding in findings} == {Status.OK}
    assert worst(finding.status for finding in findings) is Status.OK


def network(**changes: Any) -> Network:
    subnet = changed(
        SUBNET,
        **{key: changes.pop(key) for key in list(changes) if key in {"way_out", "endpoints"}},
        **{key: changes.pop(key) for key in list(changes) if key == "free_addresses"},
    )
    assert GOOD.network is not None
    return changed(GOOD.network, subnets=(subnet,), **changes)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "changes", "grade", "told"),
    [
        ("credentials", {"identity": Unknown("no credentials")}, "FAIL", "aws sso login"),
        ("clock", {"clock_skew": -400.0}, "FAIL", "400 s ahead of AWS: AWS refuses"),
        ("clock", {"clock_skew": 60.0}, "WARN", "60 s behind AWS"),
        ("quotas", {"quotas": (Quota("VPCs", 5, 6, 6),)}, "FAIL", "VPCs 5, needs 6"),
        ("quotas", {"quotas": (Quota("vCPUs", 4, 1, 6),)}, "WARN", "all schedules at once"),
        ("quotas", {"quotas": Unknown("denied")}, "WARN", "not known: denied"),
        ("container engine", {"engine": Unknown("none")}, "WARN", "only needed to build"),
        ("stacks", {"stacks": {}}, "WARN", "app-platform is not deployed"),
        (
            "stacks",
            {"stacks": {"app-platform": "ROLLBACK_COMPLETE"}},
            "FAIL",
            "app-platform ROLLBACK_COMPLETE",
        ),
        ("images", {"images": {"x": changed(IMAGE, present=False)}}, "FAIL", "not in the registry"),
        (
            "images",
            {"images": {"x": changed(IMAGE, platforms=("linux/arm64",))}},
            "FAIL",
            "is for linux/arm64, tasks are linux/amd64",
        ),
        ("images", {"images": {"x": changed(IMAGE, platforms=())}}, "WARN", "is not known"),
        ("network", {"network": network(way_out="none")}, "FAIL", "no endpoint for ecr.api"),
        ("network", {"network": network(public_address=False)}, "FAIL", "without a public address"),
        ("network", {"network": network(https_allowed=False)}, "FAIL", "egress rule for TCP 443"),
        ("network", {"network": network(free_addresses=0)}, "FAIL", "0 free addresses"),
        ("network", {"network": network(free_addresses=3)}, "WARN", "3 free addresses"),
        ("network", {"network": Unknown("gone")}, "WARN", "gone"),
        (
            "roles",
            {"roles": {"r": changed(ROLE, trusted=False)}},
            "FAIL",
            "does not trust scheduler",
        ),
        (
            "roles",
            {"roles": {"r": changed(ROLE, decisions={"iam:PassRole": "implicitDeny"})}},
            "FAIL",
            "iam:PassRole implicitDeny",
        ),
        ("roles", {"roles": {"r": changed(ROLE, decisions=Unknown("denied"))}}, "WARN", "denied"),
        ("roles", {"roles": {"r": Unknown("no such role")}}, "WARN", "no such role"),
        ("roles", {"roles": {"r": Unknown("gone", gone=True)}}, "FAIL", "toolkit delete"),
        ("dead letters", {"queue": Unknown("gone", gone=True)}, "FAIL", "behind its stack"),
        ("log groups", {"log_groups": {"x": False}}, "FAIL", "the log group is gone"),
        ("dead letters", {"queue": Queue("q", 0, denies_scheduler=True)}, "FAIL", "q refuses"),
        ("dead letters", {"queue": Queue("q", 2, denies_scheduler=False)}, "WARN", "2 launches"),
        ("schedules", {"schedules": {"x": "it was deleted"}}, "FAIL", "x it was deleted"),
    ],
)
def test_each_check_can_fail(name: str, changes: dict[str, Any], grade: str, told: str) -> None:
    finding = at(changed(GOOD, **changes), name)
    assert finding.status == grade
    assert told in texts(finding)
    assert worst(check.status for check in examine(changed(GOOD, **changes))) == grade


@pytest.mark.parametrize("way_out", ["none", "internet"])
def test_endpoints_alone_are_a_way(way_out: str) -> None:
    private = network(way_out=way_out, public_address=False, endpoints=ENDPOINTS)
    assert at(changed(GOOD, network=private), "network").status is Status.OK


def test_one_reason_of_many_is_told_once_and_what_is_fine_is_not_listed() -> None:
    unknown = Unknown("denied")
    many = at(changed(GOOD, roles={"a": unknown, "b": unknown}), "roles")
    assert (many.detail, many.children) == ("2 of 2: not known: denied", ())
    some = at(changed(GOOD, log_groups={"x": True, "y": False}), "log groups")
    assert some.detail == "1 of 2"
    assert [child.name for child in some.children] == ["y"]


def test_what_does_not_arise_is_not_told() -> None:
    bare = changed(GOOD, quotas=None, engine=None, network=None, queue=None)
    names = {finding.name for finding in examine(bare)}
    assert not names & {"quotas", "container engine", "network", "dead letters"}


def test_an_account_without_the_role_of_ecs_is_told_how_to_make_it() -> None:
    found = at(changed(GOOD, ecs_role=False), "role of ECS")
    assert found.status is Status.WARN
    assert "create-service-linked-role --aws-service-name ecs.amazonaws.com" in found.hint
    assert (
        at(changed(GOOD, ecs_role=Unknown("no iam:GetRole")), "role of ECS").status is Status.WARN
    )


@pytest.mark.parametrize(
    ("zone", "status", "told"),
    [
        (Zone("us-west-1b", "usw1-az1"), Status.OK, "usw1-az1"),
        (Zone("us-west-1a", "usw1-az2"), Status.FAIL, "usw1-az1, usw1-az3 have it"),
        (Zone("ap-northeast-1d", "apne1-az3"), Status.FAIL, "no Fargate"),
        (Zone("eu-central-1a", "euc1-az2"), Status.OK, "euc1-az2"),
        (Zone("us-east-1e", "use1-az3", ("ecr.api",)), Status.FAIL, "no endpoint for ecr.api"),
    ],
)
def test_a_zone_without_fargate_or_endpoints_is_told_before_the_first_deployment(
    zone: Zone, status: Status, told: str
) -> None:
    found = at(changed(GOOD, zones=(zone,)), "zones")
    assert found.status is status
    assert told in texts(found)
    assert status is Status.OK or "platform.ZoneA" in texts(found)


def test_an_enabled_schedule_that_fires_no_more_is_a_warning() -> None:
    found = at(changed(GOOD, expired={"weather": "its end has passed"}), "expired schedules")
    assert found.status is Status.WARN
    assert "its end has passed" in texts(found)
    assert "toolkit schedule weather --unset end" in texts(found)
