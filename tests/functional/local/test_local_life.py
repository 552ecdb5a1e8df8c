"""The engine's own life: one per project, found again, ended without a trace."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from toolkit.adapters import engine
from toolkit.adapters.engine import EngineClient, EngineInfo
from toolkit.adapters.registry import push_process_image

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


def test_log_events_expire_as_the_clock_moves(own: Rehearsal) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    logs = own.aws("logs")
    now = int(own.engine.now().timestamp() * 1000)
    for group, days in (("/short", 1), ("/long", None)):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        events = [{"timestamp": now, "message": "old"}]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        if days:
            logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    assert own.log_lines("/short") == ["old"]
    list(own.engine.advance(seconds=2 * 86400))
    assert (own.log_lines("/short"), own.log_lines("/long")) == ([], ["old"])


def kill(own: Rehearsal, *pids: int) -> Rehearsal:
    """SIGKILL, and at once a new engine on what is left."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: engine.running(own.root) is None)
    return Rehearsal(engine.ensure_running(own.root, print), own.root)


def test_log_events_are_on_disk_when_they_are_acknowledged(own: Rehearsal) -> None:
    """In order, late ones in their place, without streams and groups that were deleted."""
    logs = own.aws("logs")
    now = int(time.time() * 1000)

    def put(group: str, stream: str, *rows: tuple[int, str]) -> None:
        events = [{"timestamp": now + after, "message": text} for after, text in rows]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    for group in ("/kept", "/deleted"):
        logs.create_log_group(logGroupName=group)
        for stream in ("a", "b"):
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            put(group, stream, (0, f"{group} {stream}"))
    put("/kept", "a", (20, "third"), (30, "fünf \N{ROCKET}"))
    put("/kept", "a", (10, "second, but late"))
    logs.delete_log_stream(logGroupName="/kept", logStreamName="b")
    logs.delete_log_group(logGroupName="/deleted")
    logs.create_log_group(logGroupName="/deleted")
    before = logs.filter_log_events(logGroupName="/kept")["events"]
    again = kill(own, *processes_of(own.info))
    kept = again.aws("logs").filter_log_events(logGroupName="/kept")["events"]
    assert kept == before
    assert [event["message"] for event in kept] == [
        "/kept a",
        "second, but late",
        "third",
        "fünf \N{ROCKET}",
    ]
    assert again.log_lines("/deleted") == []
    put_again = {"logGroupName": "/kept", "logStreamName": "a"}
    again.aws("logs").put_log_events(
        **put_again, logEvents=[{"timestamp": now + 40, "message": "and on"}]
    )
    ids = [
        row["eventId"]
        for row in again.aws("logs").filter_log_events(logGroupName="/kept")["events"]
    ]
    assert len(set(ids)) == 5


def test_a_log_line_that_a_kill_cut_off_is_dropped(own: Rehearsal) -> None:
    logs = own.aws("logs")
    names = {"logGroupName": "/cut", "logStreamName": "s"}
    logs.create_log_group(logGroupName="/cut")
    logs.create_log_stream(**names)
    for text in ("whole", "half"):
        now = int(time.time() * 1000)
        logs.put_log_events(**names, logEvents=[{"timestamp": now, "message": text}])
    (path,) = (engine.directory(own.root) / "state" / "logs").glob("cut-*.jsonl")
    for pid in (family := processes_of(own.info)):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(family))
    path.write_bytes(path.read_bytes()[:-9])
    again = kill(own)
    assert again.log_lines("/cut") == ["whole"]
    again.aws("logs").put_log_events(**names, logEvents=[{"timestamp": now, "message": "next"}])
    assert kill(again, *processes_of(again.info)).log_lines("/cut") == ["whole", "next"]


def test_an_image_is_on_disk_when_it_is_pushed(own: Rehearsal, tmp_path: Path) -> None:
    """However large: this one has a layer of 30 MB that nothing compresses."""
    package = tmp_path / "workloads"
    package.mkdir()
    (package / "__main__.py").write_text(PROGRAM)
    (package / "large.bin").write_bytes(os.urandom(30_000_000))
    uri = own.aws("ecr").create_repository(repositoryName="image")["repository"]["repositoryUri"]
    digest = push_process_image(own.info.endpoint_url, uri, package)
    again = kill(own, *processes_of(own.info))
    arn = run_bare(
        again,
        image=f"{uri}@{digest}",
        environment=[{"name": "SCRIPT", "value": "import time; time.sleep(1)"}],
    )
    assert again.await_status(arn, "STOPPED")["containers"][0]["exitCode"] == 0


def test_a_task_that_stopped_is_known_as_it_was(own: Rehearsal, tmp_path: Path) -> None:
    arn = run_sleeper(own, tmp_path)
    own.aws("ecs").stop_task(cluster="c", task=arn, reason="enough")
    before = own.await_status(arn, "STOPPED")
    assert kill(own, *processes_of(own.info)).task(arn) == before


def test_a_new_engine_waits_for_the_emulator_of_a_killed_one(own: Rehearsal) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    again = kill(own, own.info.pid)
    assert again.info.endpoint_url == own.info.endpoint_url
    assert [row["Name"] for row in again.aws("s3").list_buckets()["Buckets"]] == ["kept"]
