"""Launches that are refused: firings that become dead letters, and `toolkit run`.

Each firing is of a schedule whose target, role or task definition somebody has spoiled by hand.
"""

import json
from collections.abc import Iterator

import pytest
from attrs import frozen

from toolkit.core.causes.diagnosis import diagnose_launch

from .stage import (
    APP,
    Definition,
    Spoil,
    Stage,
    Verdict,
    assert_told,
    detail,
    rehearses,
    rehearses_all,
    unspoiled,
)

DEAD_LETTERS = {"Action": "sqs:SendMessage"}


@frozen
class Case:
    """A spoiled target or a fault of ECS, and the diagnosis of the dead letter that is to come."""

    diagnosis: str
    spoil: Spoil = unspoiled
    fault: str | None = None


def scheduler_role(name: str, *actions: str) -> Spoil:
    """A role of the Scheduler's that may send dead letters and do this."""

    def spoil(stage: Stage, target: Definition) -> None:
        rights = [{"Action": action} for action in actions]
        target["RoleArn"] = stage.role(name, "scheduler", DEAD_LETTERS, *rights)

    return spoil


def other_cluster(stage: Stage, target: Definition) -> None:
    target["Arn"] = target["Arn"].replace(f"cluster/{APP}", "cluster/of-another-region")
    target["RoleArn"] = stage.role("for-any-cluster", "scheduler", {"Action": "*"})


def deregistered(stage: Stage, target: Definition) -> None:
    arn = stage.register(unspoiled)
    stage.aws("ecs").deregister_task_definition(taskDefinition=arn)
    target["EcsParameters"]["TaskDefinitionArn"] = arn


def never_registered(_stage: Stage, target: Definition) -> None:
    known = target["EcsParameters"]["TaskDefinitionArn"]
    target["EcsParameters"]["TaskDefinitionArn"] = f"{known.rpartition(':')[0]}:999"


def untrusted_role(stage: Stage, target: Definition) -> None:
    def spoil(_stage: Stage, definition: Definition) -> None:
        definition["taskRoleArn"] = stage.role("for-ec2-only", "ec2")

    target["EcsParameters"]["TaskDefinitionArn"] = stage.register(spoil)
    target["RoleArn"] = stage.role("for-any-role", "scheduler", {"Action": "*"})


def old_platform(_stage: Stage, target: Definition) -> None:
    target["EcsParameters"]["PlatformVersion"] = "0.9.0"


def no_subnet(_stage: Stage, target: Definition) -> None:
    network = target["EcsParameters"]["NetworkConfiguration"]["awsvpcConfiguration"]
    network["Subnets"] = ["subnet-0a1b2c3d4e5f60718"]


def other_container(_stage: Stage, target: Definition) -> None:
    text = json.loads(target["Input"])
    text["containerOverrides"][0]["name"] = "worker"
    target["Input"] = json.dumps(text)


def two_strategies(_stage: Stage, target: Definition) -> None:
    target["EcsParameters"]["LaunchType"] = "FARGATE"


CASES = {
    "no-pass-role": Case("pass-role", scheduler_role("no-pass", "ecs:*")),
    "no-run-task": Case("run-task-denied", scheduler_role("no-run", "iam:PassRole")),
    "untrusted": Case("task-role", untrusted_role),
    "other-cluster": Case("cluster-missing", other_cluster),
    "deregistered": Case("definition-inactive", deregistered),
    "unregistered": Case("definition-inactive", never_registered),
    "busy": Case("throttled", fault="throttling"),
    "broken": Case("aws-error", fault="error"),
    "old-platform": Case("platform", old_platform),
    "no-subnet": Case("network", no_subnet),
    "other-name": Case("overrides", other_container),
    "two-strategies": Case("launch-refused", two_strategies),
}


@pytest.fixture(scope="module")
def verdicts(stage: Stage) -> dict[str, Verdict]:
    """A firing of each, judged by one command."""
    runs = []
    for label, case in CASES.items():
        name = stage.schedule(label, case.spoil)
        if case.fault is not None:
            stage.add_fault(case.fault, label, service="ecs")
        runs.append(stage.fire(name))
    return stage.judge(runs)


@rehearses_all(CASES)
def test_a_dead_letter_is_told_by_its_name(
    verdicts: dict[str, Verdict], label: str, diagnosis: str
) -> None:
    assert_told(verdicts[label], diagnosis)
    assert detail(verdicts[label], "launch").startswith("dead-lettered: ")
    assert detail(verdicts[label], "lifecycle") == "no task was ever started"


@rehearses("cluster-missing")
def test_a_cluster_that_is_gone_takes_no_verdict_with_it(stage: Stage, diagnosis: str) -> None:
    name = stage.schedule("gone")
    ecs = stage.aws("ecs")
    ecs.delete_cluster(cluster=APP)
    try:
        (found,) = stage.judge([stage.fire(name)]).values()
        assert_told(found, diagnosis)
        stage.project.toolkit("ledger", "--local", "--schedule", name)
    finally:
        ecs.create_cluster(clusterName=APP)


@pytest.fixture
def calm(stage: Stage) -> Iterator[None]:
    yield
    stage.engine.clear_faults()


def refused_run(stage: Stage, diagnosis: str) -> None:
    """`toolkit run` fails with the hint of the diagnosis that its message deserves."""
    answer = stage.project.toolkit("run", "weather", "--local", code=3)
    message = next(line for line in answer.err.splitlines() if line.startswith("error: "))
    told = diagnose_launch("", message)
    assert told.name == diagnosis
    hint = told.about("", "weather").hint
    assert f"hint: {hint}".replace("toolkit run ", "toolkit run --local ") in answer.err


@rehearses("capacity")
def test_a_run_on_demand_without_capacity_is_told(stage: Stage, calm: None, diagnosis: str) -> None:
    stage.engine.add_fault("capacity", times=1)
    refused_run(stage, diagnosis)


@rehearses("quota")
def test_a_run_on_demand_beyond_the_quota_is_told(stage: Stage, calm: None, diagnosis: str) -> None:
    stage.engine.add_fault("vcpu-quota", value=0.25)
    refused_run(stage, diagnosis)


@rehearses("throttled")
def test_a_run_on_demand_that_stays_throttled_is_told(
    stage: Stage, calm: None, diagnosis: str
) -> None:
    stage.engine.add_fault("throttling", service="ecs", times=5)  # as often as the toolkit asks
    refused_run(stage, diagnosis)
