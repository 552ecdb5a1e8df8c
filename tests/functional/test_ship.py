"""Package, deploy, roll back, delete: through the command line, on the embedded AWS."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from toolkit.actions.context import open_context
from toolkit.actions.deploy import Options, Result, deploy
from toolkit.adapters.engine import running
from workloads.contract import format_time

from .conftest import ROOT, SCHEDULE, Project, make_project

pytestmark = pytest.mark.xdist_group("ship")
APP = "fargate-runs"
OTHER = '\n[other]\napp = "other"\nenv.weather.SOURCE = "vega-seattle"\n'
DEPLOY = ("deploy", "--local", "--yes")
LOCK = "locks/deploy.json"
NOBODY = 'workload.ExecutionRoleArn = "arn:aws:iam::000000000000:role/nobody"\n'


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project of its own with one schedule, deployed."""
    made = make_project(tmp_path_factory.mktemp("ship"))
    with (made.root / "toolkit.toml").open("a") as config:
        config.write(OTHER)
    made.toolkit(*DEPLOY, "--only", "weather")
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


class Quiet:
    """A console that says yes and keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def changes(self, change_sets: object) -> None:
        pass

    def event(self, stack: str, event: object) -> None:
        pass

    def confirm(self, question: str) -> bool:
        return True


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


def release_keys(project: Project, bucket: str, release: str) -> dict[str, str]:
    rows = project.aws("s3").list_object_versions(Bucket=bucket, Prefix=f"releases/{release}/")
    assert len({row["Key"] for row in rows["Versions"]}) == len(rows["Versions"])
    return {row["Key"].split("/", 2)[2]: row["VersionId"] for row in rows["Versions"]}


def put_lock(project: Project, bucket: str, until: timedelta) -> None:
    lock = {"user": "ann", "host": "elsewhere", "pid": 7}
    lock["until"] = format_time(datetime.now(UTC) + until)
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


def test_deploying_what_stands_asks_for_little_and_executes_nothing(shipped: Project) -> None:
    context = open_context(shipped.root, Quiet(), environment=None, local=True)
    calls: Counter[str] = Counter()
    session = context.aws._open()
    session.events.register("before-call", lambda model, **_: calls.update([model.name]))
    done = deploy(context, Options(yes=True, only=("weather",)))
    assert {row.result for row in done.rows} == {Result.UNCHANGED}
    assert calls == {"DescribeStacks": 1, "HeadObject": 1}


def test_an_earlier_release_brings_back_its_image_and_its_schedule(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    earlier = shipped.toolkit(*DEPLOY, "--only", "weather", "--json").json()["release"]
    image, expression = image_of(shipped), expression_of(shipped)
    edited("workloads/__init__.py", "What runs", "Changed: what runs")
    edited("schedules/weather.toml", expression, "cron(30 7 * * ? *)")
    (shipped.root / "schedules" / "weather-new.toml").write_text('expression = "rate(1 day)"\n')
    answer = shipped.toolkit(*DEPLOY, "--only", "weather", "--json")
    later = answer.json()["release"]
    assert later != earlier
    assert "weather: shifts 7 until" in answer.err
    assert "07:30 CE" in answer.err
    assert "~ TaskDefinition" in answer.err
    assert image_of(shipped) != image
    assert expression_of(shipped) == "cron(30 7 * * ? *)"
    (shipped.root / "schedules" / "weather-new.toml").unlink()
    to_earlier = ("--only", "weather", "--release", earlier[:8], "--json")
    back = shipped.toolkit(*DEPLOY, *to_earlier)
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
    assert "templates/schedule.yaml is not what was packaged" in answer.err
    s3.put_object(Bucket=bucket, Key=key, Body=text)
    unknown = shipped.toolkit(*DEPLOY, "--release", "0000", code=2)
    assert "toolkit package --list" in unknown.err


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


def test_a_dry_run_leaves_no_trace(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", SCHEDULE.splitlines()[2], 'expression = "rate(1 hour)"')
    (shipped.root / "schedules" / "weather-new.toml").write_text('expression = "rate(1 day)"\n')
    before = stacks(shipped)
    releases = shipped.toolkit("package", "--local", "--list").out
    answer = shipped.toolkit("deploy", "--local", "--dry-run", "--only", "weather", "--json")
    (shipped.root / "schedules" / "weather-new.toml").unlink()
    rows = {row["stack"]: row for row in answer.json()["stacks"]}
    for name, act in (("weather", "Modify"), ("weather-new", "Add")):
        row = rows[f"{APP}-schedule-{name}"]
        assert row["result"] == "planned"
        assert [(c["action"], c["logical_id"]) for c in row["changes"]] == [(act, "Schedule")]
    assert stacks(shipped) == before
    assert shipped.toolkit("package", "--local", "--list").out == releases
    summaries = shipped.aws("cloudformation").list_change_sets(StackName=f"{APP}-schedule-weather")
    assert all(row["ExecutionStatus"] != "AVAILABLE" for row in summaries["Summaries"])
    assert not is_locked(shipped, bucket)


def test_without_a_person_nobody_agrees(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    before = expression_of(shipped)
    edited("schedules/weather.toml", SCHEDULE.splitlines()[2], 'expression = "rate(1 hour)"')
    answer = shipped.toolkit("deploy", "--local", "--only", "weather", code=1)
    assert "declined" in answer.out
    assert expression_of(shipped) == before


def test_a_deployment_waits_for_another_one(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "waited"\n[env]')
    put_lock(shipped, bucket, timedelta(minutes=5))
    with start(shipped, *DEPLOY, "--only", "weather") as impatient:
        assert impatient.stderr is not None
        assert any("waiting" in line for line in impatient.stderr)
        impatient.send_signal(signal.SIGINT)
        impatient.communicate(timeout=60)
    assert impatient.returncode == 130
    assert is_locked(shipped, bucket)
    with start(shipped, *DEPLOY, "--only", "weather") as waiting:
        assert waiting.stderr is not None
        line = next(line for line in waiting.stderr if "waiting" in line)
        assert line.startswith("ann on elsewhere (process 7) deploys")
        shipped.aws("s3").delete_object(Bucket=bucket, Key=LOCK)
        waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert not is_locked(shipped, bucket)


def test_a_lock_that_nobody_renewed_is_taken_over(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "taken over"\n[env]')
    put_lock(shipped, bucket, timedelta(minutes=-1))
    shipped.toolkit(*DEPLOY, "--only", "weather")
    assert not is_locked(shipped, bucket)
    live = shipped.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    assert live["Description"] == "taken over"


def test_two_deployments_at_once_both_succeed(
    shipped: Project, bucket: str, edited: Callable[[str, str, str], None]
) -> None:
    edited("schedules/weather.toml", "[env]", 'description = "both"\n[env]')
    both = [start(shipped, *DEPLOY, "--only", "weather", "--json") for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    results = [
        row["result"]
        for out, _err in answers
        for row in json.loads(out)["stacks"]
        if row["stack"] == f"{APP}-schedule-weather"
    ]
    assert results.count("updated") == 1
    assert results.count("unchanged") == 1
    assert not is_locked(shipped, bucket)


def test_a_failed_stack_tells_its_cause_and_deploying_again_mends_it(
    shipped: Project, edited: Callable[[str, str, str], None]
) -> None:
    other = (*DEPLOY, "--only", "weather", "--config-env", "other")
    edited("toolkit.toml", 'app = "other"\n', f'app = "other"\n{NOBODY}')
    failed = shipped.toolkit(*other, code=3)
    error = failed.err[failed.err.index("error: ") :]
    assert "other-workload-weather ended as ROLLBACK_COMPLETE: TaskDefinition (AWS::ECS" in error
    assert "Service: Ecs" in error
    assert "hint: " in error
    assert "other-schedule-weather" not in stacks(shipped)
    edited("toolkit.toml", NOBODY, "")
    mended = shipped.toolkit(*other, "--json")
    assert "deleting what its first deployment left behind" in mended.err
    results = {row["stack"]: row["result"] for row in mended.json()["stacks"]}
    assert results == {
        "other-platform": "unchanged",
        "other-workload-weather": "created",
        "other-schedule-weather": "created",
    }


def test_delete_takes_what_is_the_apps_and_nothing_else(shipped: Project) -> None:
    other = ("--local", "--config-env", "other")
    shipped.toolkit(*DEPLOY, "--only", "weather", "--config-env", "other")
    foreign = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    name = "other-workload-foreign"
    cloudformation = shipped.aws("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(foreign))
    bucket = shipped.outputs("other-platform")["BucketName"]
    assert shipped.toolkit("delete", *other, code=1).out == ""
    assert "other-platform" in stacks(shipped)
    kept = shipped.toolkit("delete", *other, "--yes", "--json").json()
    assert kept["stacks"] == ["other-schedule-weather", "other-workload-weather", "other-platform"]
    assert kept["bucket"] == bucket
    shipped.aws("s3").head_bucket(Bucket=bucket)
    assert {n for n in stacks(shipped) if n.startswith("other-")} == {name}
    assert "nothing of other is deployed" in shipped.toolkit("delete", *other, "--yes").err
    assert f"{APP}-schedule-weather" in stacks(shipped)


def test_an_interrupted_deployment_can_be_run_again(shipped: Project) -> None:
    other = (*DEPLOY, "--only", "weather", "--config-env", "other")
    with start(shipped, *other) as killed:
        assert killed.stderr is not None
        assert any("other-platform (create)" in line for line in killed.stderr)
        killed.kill()
    shipped.toolkit(*other)
    results = {row["result"] for row in shipped.toolkit(*other, "--json").json()["stacks"]}
    assert results == {"unchanged"}


def test_delete_with_data_takes_the_bucket_too(shipped: Project) -> None:
    other = ("--local", "--config-env", "other")
    shipped.toolkit(*DEPLOY, "--only", "weather", "--config-env", "other")
    bucket = shipped.outputs("other-platform")["BucketName"]
    shipped.toolkit("delete", *other, "--yes", "--data")
    buckets = {row["Name"] for row in shipped.aws("s3").list_buckets()["Buckets"]}
    assert bucket not in buckets
    assert "other-platform" not in stacks(shipped)


def test_a_deletion_that_was_interrupted_can_be_run_again(shipped: Project) -> None:
    other = ("--local", "--config-env", "other")
    shipped.toolkit(*DEPLOY, "--only", "platform", "--config-env", "other")
    bucket = shipped.outputs("other-platform")["BucketName"]
    shipped.aws("s3").delete_bucket(Bucket=bucket)
    shipped.toolkit("delete", *other, "--yes", "--data")
    assert "other-platform" not in stacks(shipped)


def test_a_stack_of_somebody_else_is_not_updated(shipped: Project) -> None:
    foreign = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    cloudformation = shipped.aws("cloudformation")
    cloudformation.create_stack(StackName="other-platform", TemplateBody=json.dumps(foreign))
    before = stacks(shipped)["other-platform"]
    answer = shipped.toolkit(*DEPLOY, "--config-env", "other", "--only", "platform", code=3)
    assert "stack other-platform exists and is not this app's" in answer.err
    assert stacks(shipped)["other-platform"] == before
    cloudformation.delete_stack(StackName="other-platform")


def test_nothing_is_deleted_while_tasks_run(shipped: Project) -> None:
    before = stacks(shipped)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"STATION_URL=http://127.0.0.1:{silent.getsockname()[1]}/{{station}}"
        shipped.toolkit("run", "weather", "--local", "-e", "SOURCE=ghcn-daily", "-e", url)
        answer = shipped.toolkit("delete", "--local", "--yes", code=3)
        assert f"tasks still run in {APP}" in answer.err
        assert "hint: wait for their end, or stop them: aws ecs stop-task" in answer.err
        assert stacks(shipped) == before
        ecs = shipped.aws("ecs")
        for task in ecs.list_tasks(cluster=APP)["taskArns"]:
            ecs.stop_task(cluster=APP, task=task)


def test_guided_asks_once_and_keeps_the_comments(shipped: Project) -> None:
    path = shipped.root / "toolkit.toml"
    before = path.read_text()
    answers = ["staging", "nightly", "us-east-1", "", "private", "ARM64", "ops@example.org"]
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "deploy", "--guided", "--dry-run", "--local"],
        cwd=shipped.root,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="\n".join(answers) + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    text = path.read_text()
    path.write_text(before)
    assert done.returncode == 0, done.stderr
    assert "toolkit deploy --config-env staging" in done.stderr
    assert "nightly-platform" in done.stdout
    assert text.startswith(before.rstrip("\n")[:200])
    added = text.removeprefix(before)
    assert 'app = "nightly"' in added
    assert 'NetworkMode = "private"' in added
    assert 'CpuArchitecture = "ARM64"' in added
    assert "VpcId" not in added
    assert "nightly-platform" not in stacks(shipped)


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
    shipped: Project, bucket: str, aws_cli: Path, tmp_path: Path
) -> None:
    deploy_weather = (*DEPLOY, "--only", "weather", "--json")
    release = shipped.toolkit(*deploy_weather).json()["release"]
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
    again = shipped.toolkit(*deploy_weather).json()
    assert {row["result"] for row in again["stacks"]} == {"unchanged"}


def run_with(aws_cli: Path, project: Project, *command: str) -> None:
    """Run a command whose `aws` is the plain CLI, on the project's embedded AWS."""
    info = running(project.root)
    assert info is not None
    environment = {
        **os.environ,
        "PATH": f"{aws_cli.parent}:{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": info.endpoint_url,
        "AWS_DEFAULT_REGION": info.region,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _sorted(stack: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((row["Key"], row["Value"]) for row in stack["Tags"])


def found(project: Project) -> dict[str, dict[str, Any]]:
    rows = project.toolkit("doctor", "--local", "--json", code=None).json()
    return {row["name"]: row for row in rows}


def test_the_doctor_finds_what_somebody_broke(shipped: Project) -> None:
    healthy = shipped.toolkit("doctor", "--local").out
    assert "OK    images" in healthy
    assert "WARN  roles" in healthy
    assert "NG" not in healthy
    shipped.aws("logs").delete_log_group(logGroupName=f"/{APP}/weather")
    scheduler = shipped.aws("scheduler")
    live = scheduler.get_schedule(Name="weather", GroupName=APP)
    kept = ("Name", "GroupName", "FlexibleTimeWindow", "ScheduleExpression")
    queue = {"Arn": "arn:aws:sqs:us-east-1:000000000000:another"}
    target = {**live["Target"], "DeadLetterConfig": queue}
    scheduler.update_schedule(**{key: live[key] for key in kept}, Target=target)
    platform = shipped.outputs(f"{APP}-platform")
    sqs = shipped.aws("sqs")
    sqs.send_message(QueueUrl=platform["DeadLetterQueueUrl"], MessageBody="{}")
    shipped.aws("iam").update_assume_role_policy(
        RoleName=platform["SchedulerRoleArn"].rpartition("/")[2],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    digest = image_of(shipped).rpartition("@")[2]
    registry = shipped.aws("ecr")
    registry.batch_delete_image(repositoryName=APP, imageIds=[{"imageDigest": digest}])
    rows = found(shipped)
    assert shipped.toolkit("doctor", "--local", code=1).out
    told = {name: json.dumps(row) for name, row in rows.items() if row["grade"] != "OK"}
    assert "weather" in told["log groups"]
    assert "dead-letter queue is arn:aws:sqs:us-east-1:000000000000:another" in told["schedules"]
    assert "1 launches failed lately" in told["dead letters"]
    assert "does not trust scheduler.amazonaws.com" in told["roles"]
    assert "is not in the registry" in told["images"]
