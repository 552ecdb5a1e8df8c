"""Firings that were missed and made good, also against a delivery that comes after all."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from toolkit.runtime.contract import RunId

from .stage import APP, Stage, detail, statuses

# Midnight in Tokyo is 15:00 UTC, all year.
DAILY, TOKYO = "cron(0 0 * * ? *)", "Asia/Tokyo"
WHY = "no capacity that afternoon"


@pytest.fixture(scope="module")
def missed(stage: Stage) -> Iterator[RunId]:
    """A firing for which Fargate had no capacity; its launch window is over."""
    three = stage.now().replace(hour=15, minute=0, second=0)
    if stage.now() > three - timedelta(hours=1):
        three += timedelta(days=1)
    name = stage.schedule("lost", ScheduleExpression=DAILY, ScheduleExpressionTimezone=TOKYO)
    stage.add_fault("capacity", "lost")
    list(stage.engine.advance(until=(three + timedelta(minutes=5)).isoformat()))
    run_id = RunId(name, three)
    early = stage.project.toolkit("run", name, "--for", due(run_id), "--local", code=2)
    assert "may still be launched by its schedule, until" in early.err
    list(stage.engine.advance(until=(three + timedelta(minutes=40)).isoformat()))
    yield run_id
    stage.aws("scheduler").delete_schedule(Name=name, GroupName=APP)


def due(run_id: RunId) -> str:
    return f"{run_id.scheduled_time:%Y-%m-%dT%H:%M:%SZ}"


def row(stage: Stage, run_id: RunId) -> dict[str, str]:
    period = ("--since", (run_id.scheduled_time - timedelta(minutes=1)).isoformat())
    only = ("--schedule", run_id.schedule)
    rows = stage.project.toolkit("ledger", "--local", "--json", *period, *only, code=None).json()
    found: dict[str, str]
    (found,) = [each for each in rows["firings"] if each["run_id"] == str(run_id)]
    return found


def manifests(stage: Stage, run_id: RunId) -> list[str]:
    prefix = f"ledger/{run_id.schedule}/{run_id}."
    found = stage.aws("s3").list_objects_v2(Bucket=stage.platform["BucketName"], Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", ())]


def test_of_a_person_and_a_late_delivery_at_once_one_commits(stage: Stage, missed: RunId) -> None:
    assert row(stage, missed)["state"] == "missed"
    flags = ("run", missed.schedule, "--for", due(missed), "--local")
    dry = stage.project.toolkit(*flags, "--why", WHY, "--dry-run").out
    midnight = missed.scheduled_time.astimezone(ZoneInfo(TOKYO))
    words = f"{midnight:%a %d %b %Y} 00:00 JST ({due(missed)})"
    assert dry.startswith(f"would run {missed}\n  due   {words}\n  late  0:40:")
    wall = stage.project.toolkit(*flags[:3], f"{midnight:%Y-%m-%d}", "--local", "--dry-run")
    assert wall.out.startswith(f"would run {missed}\n  due   {words}\n")
    assert f"--for {midnight:%Y-%m-%d}: {words}" in wall.err
    assert row(stage, missed)["state"] == "missed"

    def deliver() -> None:
        list(stage.engine.fire(missed.schedule, scheduled_time=missed.scheduled_time.isoformat()))

    late = threading.Thread(target=deliver)
    late.start()
    made = stage.project.toolkit(*flags, "--why", WHY, code=None)
    late.join()
    stage.committed(missed)
    verdict = stage.judge([missed], code=0)["lost"]
    assert verdict["ruling"] == "PASS", verdict["checks"]
    assert len(manifests(stage, missed)) == 1
    assert made.code in (0, 2)
    again = stage.project.toolkit(*flags, code=2).err
    assert f"{missed} has run: ledger/" in again


@pytest.fixture(scope="module")
def made_good(stage: Stage, missed: RunId) -> RunId:
    """The next firing, missed too and made good."""
    run_id = RunId(missed.schedule, missed.scheduled_time + timedelta(days=1))
    stage.add_fault("capacity", "lost")
    until = run_id.scheduled_time + timedelta(hours=2)
    list(stage.engine.advance(until=until.isoformat()))
    flags = ("--local", "--why", WHY, "--follow", "--json")
    stage.project.toolkit("run", run_id.schedule, "--for", due(run_id), *flags)
    return run_id


def test_who_why_and_how_late_stand_in_the_manifest_and_everywhere(
    stage: Stage, made_good: RunId
) -> None:
    (key,) = manifests(stage, made_good)
    body = stage.aws("s3").get_object(Bucket=stage.platform["BucketName"], Key=key)["Body"]
    manifest = json.loads(body.read())
    caller = stage.aws("sts").get_caller_identity()["Arn"]
    assert (manifest["made_good"]["by"], manifest["made_good"]["why"]) == (caller, WHY)
    assert manifest["made_good"]["late_seconds"] >= 7200
    found = row(stage, made_good)
    assert found["state"] == "ok (made good)"
    assert found["detail"].endswith(f"by {caller}: {WHY}")
    verdict = stage.judge([made_good], code=0)["lost"]
    assert set(statuses(verdict).values()) == {"OK"}
    assert WHY in detail(verdict, "launch")
    status = stage.project.toolkit("status", "--local", "--json").json()
    last = {each["name"]: each["last"] for each in status["schedules"]}[made_good.schedule]
    assert last["state"] == "ok (made good)"


def test_a_delivery_that_comes_after_all_touches_nothing(stage: Stage, made_good: RunId) -> None:
    before = manifests(stage, made_good)
    due_then = made_good.scheduled_time.isoformat()
    list(stage.engine.fire(made_good.schedule, scheduled_time=due_then))
    assert manifests(stage, made_good) == before
    assert row(stage, made_good)["state"] == "ok (made good)"
    verdict = stage.judge([made_good], code=0)["lost"]
    assert "2 tasks for this firing" in detail(verdict, "launch")


@pytest.mark.parametrize(
    ("shift", "problem"),
    [
        (timedelta(minutes=7), "was not due: the schedule does not fire at that time"),
        (timedelta(days=-900), "was not due: no such schedule was deployed then"),
        (timedelta(days=1), "is not due yet"),
    ],
)
def test_what_was_not_due_cannot_be_made_good(
    stage: Stage, made_good: RunId, shift: timedelta, problem: str
) -> None:
    time = f"{made_good.scheduled_time + shift:%Y-%m-%dT%H:%M:%SZ}"
    answer = stage.project.toolkit(
        "run", made_good.schedule, "--for", time, "--local", "--dry-run", code=2
    )
    assert problem in " ".join(answer.err.split())
