"""Releases: packaged, deployed again, and deployed by the plain AWS CLI."""

import os
import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.functional.conftest import ROOT, Project
from toolkit.adapters.embedded.engine import running

from .conftest import (
    APP,
    DEPLOY,
    expression_of,
    image_of,
    stacks,
)


def release_keys(project: Project, bucket: str, release: str) -> dict[str, str]:
    rows = project.aws("s3").list_object_versions(Bucket=bucket, Prefix=f"releases/{release}/")
    assert len({row["Key"] for row in rows["Versions"]}) == len(rows["Versions"])
    return {row["Key"].split("/", 2)[2]: row["VersionId"] for row in rows["Versions"]}


def test_the_same_content_is_the_same_release_and_nothing_is_rewritten(
    shipped: Project, bucket: str
) -> None:
    first = shipped.toolkit("package", "--local").out.strip()
    before = release_keys(shipped, bucket, first)
    assert {"release.json", "deploy.sh", "catalog.toml", "templates/platform.yaml"} <= set(before)
    assert "schedules/weather.toml" in before
    again = shipped.toolkit("package", "--local", "--json").json()
    assert (again["id"], again["new"]) == (first, False)
    assert release_keys(shipped, bucket, first) == before
    assert first in shipped.toolkit("package", "--local", "--list").out


def test_an_earlier_release_brings_back_its_image_and_its_schedule(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    earlier = shipped.toolkit(*DEPLOY, "--json").json()["release"]
    image, expression = image_of(shipped), expression_of(shipped)
    edited("workloads/__init__.py", "What runs", "Changed: what runs")
    hour = int(expression.split()[1])
    edited("schedules/weather.toml", expression, f"cron(30 {hour} * * ? *)")
    (shipped.root / "schedules" / "weather-new.toml").write_text('expression = "rate(1 day)"\n')
    answer = shipped.toolkit(*DEPLOY, "--json")
    later = answer.json()["release"]
    assert later != earlier
    assert "weather: shifts 7 until" in answer.err
    assert f"{hour:02}:30 CE" in answer.err
    assert "~ TaskDefinition" in answer.err
    assert image_of(shipped) != image
    assert expression_of(shipped) == f"cron(30 {hour} * * ? *)"
    (shipped.root / "schedules" / "weather-new.toml").unlink()
    back = shipped.toolkit(*DEPLOY, "--release", earlier[:8], "--json")
    assert back.json()["release"] == earlier
    assert f"still deployed: {APP}-schedule-weather-new" in back.err
    shipped.aws("cloudformation").delete_stack(StackName=f"{APP}-schedule-weather-new")
    assert image_of(shipped) == image
    assert expression_of(shipped) == expression
    schedule = shipped.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    task_definition = shipped.outputs(f"{APP}-workload-weather")["TaskDefinitionArn"]
    assert schedule["Target"]["EcsParameters"]["TaskDefinitionArn"] == task_definition


def test_a_release_that_was_altered_is_refused(shipped: Project, bucket: str) -> None:
    release = shipped.toolkit("package", "--local").out.strip()
    key = f"releases/{release}/templates/schedule.yaml"
    s3 = shipped.aws("s3")
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key, Body=text + b"\n")
    answer = shipped.toolkit(*DEPLOY, "--release", release, code=2)
    assert "templates/schedule.yaml differs from what was packaged" in answer.err
    s3.put_object(Bucket=bucket, Key=key, Body=text)
    unknown = shipped.toolkit(*DEPLOY, "--release", "0000", code=2)
    assert "toolkit package --local --list" in unknown.err


def test_the_image_of_the_embedded_aws_is_pushed_once(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    edited("workloads/__init__.py", "What runs", "Pushed: what runs")
    first = shipped.toolkit("image", "push", "--local", "--json").json()
    again = shipped.toolkit("image", "push", "--local", "--json").json()
    assert (first["new"], again["new"]) == (True, False)
    assert again["uri"] == first["uri"]
    digest = first["uri"].rpartition("@")[2]
    assert digest[:19] in shipped.toolkit("image", "ls", "--local").out
    assert "scans no image" in shipped.toolkit("image", "scan", "--local", code=3).err


@pytest.fixture(scope="module")
def aws_cli() -> Path:
    """The AWS CLI in an environment of its own, which is installed once."""
    home = ROOT / ".toolkit" / "awscli"
    program = home / "bin" / "aws"
    if not program.exists():
        venv.create(home, with_pip=True)
        command = [home / "bin" / "pip", "install", "--quiet", "awscli>=1.36,<2"]
        if subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("the AWS CLI cannot be installed: no package registry answers")
    return program


@pytest.mark.slow
def test_the_plain_aws_cli_makes_the_same_stacks_of_a_release(
    shipped: Project,
    bucket: str,
    aws_cli: Path,
    tmp_path: Path,
    edited: Callable[[str, str, str], None],
) -> None:
    size = '[local.workloads.weather]\ncpu = 1024\nmemory = 2048\n[local.tags]\nteam = "data"\n'
    edited("toolkit.toml", "[local.env.weather]", f"{size}\n[local.env.weather]")
    release = shipped.toolkit(*DEPLOY, "--json").json()["release"]
    before = stacks(shipped)
    names = (f"{APP}-schedule-weather", f"{APP}-workload-weather")
    for name in names:
        shipped.aws("cloudformation").delete_stack(StackName=name)
    source = f"s3://{bucket}/releases/{release}"
    run_with(aws_cli, shipped, "aws", "s3", "sync", "--quiet", source, str(tmp_path))
    for folder in (tmp_path / "stacks" / "workload").iterdir():
        if folder.name not in names:
            shutil.rmtree(folder)  # the other workloads: each would take the CLI a second or two
    run_with(aws_cli, shipped, "sh", str(tmp_path / "deploy.sh"))
    after = stacks(shipped)
    for name in names:
        assert _sorted(after[name]) == _sorted(before[name])
    sizes = {row["ParameterKey"]: row["ParameterValue"] for row in after[names[1]]["Parameters"]}
    assert (sizes["Cpu"], sizes["Memory"]) == ("1024", "2048")
    assert ("team", "data") in _sorted(after[names[1]])
    again = shipped.toolkit(*DEPLOY, "--json").json()
    assert {row["result"] for row in again["stacks"]} == {"unchanged"}


def run_with(aws_cli: Path, project: Project, *command: str) -> None:
    """Run a command whose `aws` is the plain CLI, on the project's embedded AWS."""
    info = running(project.root)
    assert info is not None
    environment = {
        **os.environ,
        "PATH": f"{aws_cli.parent}:{os.environ['PATH']}",
        **info.variables(),
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _sorted(stack: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((row["Key"], row["Value"]) for row in stack["Tags"])
