"""The verdict: every kind of evidence, and every way in which it can be missing."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from toolkit.core.checks import Status
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import Evidence, StoredObject, tasks_of
from toolkit.core.proof.expectation import Expectation, TaskDefinition
from toolkit.core.proof.log_digest import LogDigest
from toolkit.core.proof.log_digest import digest as digest_of
from toolkit.core.proof.verdict import Ruling, Verdict, judge
from toolkit.core.task import Task
from toolkit.runtime.catalog import Catalog
from toolkit.runtime.contract import Artifact, Claim, Gate, Manifest, Outcome, RunId

RUN_ID = "weather-20261124T050000Z"
DUE = datetime(2026, 11, 24, 5, tzinfo=UTC)
LATER = DUE + timedelta(hours=1)
ARN = "arn:aws:ecs:us-east-1:123456789012:task/app/0123456789abcdef"
OTHER = "arn:aws:ecs:us-east-1:123456789012:task/app/fedcba9876543210"
WORKLOAD = Catalog.parse(
    """
[workloads.weather]
summary = "weather"
entry_point = "x:run"
cpu = 256
memory = 512
max_runtime_seconds = 60
events = ["weather.fitted"]
gates = ["sk*"]
[workloads.weather.artifacts]
"a.csv" = { media_type = "text/csv", min_rows = 2 }
"""
).workload("weather")
EXPECTATION = Expectation.deployed(WORKLOAD.row())
DEFINITION = TaskDefinition(
    "arn:aws:ecs:us-east-1:123456789012:task-definition/app-weather:7",
    "repo@sha256:00",
    EXPECTATION.digest,
    {"WORKLOAD": "weather"},
)
SAVED = {"name": "a.csv", "bytes": 10, "sha256": "ab", "rows": 3}
LINES = [
    json.dumps({"seq": seq, "run_id": RUN_ID, "event": event, **(SAVED if seq == 3 else {})})
    for seq, event in enumerate(
        ["run.started", "weather.fitted", "artifact.saved", "run.finished"], 1
    )
]
TASK = Task.parse(
    {
        "taskArn": ARN,
        "taskDefinitionArn": DEFINITION.arn,
        "lastStatus": "STOPPED",
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [
            {
                "name": "workload",
                "exitCode": 0,
                "image": "repo@sha256:00",
                "imageDigest": "sha256:00",
            }
        ],
        "createdAt": DUE + timedelta(seconds=2),
        "startedAt": DUE + timedelta(seconds=20),
        "stoppedAt": DUE + timedelta(seconds=61),
        "overrides": {
            "containerOverrides": [
                {
                    "name": "workload",
                    "environment": [
                        {"name": "SCHEDULE", "value": "weather"},
                        {"name": "SCHEDULED_TIME", "value": "2026-11-24T05:00:00Z"},
                    ],
                }
            ]
        },
        "version": 6,
    }
)


def digest(lines: list[str]) -> LogDigest:
    return digest_of(RUN_ID, lines)


KEY = f"runs/weather/{RUN_ID}/a.csv"
MANIFEST = Manifest(
    run_id=RUN_ID,
    workload="weather",
    schedule="weather",
    outcome=Outcome.SUCCEEDED,
    scheduled_time="2026-11-24T05:00:00.000Z",
    started_at="2026-11-24T05:00:20.000Z",
    finished_at="2026-11-24T05:01:00.000Z",
    task_arn=ARN,
    image="repo@sha256:00",
    image_digest="sha256:00",
    environment={
        "SCHEDULE": "weather",
        "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
        "WORKLOAD": "weather",
    },
    settings={},
    artifacts=(Artifact("a.csv", KEY, 10, "ab", "text/csv", 3),),
    metrics={},
    gates=(Gate("skill", 0.2, ">=", 0.1),),
    log_lines=4,
)
STORED = StoredObject(
    f"ledger/weather/{RUN_ID}.succeeded.json", 900, "cd", "2026-11-24T05:01:00.000Z"
)
GOOD = Evidence(
    run_id=RUN_ID,
    gathered_at="2026-11-24T06:00:00.000Z",
    claim=Claim(RUN_ID, ARN, "2026-11-24T05:00:20.000Z"),
    manifests=(MANIFEST,),
    objects={KEY: StoredObject(KEY, 10, "ab", media_type="text/csv")},
    tasks=(TASK,),
    logs=digest(LINES),
    expectation=EXPECTATION,
    task_definition=DEFINITION,
    ledger=(STORED,),
)


def verdict(evidence: Evidence = GOOD, now: datetime = LATER, **changes: object) -> Verdict:
    return judge(evolve(evidence, **changes), now)


def detail(found: Verdict, name: str) -> tuple[Status, str]:
    check = next(check for check in found.checks if check.name == name)
    return check.status, check.detail + " ".join(child.detail for child in check.children)


def test_a_run_with_all_its_evidence_passes() -> None:
    found = verdict()
    assert found.ruling is Ruling.PASS
    assert found.diagnosis is None
    assert "2.0 s late" in detail(found, "launch")[1]
    assert "41.0 s" in detail(found, "lifecycle")[1]


def test_the_same_evidence_gives_the_same_verdict_after_a_round_trip_through_json() -> None:
    again = Evidence.from_json(GOOD.to_json())
    assert evolve(again, expectation=GOOD.expectation) == GOOD
    again = evolve(again, expectation=GOOD.expectation)
    assert verdict(again, LATER + timedelta(days=900)) == verdict()


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ({}, "not in the bucket"),
        ({KEY: StoredObject(KEY, 11, "ab")}, "11 bytes in the bucket"),
        ({KEY: StoredObject(KEY, 10, "cd")}, "altered"),
        ({KEY: StoredObject(KEY, 10, None)}, "written by someone else"),
    ],
)
def test_an_artifact_that_is_not_what_the_manifest_says_fails(
    objects: dict[str, StoredObject], reason: str
) -> None:
    found = verdict(objects=objects)
    assert found.ruling is Ruling.FAIL
    status, text = detail(found, "artifacts")
    assert status is Status.FAIL
    assert reason in text


@pytest.mark.parametrize(
    ("artifacts", "reason"),
    [
        ((), "left none|did not make it"),
        ((evolve(MANIFEST.artifacts[0], rows=1),), "expected 2"),
        ((evolve(MANIFEST.artifacts[0], rows=None),), "expected 2"),
    ],
)
def test_exit_code_zero_without_the_expected_artifacts_fails(
    artifacts: tuple[Artifact, ...], reason: str
) -> None:
    found = verdict(manifests=(evolve(MANIFEST, artifacts=artifacts),))
    assert found.ruling is Ruling.FAIL
    assert any(part in detail(found, "artifacts")[1] for part in reason.split("|"))


def test_a_claim_without_a_manifest_fails_once_the_task_has_stopped() -> None:
    found = verdict(manifests=(), objects={})
    assert found.ruling is Ruling.FAIL
    assert "never committed" in detail(found, "manifest")[1]


def test_a_running_task_is_inconclusive() -> None:
    running = evolve(TASK, last_status="RUNNING", stop_code=None, exit_code=None, times={})
    found = verdict(manifests=(), objects={}, tasks=(running,), logs=digest(LINES[:1]))
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "still runs" in detail(found, "manifest")[1]


def test_a_missing_exit_code_is_never_success() -> None:
    never = evolve(TASK, stop_code="TaskFailedToStart", exit_code=None, stopped_reason="Cannot")
    found = verdict(tasks=(never,))
    assert found.ruling is Ruling.FAIL
    assert found.diagnosis is not None
    assert found.diagnosis.name == "never-started"


def test_a_task_that_was_never_seen_is_inconclusive_even_with_all_artifacts() -> None:
    found = verdict(tasks=())
    assert found.ruling is Ruling.INCONCLUSIVE


def test_no_trace_at_all_is_inconclusive() -> None:
    found = judge(Evidence(RUN_ID, "2026-11-24T06:00:00.000Z"), LATER)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "no trace" in detail(found, "manifest")[1]


def test_a_run_in_the_future_is_not_due() -> None:
    early = DUE - timedelta(hours=1)
    found = judge(Evidence(RUN_ID, "2026-11-24T04:00:00.000Z"), early)
    assert found.ruling is Ruling.INCONCLUSIVE
    assert "not due before" in detail(found, "launch")[1]


def test_out_of_memory_with_exit_code_zero_fails() -> None:
    killed = evolve(TASK, container_reason="OutOfMemoryError: Container killed due to memory usage")
    found = verdict(tasks=(killed,))
    assert found.ruling is Ruling.FAIL
    assert found.diagnosis is not None
    assert found.diagnosis.name == "out-of-memory"


@pytest.mark.parametrize(
    ("code", "stop_code", "name"),
    [
        (1, "EssentialContainerExited", "failed"),
        (64, "EssentialContainerExited", "bad-settings"),
        (124, "EssentialContainerExited", "timed-out"),
        (137, "EssentialContainerExited", "killed"),
        (139, "EssentialContainerExited", "segmentation-fault"),
        (143, "EssentialContainerExited", "interrupted"),
        (143, "UserInitiated", "stopped-by-user"),
        (143, "SpotInterruption", "spot-interruption"),
        (3, "EssentialContainerExited", "exit-code"),
        (3, "SomethingNewByAws", "exit-code"),
    ],
)
def test_every_ending_has_its_diagnosis(code: int, stop_code: str, name: str) -> None:
    found = verdict(tasks=(evolve(TASK, exit_code=code, stop_code=stop_code),))
    assert found.ruling is Ruling.FAIL
    assert found.diagnosis is not None
    assert found.diagnosis.name == name
    assert found.diagnosis.hint


def test_a_duplicate_delivery_that_was_suppressed_passes() -> None:
    found = verdict(tasks=(TASK, evolve(TASK, task_arn=OTHER)))
    assert found.ruling is Ruling.PASS
    assert "2 tasks for this firing" in detail(found, "launch")[1]


def test_a_duplicate_delivery_that_failed_is_told() -> None:
    found = verdict(tasks=(TASK, evolve(TASK, task_arn=OTHER, exit_code=1)))
    assert detail(found, "launch")[0] is Status.FAIL


def test_a_dead_letter_fails_the_launch() -> None:
    letter = DeadLetter("ClusterNotFoundException", "Cluster not found.")
    empty = Evidence(RUN_ID, "2026-11-24T06:00:00.000Z", dead_letters=(letter,))
    found = judge(empty, LATER)
    assert found.ruling is Ruling.FAIL
    assert "ClusterNotFoundException" in detail(found, "launch")[1]


def test_a_lost_log_line_fails_once_the_log_has_settled() -> None:
    lost = digest([LINES[0], *LINES[2:]])
    assert verdict(logs=lost).ruling is Ruling.FAIL
    assert verdict(logs=lost, now=DUE + timedelta(seconds=70)).ruling is Ruling.INCONCLUSIVE


def test_a_log_without_an_expected_event_fails() -> None:
    without = digest([LINES[0], LINES[1].replace("weather.fitted", "other"), *LINES[2:]])
    found = verdict(logs=without)
    assert "without weather.fitted" in detail(found, "logs")[1]


def test_a_failed_gate_fails() -> None:
    bad = evolve(MANIFEST, gates=(Gate("skill", 0.05, ">=", 0.1),))
    assert detail(verdict(manifests=(bad,)), "quality")[0] is Status.FAIL


def test_two_manifests_of_one_run_fail() -> None:
    second = evolve(MANIFEST, outcome=Outcome.INTERRUPTED)
    assert verdict(manifests=(MANIFEST, second)).ruling is Ruling.FAIL


def test_evidence_that_could_not_be_read_is_never_success() -> None:
    found = verdict(problems=("the log group could not be read",))
    assert found.ruling is Ruling.INCONCLUSIVE


def test_the_latest_record_of_a_task_wins_and_other_runs_are_left_out() -> None:
    old = evolve(TASK, last_status="RUNNING", version=3)
    other = evolve(TASK, task_arn=OTHER, environment={**TASK.environment, "SCHEDULE": "x"})
    on_demand = evolve(
        TASK, task_arn=OTHER + "0", environment={**TASK.environment, "RUN_TOKEN": "abcdef"}
    )
    found = tasks_of(RunId.parse(RUN_ID), [TASK, old, other, on_demand])
    assert found == (TASK,)
