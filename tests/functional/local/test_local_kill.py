"""SIGKILL for the engine, the emulator or both: what was told is still so afterwards."""

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.processes import alive, family
from toolkit.adapters.embedded import engine
from toolkit.adapters.images.registry import push_process_image

from .own import deploy_schedule, run_sleeper
from .rehearsal import PROGRAM, Rehearsal, eventually, push_program, run_bare, tree


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
    again = kill(own, *family(own.info.pid))
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
    path = engine.directory(own.root) / "state" / "logs.sqlite-wal"
    for pid in (all_of_it := family(own.info.pid)):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(all_of_it))
    path.write_bytes(path.read_bytes()[:-9])
    again = kill(own)
    assert again.log_lines("/cut") == ["whole"]
    again.aws("logs").put_log_events(**names, logEvents=[{"timestamp": now, "message": "next"}])
    assert kill(again, *family(again.info.pid)).log_lines("/cut") == ["whole", "next"]


def test_an_image_is_on_disk_when_it_is_pushed(own: Rehearsal, tmp_path: Path) -> None:
    """However large: this one has a layer of 30 MB that nothing compresses."""
    files = tree(tmp_path, PROGRAM)
    files["large.bin"] = tmp_path / "large.bin"
    files["large.bin"].write_bytes(os.urandom(30_000_000))
    uri = own.aws("ecr").create_repository(repositoryName="image")["repository"]["repositoryUri"]
    digest = push_process_image(own.info.endpoint_url, uri, files, own.registry_login())
    again = kill(own, *family(own.info.pid))
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
    assert kill(own, *family(own.info.pid)).task(arn) == before


def test_a_new_engine_waits_for_the_emulator_of_a_killed_one(own: Rehearsal) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    again = kill(own, own.info.pid)
    assert again.info.endpoint_url == own.info.endpoint_url
    assert [row["Name"] for row in again.aws("s3").list_buckets()["Buckets"]] == ["kept"]


def test_a_killed_engine_leaves_no_process_and_loses_no_artifact(
    own: Rehearsal, tmp_path: Path
) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    own.aws("s3").put_object(Bucket="kept", Key="ledger/x.json", Body=b"proof")
    arn = run_sleeper(own, tmp_path)
    all_of_it = family(own.info.pid)
    os.kill(own.info.pid, signal.SIGKILL)
    eventually(lambda: not alive(all_of_it))
    assert engine.running(own.root) is None
    again = Rehearsal(engine.ensure_running(own.root, print), own.root)
    kept = again.aws("s3").get_object(Bucket="kept", Key="ledger/x.json")
    assert kept["Body"].read() == b"proof"
    assert again.await_status(arn, "STOPPED")["stopCode"] == "InfrastructureHealth"


def test_a_killed_emulator_takes_the_engine_along(own: Rehearsal) -> None:
    (emulator,) = family(own.info.pid) - {own.info.pid}
    os.kill(emulator, signal.SIGKILL)
    eventually(lambda: not alive({own.info.pid}))
    assert engine.running(own.root) is None


def test_a_killed_engine_still_knows_its_stacks(own: Rehearsal) -> None:
    deploy_schedule(own)
    state = engine.directory(own.root) / "state" / "cloudformation.json"
    eventually(lambda: state.exists() and '"CREATE_COMPLETE"' in state.read_text())
    again = kill(own, *family(own.info.pid))
    stacks = again.aws("cloudformation").describe_stacks()["Stacks"]
    assert [stack["StackStatus"] for stack in stacks] == ["CREATE_COMPLETE"]


def test_a_deployment_that_a_kill_interrupted_has_failed(own: Rehearsal) -> None:
    deploy_schedule(own)
    own.engine.stop(own.root)
    state = engine.directory(own.root) / "state" / "cloudformation.json"
    whole = '"StackStatus": "CREATE_COMPLETE"'
    half = '"StackStatus": "UPDATE_IN_PROGRESS"'
    assert state.read_text().count(whole) == 1
    changed = json.loads(state.read_text().replace(whole, half))
    del changed["sha256"]  # of a file that this engine has written
    state.write_text(json.dumps(changed))
    (stack,) = kill(own).aws("cloudformation").describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert "killed" in stack["StackStatusReason"]


def test_what_many_change_at_once_is_kept(own: Rehearsal, tmp_path: Path) -> None:
    """Each of them waits for the state to be saved, while the others change it."""
    workers = range(8)
    logs = own.aws("logs")
    uri = own.aws("ecr").create_repository(repositoryName="app/many")["repository"]["repositoryUri"]

    ecs = own.aws("ecs")
    ecs.create_cluster(clusterName="c")
    ecs.register_task_definition(
        family="none",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "main", "image": f"{uri}@sha256:{'0' * 64}"}],
    )
    subnet = own.aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    network = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": [subnet]}}}

    def change(worker: int) -> set[str]:
        pushed = set()
        for number in range(4):
            group = f"/many/{worker}-{number}"
            logs.create_log_group(logGroupName=group)
            logs.create_log_stream(logGroupName=group, logStreamName="s")
            program = f"print({worker}, {number})"
            image = push_program(own, tmp_path / f"{worker}-{number}", uri, program)
            pushed.add(image.partition("@")[2])
            ecs.run_task(cluster="c", taskDefinition="none", launchType="FARGATE", **network)
        return pushed

    with ThreadPoolExecutor(len(workers)) as pool:
        pushed = set().union(*pool.map(change, workers))
    again = kill(own, *family(own.info.pid))
    images = again.aws("ecr").describe_images(repositoryName="app/many")["imageDetails"]
    assert {row["imageDigest"] for row in images} == pushed
    groups = again.aws("logs").describe_log_groups(logGroupNamePrefix="/many/")["logGroups"]
    assert len(groups) == 4 * len(workers)
    assert "Traceback" not in (engine.directory(own.root) / "emulator.log").read_text()


def test_an_event_of_the_history_is_on_disk_when_its_call_is_answered(own: Rehearsal) -> None:
    """Whoever made a cluster is known after a kill; a reset forgets them."""
    own.aws("ecs").create_cluster(clusterName="kept")
    asked = {"AttributeKey": "EventName", "AttributeValue": "CreateCluster"}

    def events(rehearsal: Rehearsal) -> list[str]:
        answer = rehearsal.aws("cloudtrail").lookup_events(LookupAttributes=[asked])
        return [row["CloudTrailEvent"] for row in answer["Events"]]

    before = events(own)
    assert len(before) == 1
    again = kill(own, *family(own.info.pid))
    assert events(again) == before
    again.engine.reset()
    assert events(again) == []
