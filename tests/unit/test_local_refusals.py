"""What the embedded AWS refuses of definitions, names and policies, said in AWS's words."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from toolkit.core.fargate import SIZES
from toolkit.local.ministack.upstream import (
    container_definitions,
    fargate_definitions,
    policy_variables,
    resource_names,
)

LOGS = {
    "awslogs-group": "g",
    "awslogs-region": "eu-central-1",
    "awslogs-stream-prefix": "p",
}


def definition(container: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    good = {
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "executionRoleArn": "arn",
        "family": "app",
    }
    main = {"name": "main", "image": "1.dkr.ecr.eu-central-1.amazonaws.com/app@sha256:0"}
    return {**good, "containerDefinitions": [{**main, **(container or {})}], **changed}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (definition(), ""),
        (definition({"logConfiguration": {"logDriver": "awslogs", "options": LOGS}}), ""),
        (definition(requiresCompatibilities=["EC2"], cpu="1"), ""),
        (definition(networkMode="bridge"), "network mode"),
        (definition(cpu=None), "'cpu' be defined"),
        (definition(memory="4096"), "256 CPU, 4096 memory"),
        (definition({"stopTimeout": 121}), "between 2 and 120"),
        (definition({"logConfiguration": {"logDriver": "awslogs"}}), "awslogs-group, awslogs-reg"),
        (
            definition(
                {"logConfiguration": {"logDriver": "awslogs", "options": LOGS}},
                executionRoleArn=None,
            ),
            "log driver awslogs",
        ),
        (definition({"secrets": [{"name": "A"}]}, executionRoleArn=""), "'executionRoleArn'"),
        (definition({"secrets": [{"name": "A"}, {"name": "A"}]}), "such as 'A'"),
        (
            definition({"secrets": [{"name": "A"}], "environment": [{"name": "A"}]}),
            "such as 'A'",
        ),
        (definition(cpu="half"), "'cpu' setting"),
        (definition(memory="much"), "'memory' setting"),
        (definition(ipcMode="host"), "do not support ipcMode"),
        (definition(pidMode="task"), ""),
        (definition(pidMode="host"), "pidMode"),
        (definition(placementConstraints=[{"type": "memberOf"}]), "placementConstraints"),
        (definition(ephemeralStorage={"sizeInGiB": 20}), "between 21 and 200"),
        (definition(ephemeralStorage={"sizeInGiB": 200}), ""),
        (definition(requiresCompatibilities=["EC2"], family="a b"), "Family contains"),
        (definition(family="../../keys"), "Family contains"),
        *(
            (definition({"name": name}), "Container.name")
            for name in ("a b", "../..", "", "n" * 256)
        ),
        *((definition({"image": image}), "Container.image") for image in ("", "a b", "i" * 256)),
        (definition({"image": "Docker.example:5000/a_b/c:1.0-x"}), ""),
        (definition(containerDefinitions=[{"name": "a", "image": "i"}] * 2), "more than once"),
        (
            definition(containerDefinitions=[{"name": f"c{n}", "image": "i"} for n in range(11)]),
            "Too many containers.",
        ),
        (definition({"essential": False}), "essential"),
        (definition({"mountPoints": [{"sourceVolume": "v"}]}), "Unknown volume 'v'."),
        (definition({"mountPoints": [{"sourceVolume": "v"}]}, volumes=[{"name": "v"}]), ""),
        (definition(volumes=[{"name": "../../state"}]), "volume.name"),
        (definition(volumes=[{"name": "v"}] * 2), "more than once"),
        (definition(volumes=[{"name": "v", "host": {"sourcePath": "/etc"}}]), "sourcePath"),
        (definition(volumes=[{"name": "v", "host": {}}]), ""),
        (definition({"dependsOn": [{"containerName": "main"}]}), "no other container"),
        (definition({"privileged": True}), "do not support privileged"),
        (definition({"privileged": False, "links": []}), ""),
        (definition({"links": ["other"]}), "Links are not supported"),
        (definition({"hostname": "h"}), "hostname is not supported"),
        (definition({"portMappings": [{"containerPort": 80, "hostPort": 81}]}), "must match"),
        (definition({"portMappings": [{"containerPort": 80, "hostPort": 80}]}), ""),
        (definition({"memory": 128, "memoryReservation": 256}), "'memoryReservation' must be"),
        (definition({"memory": 513}), "'memory' values cannot be greater"),
        (definition({"cpu": 257}), "'cpu' values cannot be greater"),
        (definition({"cpu": 256, "memory": 512}), ""),
        (definition({"linuxParameters": {"devices": [{"hostPath": "/dev/x"}]}}), "devices"),
        (definition({"linuxParameters": {"capabilities": {"add": ["NET_ADMIN"]}}}), "NET_ADMIN"),
        (definition({"linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}}}), ""),
        (definition({"linuxParameters": {"capabilities": {"drop": ["ALL"]}}}), ""),
        (definition({"ulimits": [{"name": "nproc"}]}), "ulimit nproc"),
        (definition({"ulimits": [{"name": "nofile"}]}), ""),
        (definition({"logConfiguration": {"logDriver": "syslog"}}), "not syslog"),
        (definition({"logConfiguration": {"logDriver": "awsfirelens"}}), ""),
    ],
)
def test_what_fargate_does_not_take_is_said(data: dict[str, Any], words: str) -> None:
    found = next(fargate_definitions.complaints(data, SIZES), "")
    assert bool(found) is bool(words)
    assert words in found


def test_a_host_of_ones_own_takes_what_fargate_does_not() -> None:
    container = {
        "privileged": True,
        "linuxParameters": {"devices": [{"hostPath": "/dev/x"}], "capabilities": {"add": ["ALL"]}},
        "logConfiguration": {"logDriver": "syslog"},
    }
    volumes = [{"name": "v", "host": {"sourcePath": "/etc"}}]
    data = definition(container, requiresCompatibilities=["EC2"], volumes=volumes)
    assert list(container_definitions.complaints(data)) == []
    assert len(list(container_definitions.fargate_complaints(data))) == 5


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("256", "512"), ("256", "512")),
        ((".25 vCPU", "0.5 GB"), ("256", "512")),
        (("1vcpu", "2gb"), ("1024", "2048")),
        (("half", "1 MB"), ("half", "1 MB")),
        ((None, None), (None, None)),
    ],
)
def test_sizes_are_kept_in_units(
    given: tuple[str | None, ...], kept: tuple[str | None, ...]
) -> None:
    data = fargate_definitions.in_units(definition(cpu=given[0], memory=given[1]))
    assert (data["cpu"], data["memory"]) == kept


@pytest.mark.parametrize(
    ("member", "name", "words"),
    [
        ("repositoryName", "a-b/c", None),
        ("repositoryName", "a", "length greater than or equal to 2"),
        ("roleName", "r" * 65, "length less than or equal to 64"),
        ("clusterName", "a b", "regular expression pattern"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(member: str, name: str, words: str | None) -> None:
    found = resource_names.problem(name, member)
    assert found is None if words is None else words in str(found)


def test_every_type_with_a_name_has_a_rule() -> None:
    for prop, member in resource_names.OF_TYPES.values():
        assert prop
        assert resource_names.problem("", member) is not None


@dataclass
class Statement:
    """What of a parsed statement has variables."""

    resources: list[str]
    not_resources: list[str] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("pattern", "resolved"),
    [
        ("arn:aws:s3:::b/${aws:PrincipalTag/team}/*", "arn:aws:s3:::b/red/*"),
        ("${aws:PrincipalTag/none, 'all'}", "all"),
        ("${aws:PrincipalTag/none}", "\0"),  # matches nothing
        ("plain", "plain"),
    ],
)
def test_a_policys_variables_have_their_values(pattern: str, resolved: str) -> None:
    value_of = {"aws:PrincipalTag/team": "red"}.get
    conditions = {"StringEquals": {"s3:prefix": pattern}}
    found = policy_variables.resolved(Statement([pattern], conditions=conditions), value_of)
    assert found.resources == [resolved]
    value = found.conditions["StringEquals"]["s3:prefix"]
    assert value in (resolved, [resolved])
