"""What AWS wrote of stopped tasks gets its class, whatever the things in it are called."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.core.causes import diagnosis as table
from toolkit.core.causes import stop_reason
from toolkit.core.causes.diagnosis import diagnose, diagnose_launch, diagnose_reason
from toolkit.core.causes.stop_reason import StopReason
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.verdict import judge
from toolkit.core.task import Task
from toolkit.core.words import without_names

from .test_verdict import GOOD, LATER, LINES, TASK, digest

REASONS = Path(__file__).parents[1] / "reasons"
# The words stand in its log only, which DescribeTasks does not tell.
IN_THE_LOG = "end-11"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (REASONS / name).read_text("utf-8").splitlines()]


MET = {row["id"]: row for row in rows("met.jsonl")}
WRITTEN = dict(enumerate(rows("written.jsonl")))


def met_task(row: dict[str, Any]) -> Task:
    keys = ("stopCode", "stoppedReason", "containers")
    found = {key: row[key] for key in keys if key in row}
    return Task.parse({"taskArn": "arn", "lastStatus": "STOPPED", **found})


def written_task(row: dict[str, Any], reason: str | None = None) -> Task:
    return Task(
        task_arn="arn",
        last_status="STOPPED",
        stop_code=row["stopCode"],
        stopped_reason=row["stoppedReason"] if reason is None else reason,
        exit_code=row.get("exitCode"),
        container_reason=row.get("containerReason"),
    )


def name_of(task: Task) -> str | None:
    found = diagnose(task)
    return found.name if found else None


@pytest.mark.parametrize("case", [case for case in MET if case != IN_THE_LOG])
def test_a_reason_that_people_met_gets_a_right_class(case: str) -> None:
    assert name_of(met_task(MET[case])) in MET[case]["accept"]


def test_a_program_for_another_platform_is_known_by_its_log() -> None:
    task = met_task(MET[IN_THE_LOG])
    found = diagnose(task, log=["exec /sbin/tini: exec format error"])
    assert found is not None
    assert found.name in MET[IN_THE_LOG]["accept"]
    assert name_of(task) == "failed"


@pytest.mark.parametrize("number", WRITTEN)
def test_a_documented_reason_gets_its_class(number: int) -> None:
    assert name_of(written_task(WRITTEN[number])) == WRITTEN[number]["expect"]


# An app, a role, a secret or a log group may have any of these names.
HOSTILE = (
    "data-platform",
    "secrets-sync",
    "timeout-denied",
    "not-found",
    "no-space-left",
    "awslogs-capacity",
    "env-files",
    "efs-volume",
    "quota-limit",
    "exec-format-error",
    "out-of-memory-check",
    "too-many-requests",
    "network-interface",
)
NAMES = re.compile(r"\b(weather|nightly|secrets-sync|data-platform|log-driver-AbCdEf|capacity)\b")


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_decides_anything(name: str) -> None:
    for row in WRITTEN.values():
        if not re.search(r"\bcapacity (is|provider)", row["stoppedReason"]):
            renamed = NAMES.sub(name, row["stoppedReason"])
            assert name_of(written_task(row, renamed)) == row["expect"], renamed
    for row in MET.values():
        expected = name_of(met_task(row))
        renamed = NAMES.sub(name, row["stoppedReason"])
        assert name_of(met_task({**row, "stoppedReason": renamed})) == expected, renamed


@pytest.mark.parametrize("word", ["timeout", "denied", "platform", "secrets", "forbidden", "efs"])
def test_a_plain_word_that_is_a_name_decides_nothing(word: str) -> None:
    missing = (
        f"CannotPullContainerError: Error response from daemon: manifest for {word}:1 not found"
    )
    pull = (
        f"CannotPullContainerError: pull access denied for {word}, repository does not exist: {{}}"
    )
    route = "dial tcp 10.0.0.1:443: i/o timeout"
    assert StopReason.parse(f"{missing}: manifest unknown").cause == "missing"
    assert StopReason.parse(pull.format("manifest unknown")).cause == "missing"
    quoted = f"CannotPullContainerError: The task can't pull the image '{word}' from ECR. {route}"
    assert StopReason.parse(quoted).cause == "unreachable"


@settings(max_examples=examples(200))
@given(st.data())
def test_line_breaks_are_white_space(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(list(WRITTEN.values())))
    blanks = st.sampled_from([" ", "\n", "\r\n", "\t", "  ", "\n\t", "\u00a0", " \n "])
    text = re.sub(" ", lambda _: data.draw(blanks), row["stoppedReason"])
    assert name_of(written_task(row, text)) == row["expect"]


@given(st.text())
def test_any_text_is_a_reason(text: str) -> None:
    found = StopReason.parse(text)
    assert found.step is None or found.step in {row.name for row in stop_reason._words()["step"]}
    assert isinstance(without_names(text), str)
    diagnose_reason(text)
    diagnose(Task("arn", "STOPPED", stop_code="TaskFailedToStart", stopped_reason=text))
    diagnose_launch("ClientException", text)


def test_a_reason_has_its_parts() -> None:
    found = StopReason.parse(MET["pull-31"]["stoppedReason"])
    assert (found.step, found.cause) == ("pull", "unreachable")
    assert found.errors == ("CannotPullContainerError",)
    assert found.retries == 1
    assert found.ref is not None
    assert "/data-platform@sha256:" in found.ref
    assert found.chain[-1] == "i/o timeout"
    assert StopReason.parse(MET["pull-14"]["stoppedReason"]).status == 403
    denied = StopReason.parse(MET["pull-24"]["stoppedReason"])
    assert denied.errors == ("CannotPullECRContainerError", "AccessDeniedException")
    assert denied.action == "ecr:GetAuthorizationToken"


@pytest.mark.parametrize(
    ("case", "registry"),
    [
        ("pull-04", "docker.io"),
        ("pull-09", "registry-1.docker.io"),
        ("pull-17", "docker.io"),
        ("pull-14", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
        ("pull-13", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
        ("pull-05", None),
        ("pull-27", None),
        ("init-04", None),
    ],
)
def test_a_reason_names_the_registry(case: str, registry: str | None) -> None:
    assert StopReason.parse(MET[case]["stoppedReason"]).registry == registry


def test_the_hint_names_a_registry_that_is_not_of_aws() -> None:
    for case, words in (("pull-04", "at docker.io"), ("pull-17", "to reach docker.io")):
        found = diagnose(met_task(MET[case]))
        assert found is not None
        assert words in found.hint
        assert "ecr.dkr" not in found.hint
    found = diagnose(met_task(MET["pull-18"]))
    assert found is not None
    assert "VPC endpoints for ecr.api" in found.hint


def test_no_hint_keeps_a_placeholder_for_the_registry() -> None:
    for row in (*MET.values(), *WRITTEN.values()):
        found = diagnose_reason(row["stoppedReason"])
        assert found is None or "REGISTRY" not in found.hint


def test_advice_decides_only_where_nothing_else_speaks() -> None:
    advice = (
        "CannotPullContainerError: The task can't pull the image. Check your network configuration."
    )
    assert StopReason.parse(advice).cause == "unreachable"
    assert (
        StopReason.parse(f"{advice} Error response from daemon: manifest unknown").cause
        == "missing"
    )


def test_a_failed_start_that_wraps_a_failed_initialization_is_a_failed_start() -> None:
    assert (
        StopReason.parse("CannotStartContainerError: ResourceInitializationError: x").step
        == "start"
    )
    assert (
        StopReason.parse("ResourceInitializationError: CannotStartContainer x").step == "resource"
    )


def test_what_a_person_gave_as_reason_is_free_text() -> None:
    for text in (row["stoppedReason"] for row in (*MET.values(), *WRITTEN.values())):
        task = Task("arn", "STOPPED", "", "UserInitiated", text, 143)
        assert name_of(task) == "stopped-by-user"


def test_what_passes_by_itself_says_so() -> None:
    passing = ("unexpected EOF", "503 Service Unavailable", "panic: nil pointer dereference")
    for words in passing:
        found = diagnose_reason(f"CannotPullContainerError: failed to copy: {words}")
        assert found is not None
        assert "passes by itself" in found.meaning
        assert found.hint.startswith("run it again")
    for row in table._table()["task"]:
        if "passes by itself" in row.diagnosis.meaning:
            assert "run it again" in row.diagnosis.hint


@pytest.mark.parametrize(
    ("number", "word"), [(129, "SIGHUP"), (130, "SIGINT"), (141, "SIGPIPE"), (134, "SIGABRT")]
)
def test_a_container_that_a_signal_ended_names_it(number: int, word: str) -> None:
    found = diagnose(Task("arn", "STOPPED", "", "EssentialContainerExited", exit_code=number))
    assert found is not None
    assert word in found.summary


def spoken(*lines: str) -> Evidence:
    task = evolve(TASK, exit_code=1)
    return evolve(
        GOOD, tasks=(task,), claim=None, manifests=(), objects={}, logs=digest(list(lines))
    )


def test_a_run_whose_program_is_for_another_platform_is_told_so() -> None:
    found = judge(spoken("exec /usr/bin/tini: exec format error"), LATER).diagnosis
    assert found is not None
    assert found.name == "image-platform"


def test_a_workload_that_speaks_of_a_format_error_ran_on_its_platform() -> None:
    found = judge(spoken(LINES[0], "exec x: exec format error"), LATER).diagnosis
    assert found is not None
    assert found.name == "failed"


def test_the_foreign_lines_of_a_log_are_kept_with_the_evidence() -> None:
    evidence = spoken("one", "two", *("more" for _ in range(10)))
    assert evidence.logs is not None
    assert evidence.logs.foreign[:2] == ("one", "two")
    assert len(evidence.logs.foreign) == 5
    again = Evidence.from_json(json.loads(json.dumps(evidence.to_json())))
    assert again.logs == evidence.logs


def test_a_launch_message_is_read_without_its_names() -> None:
    for name in ("throttled", "override-limits", "RequestLimitExceeded-x"):
        message = f"Unable to describe task definition {name}/capacity-quota."
        assert diagnose_launch("ClientException", message).name == "definition-inactive"


@pytest.mark.parametrize(
    ("code", "message", "name"),
    [
        ("ClientException", "The requested CPU configuration is above your limit", "quota"),
        ("RESOURCE:FARGATE", "", "capacity"),
        ("RESOURCE:MEMORY", "", "capacity"),
        ("AGENT", "", "capacity"),
        ("No Container Instances were found in your cluster.", "", "capacity"),
    ],
)
def test_a_refused_launch_gets_its_class(code: str, message: str, name: str) -> None:
    assert diagnose_launch(code, message).name == name
