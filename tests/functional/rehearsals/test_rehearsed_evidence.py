"""Runs whose task ended well and whose evidence says otherwise: bucket, log, image, deliveries."""

import json
from collections.abc import Callable, Mapping

import pytest
from attrs import field, frozen

from toolkit.runtime.contract import CATALOG_LABEL, Outcome, RunId

from .stage import (
    Definition,
    Spoil,
    Stage,
    Verdict,
    assert_told,
    container,
    detail,
    python,
    rehearses,
    rehearses_all,
    statuses,
    unspoiled,
    workload,
)


def nothing(_stage: Stage, _run_id: RunId) -> None:
    """Nobody touches it."""


@frozen
class Case:
    """A spoiled task definition, what is done to the run afterwards, and the diagnosis to come."""

    diagnosis: str
    spoil: Spoil = unspoiled
    afterwards: Callable[[Stage, RunId], None] = nothing
    env: Mapping[str, str] = field(factory=dict)
    of: str = "weather"


ARTIFACT_ONLY = """
import os
import boto3
from toolkit.runtime.contract import RunId, parse_time
run_id = RunId(os.environ["SCHEDULE"], parse_time(os.environ["SCHEDULED_TIME"]))
key = run_id.artifact_key("half.csv")
boto3.client("s3").put_object(
    Bucket=os.environ["BUCKET"], Key=key, Body=b"a", ChecksumAlgorithm="SHA256"
)
"""
# The task's own claim does not keep it from running again: its first answer might have got lost.
TWICE = """
if "again" in os.environ:
    leave(run)
else:
    os.environ["again"] = "yes"
    raise RuntimeError("the first time")
"""


def other_image(_stage: Stage, definition: Definition) -> None:
    """Somebody named another image, and left what the run believes of itself."""
    found = container(definition)
    for row in found["environment"]:
        if row["name"] == "IMAGE":
            row["value"] = f"{found['image'].partition('@')[0]}@sha256:{'1' * 64}"


def delete_forecast(stage: Stage, run_id: RunId) -> None:
    stage.aws("s3").delete_object(
        Bucket=stage.platform["BucketName"], Key=run_id.artifact_key("forecast.csv")
    )


def alter_forecast(stage: Stage, run_id: RunId) -> None:
    s3 = stage.aws("s3")
    where = {"Bucket": stage.platform["BucketName"], "Key": run_id.artifact_key("forecast.csv")}
    content = bytearray(s3.get_object(**where)["Body"].read())
    content[-2] ^= 1
    s3.put_object(**where, Body=bytes(content), ChecksumAlgorithm="SHA256")


def delete_log(stage: Stage, run_id: RunId) -> None:
    task = stage.claimed(run_id).task_arn.rsplit("/", 1)[-1]
    stage.aws("logs").delete_log_stream(
        logGroupName="/fargate-runs/weather", logStreamName=f"run/workload/{task}"
    )


def replace_manifest(stage: Stage, run_id: RunId) -> None:
    """Put a manifest in the place of the run's own that says it is another run's."""
    s3 = stage.aws("s3")
    key = run_id.manifest_key(Outcome.SUCCEEDED)
    where = {"Bucket": stage.platform["BucketName"], "Key": key}
    content = s3.get_object(**where)["Body"].read()
    s3.delete_object(**where)
    own, others = f'"run_id": "{run_id}"', '"run_id": "weather-20260101T000000Z"'
    other = content.replace(own.encode(), others.encode())
    s3.put_object(**where, Body=other, ChecksumAlgorithm="SHA256", IfNoneMatch="*")


def delete_claim(stage: Stage, run_id: RunId) -> None:
    stage.aws("s3").delete_object(Bucket=stage.platform["BucketName"], Key=run_id.claim_key)


def add_a_line(stage: Stage, run_id: RunId) -> None:
    """Write a line into the run's log that looks like one of its own, but for the run id."""
    task = stage.claimed(run_id).task_arn.rsplit("/", 1)[-1]
    line = json.dumps({"seq": 3, "run_id": "weather-20260101T000000Z", "event": "weather.fitted"})
    stage.aws("logs").put_log_events(
        logGroupName="/fargate-runs/weather",
        logStreamName=f"run/workload/{task}",
        logEvents=[{"timestamp": int(stage.now().timestamp() * 1000), "message": line}],
    )


def unknown_row(_stage: Stage, definition: Definition) -> None:
    """A task definition that names a catalog row which nobody left in the bucket."""
    container(definition)["dockerLabels"] = {CATALOG_LABEL: "0" * 64}


CASES = {
    "wordless": Case("nothing-left", python("pass")),
    "uncommitted": Case("artifacts-without-manifest", python(ARTIFACT_ONLY)),
    "deleted": Case("manifest-without-artifacts", afterwards=delete_forecast),
    "altered": Case("artifact-altered", afterwards=alter_forecast),
    "shy": Case("no-artifact", workload('leave(run, without="weather.png")')),
    "twice": Case("two-manifests", workload(TWICE, "perform(); sys.exit(perform())")),
    "mixed": Case("other-image", other_image),
    "hasty": Case("stream-short", workload("leave(run)"), env={"RUN_SECONDS": "60"}, of="stream"),
    "unlogged": Case("log-missing", afterwards=delete_log),
    "replaced": Case("pieces-disagree", afterwards=replace_manifest),
    "unclaimed": Case("claim-missing", afterwards=delete_claim),
    "scribbled": Case("log-disagrees", afterwards=add_a_line),
    "ungated": Case("gate-missing", workload("leave(run)\ngates = ()")),
    "silent": Case("event-missing", workload('leave(run, without="weather.fitted")')),
}


@pytest.fixture(scope="module")
def verdicts(stage: Stage) -> dict[str, Verdict]:
    """All at once, each spoiled afterwards where that is its cause, and judged by one command."""
    runs = {
        label: stage.launch(label, case.spoil, case.env, of=case.of)
        for label, case in CASES.items()
    }
    runs["deep"] = stage.launch("deep", workload("leave(run)"))
    stage.add_fault("pull-fails", "halved")
    stage.engine.add_fault("no-route", schedule="weather-barren", times=2)
    for label in ("paired", "halved", "barren"):
        runs[label] = stage.fire(stage.schedule(label), twice=True)
    damaged = [label for label, case in CASES.items() if case.afterwards is not nothing]
    before = stage.judge([runs[label] for label in damaged], code=0)
    assert {found["ruling"] for found in before.values()} == {"PASS"}
    for label in damaged:
        CASES[label].afterwards(stage, runs[label])
    stage.settle()
    return stage.judge(runs.values())


@pytest.fixture(scope="module", autouse=True)
def lasting(stage: Stage, verdicts: dict[str, Verdict]) -> RunId:
    """A stream of a second that saves for a minute more, while the other tests run."""
    assert verdicts
    wait = workload("run.wait(62)\nleave(run)")
    env = {"RUN_SECONDS": "1", "CONNECT_BUDGET_SECONDS": "0"}
    return stage.launch("lasting", wait, env, of="stream")


@rehearses_all(CASES)
def test_good_looks_do_not_deceive(
    verdicts: dict[str, Verdict], label: str, diagnosis: str
) -> None:
    assert_told(verdicts[label], diagnosis)
    assert "exit 0" in detail(verdicts[label], "lifecycle")


@rehearses("duplicate")
def test_a_second_delivery_passes_and_is_told(verdicts: dict[str, Verdict], diagnosis: str) -> None:
    assert_told(verdicts["paired"], diagnosis, "PASS")
    assert detail(verdicts["paired"], "launch").startswith("2 tasks for this firing")


@rehearses("duplicate-failed")
def test_a_delivery_that_fails_beside_a_good_one_is_told(
    verdicts: dict[str, Verdict], diagnosis: str
) -> None:
    assert_told(verdicts["halved"], diagnosis)
    assert statuses(verdicts["halved"])["manifest"] == "OK"


def test_two_deliveries_that_both_could_not_start_show_their_reasons(
    verdicts: dict[str, Verdict],
) -> None:
    found = verdicts["barren"]
    assert found["ruling"] == "FAIL"
    assert found["diagnosis"]["name"] == "image-unreachable"
    reasons = detail(found, "lifecycle").split("; ")
    assert len(reasons) == 2
    assert all("TaskFailedToStart, no exit code" in reason for reason in reasons)
    assert all(reason.endswith("i/o timeout") for reason in reasons)


def test_the_delivery_that_ran_is_followed(stage: Stage, verdicts: dict[str, Verdict]) -> None:
    run_id = verdicts["halved"]["run_id"]
    assert "run.finished" in stage.project.toolkit("logs", run_id, "--local", "--follow").out


@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_the_log_of_a_run_that_never_started_is_the_reason(
    stage: Stage, verdicts: dict[str, Verdict], options: tuple[str, ...]
) -> None:
    run_id = verdicts["barren"]["run_id"]
    answer = stage.project.toolkit("logs", run_id, "--local", *options, code=3)
    assert answer.out == ""
    assert f"{run_id}: there is no log, because its task never started" in answer.err
    assert "CannotPullContainerError" in answer.err
    assert "hint: " in answer.err


@rehearses("artifact-unreadable")
def test_only_a_deep_look_finds_an_image_that_is_none(
    stage: Stage, verdicts: dict[str, Verdict], diagnosis: str
) -> None:
    shallow = verdicts["deep"]
    assert shallow["ruling"] == "PASS"
    (found,) = stage.judge([RunId.parse(shallow["run_id"])], "--deep").values()
    assert_told(found, diagnosis)
    assert statuses(found)["artifacts"] == "OK"


STRAY = """
import json, os
import boto3
from botocore.exceptions import ClientError
s3, bucket = boto3.client("s3"), os.environ["BUCKET"]
tries = {
    "own": ("put_object", {"Key": "runs/weather-greedy/a.csv", "Body": b"a"}),
    "other": ("put_object", {"Key": "runs/science/a.csv", "Body": b"a"}),
    "row": ("put_object", {"Key": "catalog/x.json", "Body": b"a"}),
    "history": ("put_object", {"Key": "deployments/x.json", "Body": b"a"}),
    "replaced": ("put_object", {"Key": "ledger/weather-greedy/x.json", "Body": b"a"}),
    "delete": ("delete_object", {"Key": "runs/weather-greedy/a.csv"}),
    "read": ("get_object", {"Key": "ledger/science/x.json"}),
    "list": ("list_objects_v2", {}),
}
answers = {}
for name, (call, arguments) in tries.items():
    try:
        getattr(s3, call)(Bucket=bucket, **arguments)
        answers[name] = "allowed"
    except ClientError as error:
        answers[name] = error.response["Error"]["Code"]
print(json.dumps(answers))
"""


def test_a_workload_that_may_do_everything_still_keeps_to_its_own(stage: Stage) -> None:
    """Its own policy grants s3:* on everything; the bucket's policy says otherwise."""
    iam, name = stage.aws("iam"), "everything"
    role = stage.deployed("weather")["taskRoleArn"].rsplit("/", 1)[-1]
    grant = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
    iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)
    try:
        run_id = stage.launch("greedy", python(STRAY))
        words = ("logs", str(run_id), "--local", "--follow")
        answers = json.loads(stage.project.toolkit(*words).out.splitlines()[-1])
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    assert answers.pop("own") == "allowed"
    assert set(answers.values()) == {"AccessDenied"}, answers


@rehearses("expectation-unknown")
def test_without_its_catalog_row_a_run_is_inconclusive(stage: Stage, diagnosis: str) -> None:
    run_id = stage.launch("rowless", unknown_row)
    stage.committed(run_id)
    (found,) = stage.judge([run_id], "--timeout", "8", code=4).values()
    assert_told(found, diagnosis, "INCONCLUSIVE")


@rehearses("stream-long")
def test_a_stream_that_outlasts_its_grace_is_too_long(
    stage: Stage, lasting: RunId, diagnosis: str
) -> None:
    """A minute for saving what it has is allowed."""
    (found,) = stage.judge([lasting], "--timeout", "300").values()
    assert_told(found, diagnosis)
