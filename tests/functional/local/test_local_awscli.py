"""The AWS CLI as it is, pointed at the embedded AWS by what `toolkit local env` prints."""

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .rehearsal import APP, REPOSITORY, TEMPLATES, Platform

pytestmark = pytest.mark.slow
LOCK = Path(__file__).with_name("awscli.lock")
Aws = Callable[..., str]


@pytest.fixture(scope="session")
def program() -> Path:
    """The CLI in an environment of its own (it pins botocore), made once."""
    digest = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:12]
    home = REPOSITORY / ".toolkit" / f"awscli-{digest}"
    home.parent.mkdir(exist_ok=True)
    with (home.parent / "awscli.turn").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (home / "installed").exists():
            python = str(home / "bin" / "python")
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--require-hashes", "-r", str(LOCK)], check=True)
            (home / "installed").touch()
    return home / "bin" / "aws"


@pytest.fixture
def aws(program: Path, platform: Platform, tmp_path: Path) -> Aws:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        **platform.rehearsal.info.variables(),
        "AWS_PAGER": "",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [str(program), *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def read(aws: Aws, *arguments: str) -> Any:
    return json.loads(aws(*arguments, "--output", "json"))


def test_ecs_describes_a_task_that_ended(aws: Aws, platform: Platform) -> None:
    arn = platform.run("print('hello'); raise SystemExit(3)")
    platform.rehearsal.await_status(arn, "STOPPED")
    answer = read(aws, "ecs", "describe-tasks", "--cluster", APP, "--tasks", arn)
    assert answer["tasks"][0]["stopCode"] == "EssentialContainerExited"
    assert answer["tasks"][0]["containers"][0]["exitCode"] == 3


def test_ecs_waits_for_a_task_to_stop(aws: Aws, platform: Platform) -> None:
    arn = platform.run("")
    platform.rehearsal.await_status(arn, "STOPPED")
    aws("ecs", "wait", "tasks-stopped", "--cluster", APP, "--tasks", arn)


def test_scheduler_lists_what_was_deployed(aws: Aws, platform: Platform) -> None:
    name = platform.schedule("demo-listed", "cron(0 1 1 1 ? 2199)")
    rows = read(aws, "scheduler", "list-schedules", "--group-name", APP)["Schedules"]
    assert name in [row["Name"] for row in rows]


def test_logs_shows_the_lines(aws: Aws, platform: Platform) -> None:
    arn = platform.run("print('the end of it')")
    platform.rehearsal.await_status(arn, "STOPPED")
    answer = read(aws, "logs", "filter-log-events", "--log-group-name", f"/{APP}/demo")
    assert "the end of it" in [event["message"] for event in answer["events"]]


def test_s3_copies_and_lists(aws: Aws, platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    bucket = f"s3://{platform.platform['BucketName']}"
    aws("s3", "cp", "a.txt", f"{bucket}/releases/a.txt")
    assert "a.txt" in aws("s3", "ls", f"{bucket}/releases/")
    aws("s3", "cp", f"{bucket}/releases/a.txt", "b.txt")
    assert (tmp_path / "b.txt").read_text() == "hello"


def test_cloudformation_deploys_a_template_of_ours(aws: Aws, platform: Platform) -> None:
    outputs = platform.platform
    parameters = {
        "AppName": APP,
        "WorkloadName": "by-cli",
        "ImageUri": platform.image,
        "Cpu": "256",
        "Memory": "512",
        "MaxRuntimeSeconds": "60",
        "CatalogDigest": "0" * 64,
        "BucketName": outputs["BucketName"],
        "ExecutionRoleArn": outputs["ExecutionRoleArn"],
    }
    deploy = (
        "cloudformation",
        "deploy",
        "--stack-name",
        "by-cli",
        "--template-file",
        str(TEMPLATES / "workload.yaml"),
        "--capabilities",
        "CAPABILITY_IAM",
        "--no-fail-on-empty-changeset",
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
    )
    assert "Successfully created/updated stack - by-cli" in aws(*deploy)
    time.sleep(1.1)  # the AWS CLI names its change sets by the second
    assert "No changes to deploy" in aws(*deploy)
    stacks = read(aws, "cloudformation", "describe-stacks", "--stack-name", "by-cli")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"


def test_sts_says_who_one_is(aws: Aws) -> None:
    assert read(aws, "sts", "get-caller-identity")["Arn"] == "arn:aws:iam::000000000000:root"
