"""Every recorded payload has its diagnosis; every diagnosis has a payload or a case below.

`tests/payloads` holds what AWS answers, in the shape that its documentation gives (``source``).
"""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from toolkit.core.causes import diagnosis as table
from toolkit.core.causes.diagnosis import Diagnosis, diagnose, diagnose_launch, explain
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import Evidence, StoredObject, run_of
from toolkit.core.proof.verdict import Ruling, judge
from toolkit.core.task import Task
from toolkit.runtime.contract import Outcome

from .test_stop_reasons import WRITTEN
from .test_verdict import (
    DUE,
    GOOD,
    KEY,
    LATER,
    LINES,
    MANIFEST,
    OTHER,
    RUN_ID,
    TASK,
    digest,
    verdict,
)

PAYLOADS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((Path(__file__).parents[1] / "payloads").glob("*.json"))
}


def read(document: dict[str, Any]) -> Diagnosis | None:
    """Take a payload through the code that takes it from AWS."""
    payload, kind = document["payload"], document["kind"]
    if kind == "DescribeTasks":
        return diagnose(Task.parse(payload["tasks"][0]))
    if kind == "ECS Task State Change":
        return diagnose(Task.parse(payload["detail"], source="record"))
    if kind == "RunTask failures":
        row = payload["failures"][0]
        return diagnose_launch(row["reason"], row.get("detail", ""))
    if kind == "RunTask error":
        return diagnose_launch(payload["Error"]["Code"], payload["Error"]["Message"])
    letter = DeadLetter.parse(payload)
    assert letter is not None
    return diagnose_launch(letter.error_code, letter.error_message)


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_gets_its_diagnosis(name: str) -> None:
    found = read(PAYLOADS[name])
    assert (found.name if found else None) == PAYLOADS[name]["expect"]
    if found is not None:
        assert all((found.summary, found.meaning, found.hint))


@pytest.mark.parametrize("kind", ["task", "launch"])
def test_every_row_of_the_table_is_reached_by_a_payload(kind: str) -> None:
    rows = {row.diagnosis.name for row in table._table()[kind]}
    reached = {document["expect"] for document in PAYLOADS.values()}
    reached |= {row["expect"] for row in WRITTEN.values()} if kind == "task" else set()
    assert rows - reached == set()


@pytest.mark.parametrize(
    "name",
    [name for name, document in PAYLOADS.items() if document["kind"] == "ECS Task State Change"],
)
def test_a_record_alone_makes_a_verdict_when_ecs_has_forgotten_the_task(name: str) -> None:
    task = Task.parse(PAYLOADS[name]["payload"]["detail"], source="record")
    assert str(run_of(task)) == RUN_ID
    found = verdict(claim=None, manifests=(), objects={}, tasks=(task,), logs=None)
    expect = PAYLOADS[name]["expect"]
    if expect is None:
        assert found.ruling in {Ruling.FAIL, Ruling.INCONCLUSIVE}
    else:
        assert found.ruling is Ruling.FAIL
        assert found.diagnosis is not None
        assert found.diagnosis.name == expect


def test_a_dead_letter_knows_its_run_also_from_its_body_alone() -> None:
    message = PAYLOADS["letter-cluster"]["payload"]
    letter = DeadLetter.parse(message)
    assert letter is not None
    assert str(letter.run_id) == RUN_ID
    del message["MessageAttributes"]["SCHEDULED_TIME"]
    again = DeadLetter.parse(message)
    assert again is not None
    assert again.run_id == letter.run_id
    assert DeadLetter.parse({"MessageId": "x", "Body": "hello"}) is None


RETRIED = evolve(TASK, task_arn=OTHER, exit_code=1)
LEFT = {KEY: StoredObject(KEY, 10)}
EMPTY = Evidence(RUN_ID, "2026-11-24T06:00:00.000Z")
FINDINGS = {
    "nothing-left": evolve(GOOD, manifests=(), objects={}),
    "artifacts-without-manifest": evolve(GOOD, manifests=(), objects=LEFT),
    "manifest-without-artifacts": evolve(GOOD, objects={}),
    "artifact-altered": evolve(GOOD, objects={KEY: StoredObject(KEY, 10, "cd")}),
    "no-artifact": evolve(GOOD, manifests=(evolve(MANIFEST, artifacts=()),)),
    "two-manifests": evolve(GOOD, manifests=(MANIFEST, evolve(MANIFEST, outcome=Outcome.FAILED))),
    "other-image": evolve(
        GOOD, tasks=(evolve(TASK, image="repo@sha256:11", image_digest="sha256:11"),)
    ),
    "log-missing": evolve(GOOD, logs=None),
    "duplicate-failed": evolve(GOOD, tasks=(TASK, RETRIED)),
    "missed": evolve(EMPTY, expected="due"),
    # ECS has not told of the end yet; the manifest has.
    "failed": evolve(GOOD, manifests=(evolve(MANIFEST, outcome=Outcome.FAILED),)),
    "timed-out": evolve(GOOD, manifests=(evolve(MANIFEST, outcome="timed-out", artifacts=()),)),
    "interrupted": evolve(GOOD, manifests=(evolve(MANIFEST, outcome=Outcome.INTERRUPTED),)),
}


@pytest.mark.parametrize("name", FINDINGS)
def test_what_only_the_whole_evidence_shows_fails_with_its_finding(name: str) -> None:
    found = judge(FINDINGS[name], LATER)
    assert found.ruling is Ruling.FAIL
    assert found.diagnosis is not None
    assert found.diagnosis.name == name
    assert not re.search("RUN_ID|NAME|FIRING|SCHEDULE", found.diagnosis.hint)


def test_a_missed_firing_has_the_command_that_runs_it() -> None:
    found = judge(FINDINGS["missed"], LATER).diagnosis
    assert found is not None
    assert "toolkit run weather --for 2026-11-24T05:00:00Z" in found.hint


def test_a_run_that_still_runs_is_told_so_and_not_that_its_log_lacks_something() -> None:
    times = {name: time for name, time in TASK.times.items() if name != "stoppedAt"}
    task = evolve(TASK, last_status="RUNNING", stop_code=None, exit_code=None, times=times)
    for manifests in ((), (MANIFEST,)):
        found = judge(
            evolve(GOOD, tasks=(task,), manifests=manifests, logs=digest(LINES[:2])),
            LATER,
        )
        assert found.ruling is Ruling.INCONCLUSIVE
        assert found.diagnosis is not None
        assert found.diagnosis.name == "still-running"
        assert "RUN_ID" not in found.diagnosis.hint


def test_a_firing_that_may_yet_be_launched_is_no_loss_of_a_log() -> None:
    found = judge(evolve(EMPTY, expected="due"), DUE + timedelta(minutes=14))
    assert found.ruling is Ruling.INCONCLUSIVE
    assert found.diagnosis is not None
    assert found.diagnosis.name == "not-launched-yet"


def test_a_run_that_nobody_knows_has_no_diagnosis() -> None:
    found = judge(evolve(EMPTY, run_id=f"{RUN_ID}-0a1b2c"), LATER)
    assert (found.ruling, found.diagnosis) == (Ruling.INCONCLUSIVE, None)


@pytest.mark.parametrize(
    "word", ["schedule-disabled", "outside-window", "not-a-firing", "not-deployed"]
)
def test_a_run_that_was_not_to_happen_is_explained_and_no_failure(word: str) -> None:
    found = judge(evolve(EMPTY, expected=word), LATER)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert found.diagnosis is not None
    assert found.diagnosis.name == word


def test_every_finding_can_be_explained() -> None:
    for row in table._table()["finding"]:
        assert explain(row.diagnosis.name) == row.diagnosis
