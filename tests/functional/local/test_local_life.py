"""The engine's own life: one per project, found again, ended without a trace."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.adapters import engine
from toolkit.adapters.engine import EngineClient, EngineInfo

from .conftest import PROGRAM, Rehearsal, eventually, push_program, run_bare

SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(600)"


@pytest.fixture
def own(project_factory: Callable[[str], Path]) -> Iterator[Rehearsal]:
    """An engine for one test alone."""
    root = project_factory("own")
    yield Rehearsal(engine.ensure_running(root, print), root)
    info = engine.running(root)
    if info is not None:
        EngineClient(info).stop(root)


def processes_of(info: EngineInfo) -> set[int]:
    """The engine and all its descendants that live."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,ppid=,stat="], capture_output=True, text=True, check=True
    )
    parents = {}
    for line in listed.stdout.splitlines():
        pid, parent, state = line.split()
        if not state.startswith("Z"):
            parents[int(pid)] = int(parent)
    family = {info.pid} & parents.keys()
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    return family


def alive(pids: set[int]) -> set[int]:
    listed = subprocess.run(
        ["ps", "-e", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in listed.stdout.splitlines()]
    return pids & {int(pid) for pid, state in rows if not state.startswith("Z")}


def run_sleeper(own: Rehearsal, tmp_path: Path) -> str:
    """A task that sleeps; returns its ARN."""
    answer = own.aws("ecr").create_repository(repositoryName="image")
    uri = answer["repository"]["repositoryUri"]
    return run_bare(
        own,
        image=push_program(own, tmp_path / "image", uri, PROGRAM),
        environment=[{"name": "SCRIPT", "value": SLEEP}],
    )


def test_an_engine_that_runs_is_found_again(own: Rehearsal) -> None:
    assert engine.ensure_running(own.root, print) == own.info
    assert engine.running(own.root) == own.info


def test_stop_ends_the_emulator_and_every_task(own: Rehearsal, tmp_path: Path) -> None:
    run_sleeper(own, tmp_path)
    family = processes_of(own.info)
    assert len(family) == 3
    own.engine.stop(own.root)
    eventually(lambda: not alive(family))
    assert engine.running(own.root) is None


def test_a_killed_engine_leaves_no_process_and_loses_no_artifact(
    own: Rehearsal, tmp_path: Path
) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    own.aws("s3").put_object(Bucket="kept", Key="ledger/x.json", Body=b"proof")
    arn = run_sleeper(own, tmp_path)
    family = processes_of(own.info)
    os.kill(own.info.pid, signal.SIGKILL)
    eventually(lambda: not alive(family))
    assert engine.running(own.root) is None
    again = Rehearsal(engine.ensure_running(own.root, print), own.root)
    kept = again.aws("s3").get_object(Bucket="kept", Key="ledger/x.json")
    assert kept["Body"].read() == b"proof"
    assert again.await_status(arn, "STOPPED")["stopCode"] == "InfrastructureHealth"


def test_a_killed_emulator_takes_the_engine_along(own: Rehearsal) -> None:
    (emulator,) = processes_of(own.info) - {own.info.pid}
    os.kill(emulator, signal.SIGKILL)
    eventually(lambda: not alive({own.info.pid}))
    assert engine.running(own.root) is None


def test_two_projects_do_not_meet(
    own: Rehearsal, rehearsal: Rehearsal, project_factory: Callable[[str], Path]
) -> None:
    own.aws("s3").create_bucket(Bucket="mine-alone")
    theirs = [row["Name"] for row in rehearsal.aws("s3").list_buckets()["Buckets"]]
    assert "mine-alone" not in theirs
    assert own.info.endpoint_url != rehearsal.info.endpoint_url


def test_reset_wipes_everything_and_sets_the_clock_back(own: Rehearsal, tmp_path: Path) -> None:
    own.aws("s3").create_bucket(Bucket="wiped")
    run_sleeper(own, tmp_path)
    own.aws("ecs").stop_task(
        cluster="c", task=own.aws("ecs").list_tasks(cluster="c")["taskArns"][0]
    )
    list(own.engine.advance(seconds=3600))
    own.engine.reset()
    assert own.aws("s3").list_buckets()["Buckets"] == []
    assert own.aws("ecs").list_clusters()["clusterArns"] == []
    assert own.engine.status()["offset_seconds"] == 0


def test_only_loopback_is_served(own: Rehearsal) -> None:
    listening = subprocess.run(["ss", "-Hltnp"], capture_output=True, text=True, check=False)
    if listening.returncode:
        pytest.skip("this machine has no ss")
    family = processes_of(own.info)
    rows = [
        line.split()[3]
        for line in listening.stdout.splitlines()
        if any(f"pid={pid}," in line for pid in family)
    ]
    assert len(rows) == 2
    assert all(row.startswith("127.0.0.1:") for row in rows)


def test_the_control_api_wants_its_token(own: Rehearsal) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{own.info.control_url}/status")
    caught.value.close()
    assert caught.value.code == 403


def test_the_engine_outlives_the_process_that_started_it(
    project_factory: Callable[[str], Path],
) -> None:
    root = project_factory("outlived")
    code = (
        "import sys, pathlib\n"
        "from toolkit.adapters import engine\n"
        "print(engine.ensure_running(pathlib.Path(sys.argv[1]), print).pid)"
    )
    repository = str(Path(engine.__file__).parents[2])
    command = [sys.executable, "-c", code, str(root)]
    environment = {**os.environ, "PYTHONPATH": repository}
    started = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment, cwd=root
    )
    info = engine.running(root)
    assert info is not None
    assert str(info.pid) == started.stdout.split()[-1]
    EngineClient(info).stop(root)


def test_the_engines_file_can_be_read_by_its_owner_only(own: Rehearsal) -> None:
    path = engine.directory(own.root) / "engine.json"
    assert path.stat().st_mode & 0o077 == 0
    assert json.loads(path.read_text())["endpoint_url"] == own.info.endpoint_url


def deploy_schedule(own: Rehearsal) -> None:
    """A stack with one schedule in it, and a queue; it never fires anything that exists."""
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
            "Schedule": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "Name": "hourly",
                    "ScheduleExpression": "cron(0 * * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/none",
                        "RoleArn": "arn:aws:iam::000000000000:role/none",
                        "EcsParameters": {
                            "TaskDefinitionArn": (
                                "arn:aws:ecs:us-east-1:000000000000:task-definition/none:1"
                            )
                        },
                        "RetryPolicy": {"MaximumRetryAttempts": 0},
                    },
                },
            },
        }
    }
    cloudformation = own.aws("cloudformation")
    cloudformation.create_stack(StackName="kept", TemplateBody=json.dumps(template))
    eventually(
        lambda: (
            cloudformation.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"]
            == "CREATE_COMPLETE"
        )
    )


def test_stop_and_start_keep_what_was_deployed_and_the_time(own: Rehearsal) -> None:
    deploy_schedule(own)
    list(own.engine.advance(seconds=3 * 3600))
    url = own.aws("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    before = own.engine.status()
    own.engine.stop(own.root)
    again = Rehearsal(engine.ensure_running(own.root, print), own.root)
    after = eventually(lambda: status if (status := again.engine.status())["schedules"] else None)
    assert after["schedules"] == before["schedules"]
    assert after["offset_seconds"] == pytest.approx(before["offset_seconds"])
    assert again.aws("sqs").get_queue_url(QueueName="q")["QueueUrl"] == url
    again.aws("sqs").send_message(QueueUrl=url, MessageBody="the address is still good")


def test_what_was_due_while_no_engine_ran_is_not_made_up_for(own: Rehearsal) -> None:
    deploy_schedule(own)
    own.engine.stop(own.root)
    kept = engine.directory(own.root) / "kept.json"
    document = json.loads(kept.read_text())
    kept.write_text(json.dumps({**document, "offset": document["offset"] + 5 * 3600}))
    again = Rehearsal(engine.ensure_running(own.root, print), own.root)
    events = list(again.engine.advance(seconds=3600))
    assert [event["event"] for event in events if event.get("schedule") == "hourly"] == [
        "dead-lettered"
    ]


def test_a_killed_engine_still_knows_its_stacks(own: Rehearsal) -> None:
    deploy_schedule(own)
    state = engine.directory(own.root) / "state"
    eventually(lambda: (state / "cloudformation.json").exists())
    os.kill(own.info.pid, signal.SIGKILL)
    eventually(lambda: engine.running(own.root) is None)
    again = Rehearsal(engine.ensure_running(own.root, print), own.root)
    stacks = again.aws("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]


def test_nobody_else_can_wipe_the_emulator(own: Rehearsal) -> None:
    request = urllib.request.Request(
        f"{own.info.endpoint_url}/_ministack/reset", data=b"", method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    caught.value.close()
    assert caught.value.code == 403


def test_objects_expire_as_the_clock_moves(own: Rehearsal) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""
    s3 = own.aws("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    rules = [
        {"Prefix": "runs/", "Expiration": {"Days": 2}},
        {"Prefix": "", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
        {"Prefix": "", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket="bucket",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": str(n),
                    "Status": "Enabled",
                    "Filter": {"Prefix": rule.pop("Prefix")},
                    **rule,
                }
                for n, rule in enumerate(rules)
            ]
        },
    )
    for key in ("runs/a", "ledger/a"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"1")

    def current() -> list[str]:
        rows = s3.list_objects_v2(Bucket="bucket").get("Contents", [])
        return sorted(row["Key"] for row in rows)

    def old() -> list[str]:
        answer = s3.list_object_versions(Bucket="bucket")
        rows = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        return sorted(row["Key"] for row in rows)

    list(own.engine.advance(seconds=2 * 86400 - 60))
    assert current() == ["ledger/a", "runs/a"]
    list(own.engine.advance(seconds=86400))
    assert current() == ["ledger/a"]
    assert old() == ["ledger/a", "runs/a", "runs/a"]
    list(own.engine.advance(seconds=4 * 86400))
    assert old() == ["ledger/a"]
