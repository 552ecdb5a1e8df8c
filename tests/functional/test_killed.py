"""SIGKILL for engine and emulator, at any moment: no run that ended is lost, none is invented."""

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.processes import alive, parents
from toolkit.adapters.embedded import engine

from .conftest import ROOT, Project, make_project

pytestmark = pytest.mark.slow
APP = "fargate-runs"
WORKLOADS = ("ecommerce", "science", "weather")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make_project(tmp_path_factory.mktemp("killed"))
    for name in WORKLOADS:
        shutil.copy2(ROOT / "schedules" / f"{name}.toml", made.root / "schedules")
    only = [part for name in WORKLOADS for part in ("--only", name)]
    try:
        made.toolkit("deploy", "--local", "--yes", *only)
        yield made
    finally:
        made.toolkit("local", "stop")


def run(project: Project, name: str) -> tuple[str, str]:
    """Start a run; returns its id and its task's ARN."""
    started = project.toolkit("run", name, "--local", "--json").json()
    return started["run_id"], started["task_arn"]


def task(project: Project, arn: str) -> dict[str, Any]:
    (found,) = project.aws("ecs").describe_tasks(cluster=APP, tasks=[arn])["tasks"]
    return dict(found)


def await_end(project: Project, *arns: str) -> None:
    waiter = project.aws("ecs").get_waiter("tasks_stopped")
    waiter.wait(cluster=APP, tasks=list(arns), WaiterConfig={"Delay": 0.1, "MaxAttempts": 1200})


def kill(project: Project) -> None:
    """SIGKILL for the engine and the emulator, at once; then a new engine."""
    info = engine.running(project.root)
    assert info is not None
    victims = {info.pid} | {pid for pid, parent in parents().items() if parent == info.pid}
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    while engine.running(project.root) is not None or alive(victims):
        time.sleep(0.02)
    project.toolkit("local", "start")


def validate(project: Project, run_id: str) -> dict[str, Any]:
    answer = project.toolkit("validate", "--run-id", run_id, "--local", "--json", code=None)
    verdict: dict[str, Any] = json.loads(answer.out)
    return verdict


def test_what_was_told_to_have_stopped_passes_after_a_kill(project: Project) -> None:
    runs = {name: run(project, name) for name in WORKLOADS}
    await_end(project, *(arn for _, arn in runs.values()))
    kill(project)
    verdicts = {name: validate(project, run_id)["ruling"] for name, (run_id, _) in runs.items()}
    assert verdicts == dict.fromkeys(WORKLOADS, "PASS")


def test_a_log_survives_the_record_of_ecs(project: Project) -> None:
    run_id, arn = run(project, "weather")
    await_end(project, arn)
    kill(project)
    project.toolkit("local", "advance", "2h")  # ECS has forgotten; the lifecycle record has not
    assert validate(project, run_id)["ruling"] == "PASS"


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_was_killed_in_flight_is_told_as_what_it_is(project: Project, seed: int) -> None:
    run_id, arn = run(project, "weather")
    time.sleep(random.Random(seed).uniform(0, 2.5))
    before = task(project, arn)["lastStatus"]
    kill(project)
    after, verdict = task(project, arn), validate(project, run_id)
    assert after["lastStatus"] == "STOPPED"
    if after["stopCode"] == "EssentialContainerExited":
        assert verdict["ruling"] == "PASS"
    else:
        assert before != "STOPPED"
        assert after["stopCode"] == "InfrastructureHealth"
        assert "exitCode" not in after["containers"][0]
        assert verdict["ruling"] == "FAIL"
        assert {row["name"]: row["status"] for row in verdict["checks"]}["lifecycle"] == "FAIL"


def test_the_schedules_go_on_firing(project: Project) -> None:
    for _ in range(2):
        (fired,) = [
            json.loads(line)
            for line in project.toolkit("local", "fire", "weather", "--json").out.splitlines()
            if '"fired"' in line
        ]
        (arn,) = fired["tasks"]
        await_end(project, arn)
        kill(project)
        assert task(project, arn)["containers"][0]["exitCode"] == 0
