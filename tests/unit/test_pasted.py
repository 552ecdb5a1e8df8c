"""`toolkit diagnose`: AWS's JSON in any wrapping, bare sentences, and anything else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.cli import cli
from toolkit.core.proof.pasted import PastedFinding, findings

from .test_diagnosis import PAYLOADS
from .test_stop_reasons import IN_THE_LOG, MET, WRITTEN

RECORD = PAYLOADS["image-exec-format"]["payload"]
TASK = PAYLOADS["container-runtime"]["payload"]["tasks"][0]
LETTER = PAYLOADS["letter-cluster"]["payload"]


def names(content: str | bytes | Any, **options: Any) -> list[str | None]:
    if not isinstance(content, bytes):
        content = (content if isinstance(content, str) else json.dumps(content)).encode()
    return [row.to_json()["class"] for row in findings(content, **options)]


def as_mounted(value: Any) -> Any:
    """The same with the keys as Step Functions writes them."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: as_mounted(row) for key, row in value.items()}
    return [as_mounted(row) for row in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", PAYLOADS)
def test_every_payload_is_diagnosed_as_it_stands(name: str) -> None:
    expect = PAYLOADS[name]["expect"]
    running = name == "still-running"
    assert names(PAYLOADS[name]["payload"]) == ["still-running" if running else expect]


@pytest.mark.parametrize("case", [case for case in MET if case != IN_THE_LOG])
def test_a_task_that_people_met_is_diagnosed(case: str) -> None:
    (found,) = names({"tasks": [{"lastStatus": "STOPPED", **MET[case]}], "failures": []})
    assert found in MET[case]["accept"]
    (found,) = names({key: row for key, row in MET[case].items() if key != "accept"})
    assert found in MET[case]["accept"]


@pytest.mark.parametrize("number", [n for n, row in WRITTEN.items() if "exitCode" not in row])
def test_a_bare_sentence_is_diagnosed(number: int) -> None:
    row = WRITTEN[number]
    if row["expect"] != "never-started" and row["stopCode"] != "UserInitiated":
        reason = row.get("containerReason") or row["stoppedReason"]
        assert names(reason) == names(f"\n  {reason}\n") == names(json.dumps(reason))
        assert names(reason) == [row["expect"]]


WRAPPINGS: dict[str, Callable[[Any], Any]] = {
    "a list": lambda row: [row],
    "a list of lists": lambda row: [[row]],
    "a string": json.dumps,
    "an SQS message": lambda row: {"Messages": [{"MessageId": "1", "Body": json.dumps(row)}]},
    "an SNS message in an SQS message": lambda row: {
        "Body": json.dumps({"Type": "Notification", "Message": json.dumps(row)})
    },
    "log events": lambda row: {"events": [{"timestamp": 1, "message": json.dumps(row)}]},
    "Step Functions": lambda row: {"Error": "States.TaskFailed", "Cause": as_mounted(row)},
    "PascalCase": as_mounted,
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_wrapping_changes_nothing(wrapping: str) -> None:
    wrap = WRAPPINGS[wrapping]
    assert names(wrap(RECORD)) == ["image-platform"]
    assert names(wrap(RECORD["detail"])) == ["image-platform"]
    assert names(wrap({"tasks": [TASK, TASK]})) == ["container-timeout"] * 2


def test_several_at_once() -> None:
    assert names([RECORD, TASK, LETTER]) == [
        "image-platform",
        "container-timeout",
        "cluster-missing",
    ]
    lines = "\n".join(json.dumps(row) for row in (RECORD, TASK, LETTER))
    assert names(lines) == names(lines.replace("\n", "\r\n\r\n"))
    assert len(names(lines)) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_byte_order_mark_says_how_to_read(encoding: str) -> None:
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    assert names(mark + json.dumps(RECORD).encode(encoding)) == ["image-platform"]


def test_ecs_and_its_failures() -> None:
    arn = "arn:aws:ecs:eu-central-1:123456789012:task/nightly/0f9de17a"
    forgotten = {"tasks": [], "failures": [{"arn": arn, "reason": "MISSING"}]}
    assert names(forgotten) == ["task-forgotten"]
    assert names({"failures": [{"arn": "x", "reason": "RESOURCE:FARGATE"}]}) == ["capacity"]
    assert names("RESOURCE:FARGATE") == ["capacity"]
    error = (
        "An error occurred (ClusterNotFoundException) when calling the RunTask operation: Cluster"
    )
    assert names(f"{error} not found.") == ["cluster-missing"]


def test_a_sidecar_of_aws_is_not_the_run() -> None:
    pull = "CannotPullContainerError: not found"
    guard = {"name": "aws-guardduty-agent-mfjGLB", "reason": pull}
    task = {"lastStatus": "STOPPED", "stopCode": "EssentialContainerExited"}
    for name in ("workload", "app"):
        well = {**task, "containers": [guard, {"name": name, "exitCode": 0}]}
        failed = {**task, "containers": [guard, {"name": name, "exitCode": 1}]}
        assert names([well, failed]) == [None, "failed"]


def test_the_log_tells_what_the_task_does_not() -> None:
    row = MET[IN_THE_LOG]
    assert names(row, log=["exec /sbin/tini: exec format error"]) == ["image-platform"]
    assert names(row) == ["failed"]


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    for content in ("", "   ", "{}", "[]", "null", "3", '""', "hello", '{"taskArn": "x"}', "[[[["):
        assert names(content) == ["unknown"]


_MARKS = st.sampled_from(
    [
        "taskArn",
        "lastStatus",
        "stopCode",
        "stoppedReason",
        "containers",
        "exitCode",
        "reason",
        "tasks",
        "detail",
        "name",
        "overrides",
        "containerOverrides",
        "environment",
        "value",
        "arn",
        "code",
        "message",
        "error_code",
        "Body",
        "Message",
        "MessageAttributes",
        "ERROR_CODE",
        "StringValue",
    ]
)
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(
        ["STOPPED", "workload", "SCHEDULE", "SCHEDULED_TIME", "UserInitiated", '{"a":']
    )
)
_ANY_JSON = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_MARKS | st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=examples(500))
@given(_ANY_JSON)
def test_no_json_raises(value: Any) -> None:
    found = findings(json.dumps(value).encode())
    assert found
    assert all(isinstance(json.dumps(row.to_json()), str) for row in found)


@settings(max_examples=examples(300))
@given(st.binary())
def test_no_bytes_raise(content: bytes) -> None:
    assert findings(content)


@pytest.mark.parametrize("depth", [100, 100_000])
def test_no_depth_raises(depth: int) -> None:
    assert names("[" * depth + "]" * depth) == ["unknown"]
    assert names('{"a":' * depth + "1" + "}" * depth) == ["unknown"]


def run(*words: str, given: bytes = b"") -> str:
    answer = CliRunner().invoke(cli, ["diagnose", *words], input=given, catch_exceptions=False)
    assert answer.exit_code == 0
    return answer.output


def test_the_command_reads_a_file_or_stdin_without_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "task.json"
    path.write_text(json.dumps(RECORD))
    assert json.loads(run(str(path), "--json"))["class"] == "image-platform"
    assert json.loads(run("--json", given=path.read_bytes()))["class"] == "image-platform"
    assert json.loads(run("-", "--json", given=b"Essential"))["class"] == "unknown"
    assert [
        row["class"] for row in json.loads(run("--json", given=json.dumps([RECORD] * 2).encode()))
    ]
    log = tmp_path / "log.txt"
    log.write_text("exec /sbin/tini: exec format error\n")
    path.write_text(json.dumps(MET[IN_THE_LOG]))
    assert json.loads(run(str(path), "--json", "--log", str(log)))["class"] == "image-platform"


def test_the_command_speaks_to_a_person_and_to_no_terminal() -> None:
    shown = run(given=b"CannotPullContainerError: \x1b[2J\x1b]52;c;eA==\x07 not found")
    assert "image-missing: the image does not exist" in shown
    assert "hint: " in shown
    assert "\x1b" not in shown
    assert "it ended well" in run(given=json.dumps(PAYLOADS["succeeded"]["payload"]).encode())


def test_a_task_that_ended_well_has_no_class() -> None:
    assert PastedFinding(None).to_json()["class"] is None
