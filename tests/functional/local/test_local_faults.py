"""Faults on request: what the task, the log and the caller see when something goes wrong."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from toolkit.core.errors import ConfigError

from .rehearsal import APP, Platform, eventually


@pytest.fixture(autouse=True)
def cleared(platform: Platform) -> Iterator[None]:
    yield
    platform.rehearsal.engine.clear_faults()


def ended(platform: Platform, script: str = "", **more: Any) -> dict[str, Any]:
    return platform.rehearsal.await_status(platform.run(script, **more), "STOPPED")


def lines(platform: Platform, arn: str) -> list[str]:
    stream = f"run/workload/{arn.rsplit('/', 1)[-1]}"
    answer = platform.rehearsal.aws("logs").get_log_events(
        logGroupName=f"/{APP}/demo", logStreamName=stream, startFromHead=True
    )
    return [event["message"] for event in answer["events"]]


def test_an_image_that_cannot_be_pulled_once(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("pull-fails", times=1)
    task = ended(platform)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert ended(platform)["containers"][0]["exitCode"] == 0


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("no-route", r"CannotPullContainerError: .*: dial tcp [0-9.]+:443: i/o timeout"),
        ("no-interface", r"ResourceInitializationError: failed to configure ENI: .*"),
    ],
)
def test_a_network_that_leads_nowhere_keeps_a_task_from_starting(
    platform: Platform, kind: str, words: str
) -> None:
    platform.rehearsal.engine.add_fault(kind, times=1)
    task = ended(platform)
    assert task["stopCode"] == "TaskFailedToStart"
    assert re.fullmatch(words, task["stoppedReason"])
    assert "exitCode" not in task["containers"][0]


def test_a_fault_strikes_the_schedule_that_it_names_only(platform: Platform) -> None:
    engine = platform.rehearsal.engine
    engine.add_fault("pull-fails", schedule="unlucky", times=1)
    assert ended(platform, group="lucky")["stopCode"] == "EssentialContainerExited"
    assert ended(platform, group="unlucky")["stopCode"] == "TaskFailedToStart"
    assert engine.faults()["faults"] == []


def test_a_killed_task_has_137_and_nothing_to_say(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("killed", times=1, value=0.2)
    task = ended(platform, "import time; time.sleep(60)")
    container = task["containers"][0]
    assert (container["exitCode"], container.get("reason")) == (137, None)
    assert task["stopCode"] == "EssentialContainerExited"


@pytest.mark.parametrize(
    ("kind", "code", "reason"),
    [
        ("spot-interruption", "SpotInterruption", "Your Spot Task was interrupted."),
        (
            "task-retirement",
            "TerminationNotice",
            "ECS is performing maintenance on the underlying infrastructure hosting the task.",
        ),
    ],
)
def test_a_task_that_aws_stops_is_asked_first(
    platform: Platform, kind: str, code: str, reason: str
) -> None:
    platform.rehearsal.engine.add_fault(kind, times=1, value=0.5)
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "time.sleep(60)"
    )
    task = ended(platform, script)
    assert (task["stopCode"], task["stoppedReason"]) == (code, reason)
    assert task["containers"][0]["exitCode"] == 143


def test_a_skewed_clock_is_the_tasks_alone(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("clock-skew", times=1, value=7200)
    arn = platform.run("import time; print(time.time())")
    task = platform.rehearsal.await_status(arn, "STOPPED")
    ahead = float(lines(platform, arn)[0]) - task["startedAt"].timestamp()
    assert 7190 < ahead < 7300


def test_without_capacity_run_task_answers_200_and_starts_nothing(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("capacity", times=1)
    answer = platform.run_task()
    assert answer["tasks"] == []
    assert answer["failures"][0]["reason"].startswith("Capacity is unavailable at this time")
    assert platform.run_task()["failures"] == []


def test_a_firing_that_finds_no_capacity_is_told(platform: Platform) -> None:
    name = platform.schedule("demo-full", "cron(0 1 1 1 ? 2199)")
    platform.rehearsal.engine.add_fault("capacity", schedule=name, times=1)
    (event,) = platform.rehearsal.engine.fire(name)
    assert (event["event"], event["tasks"]) == ("fired", [])
    assert event["failures"][0].startswith("Capacity is unavailable")


def test_a_duplicated_delivery_starts_a_second_task(platform: Platform) -> None:
    name = platform.schedule("demo-double", "cron(0 1 1 1 ? 2199)")
    platform.rehearsal.engine.add_fault("duplicate", schedule=name, times=1)
    events = platform.rehearsal.engine.fire(name)
    tasks = [task for event in events if event["event"] == "fired" for task in event["tasks"]]
    assert len(set(tasks)) == 2


def test_a_throttled_launch_becomes_a_dead_letter(platform: Platform) -> None:
    name = platform.schedule("demo-throttled", "cron(0 1 1 1 ? 2199)")
    platform.rehearsal.engine.add_fault("throttling", service="ecs", schedule=name, times=1)
    (event,) = platform.rehearsal.engine.fire(name)
    assert (event["event"], event["code"], event["message"]) == (
        "dead-lettered",
        "ThrottlingException",
        "Rate exceeded",
    )


def test_throttled_logs_lose_no_line(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("throttling", service="logs", schedule="noisy", times=3)
    script = "for number in range(50): print(number, flush=True)"
    arn = platform.run(script, group="noisy")
    platform.rehearsal.await_status(arn, "STOPPED")
    assert lines(platform, arn) == [str(number) for number in range(50)]
    assert platform.rehearsal.engine.faults()["faults"] == []


def put(platform: Platform, group: str) -> list[str]:
    """A task writes one object conditionally, without retries: what it was told, what is there."""
    script = (
        "import os, boto3\n"
        "from botocore.config import Config\n"
        "s3 = boto3.client('s3', config=Config(retries={'total_max_attempts': 1}))\n"
        "for attempt in range(2):\n"
        "    try:\n"
        "        s3.put_object(Bucket=os.environ['BUCKET'], Key='runs/demo/GROUP/claim.json',\n"
        "                      Body=b'x', IfNoneMatch='*')\n"
        "        print('written')\n"
        "    except s3.exceptions.ClientError as error:\n"
        "        print(error.response['Error']['Code'])\n"
    ).replace("GROUP", group)
    arn = platform.run(script, group=group)
    platform.rehearsal.await_status(arn, "STOPPED")
    return lines(platform, arn)


def test_an_answer_can_be_lost_though_the_object_is_written(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("lost-answer", service="s3", schedule="lost", times=1)
    assert put(platform, "lost") == ["InternalError", "PreconditionFailed"]


def test_s3_can_fail_without_writing(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("error", service="s3", schedule="failing", times=1)
    assert put(platform, "failing") == ["InternalError", "written"]


def test_s3_can_ask_to_slow_down(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("throttling", service="s3", schedule="busy", times=1)
    assert put(platform, "busy") == ["SlowDown", "written"]


def test_s3_can_be_slow(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("slow", service="s3", schedule="late", value=0.5, times=1)
    script = (
        "import os, time, boto3\n"
        "s3 = boto3.client('s3')\n"
        "begun = time.monotonic()\n"
        "s3.put_object(Bucket=os.environ['BUCKET'], Key='runs/demo/late/x', Body=b'x')\n"
        "print(time.monotonic() - begun >= 0.5)"
    )
    arn = platform.run(script, group="late")
    platform.rehearsal.await_status(arn, "STOPPED")
    assert lines(platform, arn) == ["True"]


def test_a_fault_that_does_not_exist_is_refused_with_those_that_do(platform: Platform) -> None:
    with pytest.raises(ConfigError, match="there is no fault 'pull-fail'") as caught:
        platform.rehearsal.engine.add_fault("pull-fail")
    assert "pull-fails" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("service", "call"),
    [("cloudformation", "describe_stacks"), ("iam", "list_roles"), ("sts", "get_caller_identity")],
)
def test_a_throttled_call_of_the_query_protocol_is_throttled_for_boto3(
    platform: Platform, service: str, call: str
) -> None:
    platform.rehearsal.engine.add_fault("throttling", service=service, times=1)
    client = platform.rehearsal.aws(service, retries={"total_max_attempts": 1})
    with pytest.raises(ClientError) as caught:
        getattr(client, call)()
    assert caught.value.response["Error"]["Code"] == "Throttling"


def test_the_engines_own_calls_are_spared(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("error", service="ecs", schedule="nobody-else")
    platform.rehearsal.engine.add_fault("throttling", service="scheduler", times=1)
    assert platform.rehearsal.engine.status()["schedules"] is not None
    assert len(platform.rehearsal.engine.faults()["faults"]) == 2


def test_the_record_tells_of_the_interruption(platform: Platform) -> None:
    platform.rehearsal.engine.add_fault("spot-interruption", times=1, value=0.0)
    arn = platform.run("import time; time.sleep(60)")
    platform.rehearsal.await_status(arn, "STOPPED")
    group = platform.platform["LifecycleLogGroupName"]

    def recorded() -> bool:
        details = [json.loads(line)["detail"] for line in platform.rehearsal.log_lines(group)]
        mine = [row for row in details if row["taskArn"] == arn]
        return any(row.get("stopCode") == "SpotInterruption" for row in mine)

    eventually(recorded)


STREAM = """
import os, signal, socket, sys
host, _, port = os.environ["BASE_URL"].removeprefix("ws://").rpartition(":")
end = socket.create_connection((host, int(port)))
signal.signal(signal.SIGTERM, lambda *_: (print("undisturbed"), sys.exit()))
print("connected", flush=True)
try:
    print("closed" if end.recv(1) == b"" else "data")
except ConnectionResetError:
    print("reset")
"""


def test_one_stream_can_be_cut_off_and_another_does_not_notice(platform: Platform) -> None:
    engine = platform.rehearsal.engine
    led = platform.overrides(STREAM, BASE_URL=engine.feed_url())
    engine.add_fault("network-cut", schedule="struck", times=1, value=0.5)
    spared = platform.run(group="spared", overrides=led)
    platform.rehearsal.await_status(spared, "RUNNING")
    eventually(lambda: "connected" in lines(platform, spared))
    struck = platform.run(group="struck", overrides=led)
    platform.rehearsal.await_status(struck, "STOPPED")
    assert lines(platform, struck) == ["connected", "reset"]
    platform.rehearsal.aws("ecs").stop_task(cluster=APP, task=spared)
    platform.rehearsal.await_status(spared, "STOPPED")
    assert lines(platform, spared) == ["connected", "undisturbed"]
