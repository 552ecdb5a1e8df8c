"""Firings as the ledger tells them, and the verdicts on those that left little or nothing."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from attrs import frozen

from toolkit.runtime.contract import RunId

from .stage import (
    APP,
    WAITS,
    Definition,
    Spoil,
    Stage,
    Verdict,
    assert_told,
    rehearses,
    rehearses_all,
    unspoiled,
)

DAILY = "cron(0 7 * * ? *)"


def running(spoil: Spoil, **env: str) -> Spoil:
    """A target with a spoiled task definition, or with other settings."""

    def change(stage: Stage, target: Definition) -> None:
        target["EcsParameters"]["TaskDefinitionArn"] = stage.register(spoil)
        text = json.loads(target["Input"])
        rows = [{"name": name, "value": value} for name, value in env.items()]
        text["containerOverrides"][0]["environment"] += rows
        target["Input"] = json.dumps(text)

    return change


def untrusted_role(stage: Stage, target: Definition) -> None:
    target["RoleArn"] = stage.role("not-for-scheduler", "lambda", {"Action": "*"})


def powerless_role(stage: Stage, target: Definition) -> None:
    target["RoleArn"] = stage.role("letters-only", "scheduler", {"Action": "sqs:SendMessage"})


@frozen
class Case:
    """A schedule of every morning, what goes wrong with it, and how ledger and verdict call it."""

    state: str | None
    diagnosis: str
    spoil: Spoil = unspoiled
    fault: str | None = None
    state_of_schedule: str = "ENABLED"
    ruling: str = "FAIL"


CASES = {
    "doubled": Case("duplicate-suppressed", "duplicate", fault="duplicate", ruling="PASS"),
    "gated": Case("failed", "failed", running(unspoiled, MIN_SKILL_PERSISTENCE="1")),
    "overdue": Case("timed-out", "timed-out", running(WAITS, MAX_RUNTIME_SECONDS="1")),
    "reclaimed": Case("interrupted", "spot-interruption", running(WAITS), "spot-interruption"),
    "shot": Case("launched-but-no-artifact", "killed", running(WAITS), "killed"),
    "imageless": Case("launched-but-no-artifact", "image-pull", fault="pull-fails"),
    "powerless": Case("dead-lettered", "run-task-denied", powerless_role),
    # RunTask's failures come with HTTP 200: for Scheduler the firing is delivered.
    "crowded": Case("missed", "missed", fault="capacity"),
    # Scheduler sends dead letters with the same role.
    "untrusted": Case("missed", "missed", untrusted_role),
    "off": Case(None, "schedule-disabled", state_of_schedule="DISABLED", ruling="INCONCLUSIVE"),
}


@pytest.fixture(scope="module")
def morning(stage: Stage) -> Iterator[datetime]:
    """All schedules have fired once, at this time."""
    # Early in the day, seven o'clock would come twice before the next day's noon.
    eight = stage.now().replace(hour=8, minute=0, second=0)
    if stage.now() < eight:
        list(stage.engine.advance(until=eight.isoformat()))
    noon = (eight + timedelta(days=1)).replace(hour=12)
    names = []
    for label, case in CASES.items():
        state = case.state_of_schedule
        names.append(stage.schedule(label, case.spoil, ScheduleExpression=DAILY, State=state))
        if case.fault is not None:
            stage.add_fault(case.fault, label)
    # 06:00 in Berlin comes first, and is nobody's concern here.
    list(stage.engine.advance(until=noon.isoformat()))
    yield noon.replace(hour=7)
    for name in names:
        stage.aws("scheduler").delete_schedule(Name=name, GroupName=APP)


@pytest.fixture(scope="module")
def ledger(stage: Stage, morning: datetime) -> dict[str, str]:
    """Label → state, of one `toolkit ledger`."""
    since = (morning - timedelta(hours=1)).isoformat()
    answer = stage.project.toolkit("ledger", "--local", "--json", "--since", since, code=1).json()
    return {
        row["schedule"].partition("-")[2]: row["state"]
        for row in answer["firings"]
        if row["expected"] and row["scheduled_time"] == morning.isoformat()
    }


@pytest.fixture(scope="module")
def verdicts(stage: Stage, morning: datetime) -> dict[str, Verdict]:
    """Everything is over by noon, so there is nothing to wait for."""
    runs = [RunId(f"weather-{label}", morning) for label in CASES]
    return stage.judge(runs, "--timeout", "0")


@pytest.mark.parametrize("label", CASES)
def test_the_ledger_calls_a_firing_by_its_state(ledger: dict[str, str], label: str) -> None:
    assert ledger.get(label) == CASES[label].state


@rehearses_all(CASES)
def test_a_firing_is_told_by_its_name(
    verdicts: dict[str, Verdict], label: str, diagnosis: str
) -> None:
    assert_told(verdicts[label], diagnosis, CASES[label].ruling)


def test_status_tells_the_latest_firing_whatever_became_of_it(
    stage: Stage, morning: datetime
) -> None:
    answer = stage.project.toolkit("status", "--local", "--json").json()
    last = {row["name"].partition("-")[2]: row["last"] for row in answer["schedules"]}
    told = {label: last[label] and last[label]["state"] for label in CASES}
    assert told == {label: case.state for label, case in CASES.items()} | {"doubled": "ok"}
    words = stage.project.toolkit("status", "--local").out
    assert "weather-shot       no artifact" in words
    assert "weather-crowded    missed" in words


def test_runs_are_those_that_ran_whether_or_not_they_could_say_so(
    stage: Stage, morning: datetime, slow_station: tuple[str, threading.Event]
) -> None:
    patient = ("SOURCE=ghcn-daily", f"STATION_URL={slow_station[0]}", "FETCH_SECONDS=600")
    env = [word for setting in patient for word in ("-e", setting)]
    stage.engine.add_fault("killed", schedule="weather", times=1, value=15.0)
    on_demand = stage.project.toolkit("run", "weather", "--local", "--json", *env).json()
    stage.claimed(RunId.parse(on_demand["run_id"]))
    since = ("--since", (morning - timedelta(hours=1)).isoformat())
    assert stage.project.toolkit("runs", "--local", *since).out.startswith("running ")
    stage.judge([RunId.parse(on_demand["run_id"])])
    rows = stage.project.toolkit("runs", "--local", "--json", *since).json()
    found = {row["run_id"]: row["state"] for row in rows}
    assert found[on_demand["run_id"]] == "launched-but-no-artifact"
    ran = {label: found.get(str(RunId(f"weather-{label}", morning))) for label in CASES}
    never = {"missed", "dead-lettered"}
    states = {k: None if c.state in never else c.state for k, c in CASES.items()}
    assert ran == states | {"doubled": "ok"}


@pytest.fixture(scope="module")
def unexpected(stage: Stage, morning: datetime) -> dict[str, Verdict]:
    """Runs that no schedule owed, judged by one command."""
    now = stage.now()
    stage.schedule("ended", EndDate=now + timedelta(minutes=1))
    stage.settle()
    runs = {
        "not-a-firing": RunId("weather-doubled", morning + timedelta(hours=1)),
        "not-deployed": RunId("weather-gated", morning - timedelta(days=30)),
        "outside-window": RunId("weather-ended", now + timedelta(seconds=80)),
    }
    found = stage.judge(runs.values(), "--timeout", "0", code=4)
    return {name: found[run_id.schedule.partition("-")[2]] for name, run_id in runs.items()}


@rehearses("not-a-firing", "not-deployed", "outside-window")
def test_what_was_not_to_happen_is_inconclusive(
    unexpected: dict[str, Verdict], diagnosis: str
) -> None:
    assert_told(unexpected[diagnosis], diagnosis, "INCONCLUSIVE")
