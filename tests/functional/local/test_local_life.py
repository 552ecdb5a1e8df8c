"""The engine's own life: one per project, found again, ended without a trace."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.processes import alive, family, listening
from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient
from toolkit.core.errors import ToolkitError

from .own import deploy_schedule, run_sleeper
from .rehearsal import Rehearsal, eventually

MINISTACKS_PAUSE = 24  # seconds: it looks every ten what is due


def test_an_engine_that_runs_is_found_again(own: Rehearsal) -> None:
    assert engine.ensure_running(own.root, print) == own.info
    assert engine.running(own.root) == own.info


@pytest.mark.parametrize("in_the_way", [".toolkit", ".toolkit/local"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).parent.mkdir(exist_ok=True)
    (tmp_path / in_the_way).write_text("a file")
    with pytest.raises(ToolkitError, match=r"\.toolkit/local cannot be written: "):
        engine.ensure_running(tmp_path, print)


def test_stop_ends_the_emulator_and_every_task(own: Rehearsal, tmp_path: Path) -> None:
    run_sleeper(own, tmp_path)
    all_of_it = family(own.info.pid)
    assert len(all_of_it) == 3
    own.engine.stop(own.root)
    eventually(lambda: not alive(all_of_it))
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
    served = listening(family(own.info.pid))
    assert [host for host, _ in served] == ["127.0.0.1"] * 2


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
        "from toolkit.adapters.embedded import engine\n"
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


def saved(own: Rehearsal, service: str, store: str) -> dict[str, Any]:
    """A part of the state as it is on disk."""
    path = engine.directory(own.root) / "state" / f"{service}.json"
    rows: dict[str, Any] = json.loads(path.read_text())["payload"][store]["data"]
    return rows


def test_stop_leaves_what_a_kill_would_find(own: Rehearsal, tmp_path: Path) -> None:
    """Tasks and log events have files of their own: the state does not hold them again."""
    arn = run_sleeper(own, tmp_path)
    own.aws("ecs").stop_task(cluster="c", task=arn)
    own.await_status(arn, "STOPPED")
    logs = own.aws("logs")
    logs.create_log_group(logGroupName="/kept")
    logs.create_log_stream(logGroupName="/kept", logStreamName="s")
    own.engine.stop(own.root)
    assert saved(own, "ecs", "tasks") == {}
    [group] = saved(own, "cloudwatch_logs", "log_groups").values()
    assert (group["arn"].rpartition("/")[2], group["streams"]) == ("kept:*", {})
    assert "failed to save" not in (engine.directory(own.root) / "emulator.log").read_text()


@pytest.mark.slow
def test_nothing_fires_but_the_agent(own: Rehearsal) -> None:
    """ministack would fire rules with a schedule, and schedules with other targets than ECS."""
    sqs, events, iam = own.aws("sqs"), own.aws("events"), own.aws("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = iam.create_role(RoleName="role", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    urls = [sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("rules", "schedules")]
    arns = [
        f"arn:aws:sqs:{own.info.region}:{own.info.account_id}:{url.split('/')[-1]}" for url in urls
    ]
    events.put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="often", Targets=[{"Id": "1", "Arn": arns[0]}])
    own.aws("scheduler").create_schedule(
        Name="often",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arns[1], "RoleArn": role, "Input": "{}"},
    )
    list(own.engine.advance(seconds=120))
    wait = {"WaitTimeSeconds": MINISTACKS_PAUSE // len(urls)}
    received = [sqs.receive_message(QueueUrl=url, **wait).get("Messages", []) for url in urls]
    assert received == [[], []]


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


def test_nobody_else_can_wipe_the_emulator(own: Rehearsal) -> None:
    request = urllib.request.Request(
        f"{own.info.endpoint_url}/_ministack/reset", data=b"", method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    caught.value.close()
    assert caught.value.code == 403
