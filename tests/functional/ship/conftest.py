"""One project with one schedule, deployed on an embedded AWS, for all tests of this folder."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import ROOT, Project, make_light, make_project

APP = "fargate-runs"
# Environments of toolkit.toml, each an app of its own: one test's does not meet another's.
OTHERS = (
    "failing",
    "doomed",
    "killed",
    "full",
    "half",
    "foreign",
    "ill",
    "recorded",
    "bequest",
    "sealed",
    "sized",
    "pruned",
)
DEPLOY = ("deploy", "--local", "--yes", "--only", "weather")
LOCK = "locks/deploy.json"


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of its own with one schedule, deployed, which fires far from now."""
    made = make_project(tmp_path_factory.mktemp("ship"))
    make_light(made)
    weather, hour = made.root / "schedules" / "weather.toml", (datetime.now(UTC).hour + 12) % 24
    weather.write_text(weather.read_text().replace("cron(0 6 ", f"cron(0 {hour} "))
    with (made.root / "toolkit.toml").open("a") as config:
        for name in OTHERS:
            config.write(f'\n[{name}]\napp = "{name}"\nenv.weather.SOURCE = "vega-seattle"\n')
    made.toolkit(*DEPLOY)
    yield made
    made.toolkit("local", "stop")


@pytest.fixture
def bucket(shipped: Project) -> str:
    return shipped.outputs(f"{APP}-platform")["BucketName"]


@pytest.fixture
def edited(shipped: Project) -> Iterator[Callable[[str, str, str], None]]:
    """Replaces text in a file of the project; the file is as it was after the test."""
    before: dict[Path, str] = {}

    def edit(name: str, old: str, new: str) -> None:
        path = shipped.root / name
        text = path.read_text()
        before.setdefault(path, text)
        assert old in text
        path.write_text(text.replace(old, new))

    yield edit
    for path, text in before.items():
        path.write_text(text)


def image_of(project: Project) -> str:
    arn = project.outputs(f"{APP}-workload-weather")["TaskDefinitionArn"]
    found = project.aws("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return str(found["containerDefinitions"][0]["image"])


def expression_of(project: Project) -> str:
    live = project.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    return str(live["ScheduleExpression"])


def stacks(project: Project) -> dict[str, dict[str, Any]]:
    rows = project.aws("cloudformation").describe_stacks()["Stacks"]
    return {row["StackName"]: row for row in rows if row["StackStatus"] != "DELETE_COMPLETE"}


def put_lock(project: Project, bucket: str) -> None:
    lock = {"user": "ann", "host": "elsewhere", "pid": 7}
    project.aws("s3").put_object(Bucket=bucket, Key=LOCK, Body=json.dumps(lock).encode())


def is_locked(project: Project, bucket: str) -> bool:
    return bool(project.aws("s3").list_objects_v2(Bucket=bucket, Prefix=LOCK).get("Contents"))


def start(project: Project, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "toolkit", *arguments],
        cwd=project.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
