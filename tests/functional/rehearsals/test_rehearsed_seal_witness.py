"""A seal that somebody touched, and evidence that somebody changed under its seal."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from toolkit.core.names import log_stream
from toolkit.runtime.contract import RunId

from .stage import APP, Stage, assert_told, detail, rehearses

DAY = 86_400


@pytest.fixture(scope="module")
def sealed_run(stage: Stage) -> RunId:
    """A run of a day that is sealed, on which nothing else was rehearsed."""
    list(stage.engine.advance(seconds=DAY))
    run_id = stage.fire(stage.schedule("sealed"))
    stage.committed(run_id)
    list(stage.engine.advance(seconds=4 * DAY))
    stage.project.toolkit("audit", "--local", code=None)
    return run_id


def seal_of(run_id: RunId) -> str:
    return f"seals/{run_id.scheduled_time:%Y-%m-%d}.json"


@contextmanager
def touched(stage: Stage, key: str, before: bytes, after: bytes) -> Iterator[None]:
    """An object written anew, with one thing in the place of another, and then as it was."""
    s3, bucket = stage.aws("s3"), stage.platform["BucketName"]
    whole = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert before in whole

    def write(content: bytes) -> None:
        s3.delete_object(Bucket=bucket, Key=key)
        s3.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")

    write(whole.replace(before, after))
    yield
    write(whole)


@rehearses("seal-broken")
def test_a_seal_that_was_altered_is_no_witness(
    stage: Stage, sealed_run: RunId, diagnosis: str
) -> None:
    with touched(stage, seal_of(sealed_run), b'"expected":false', b'"expected":true'):
        (found,) = stage.judge([sealed_run], "--timeout", "0", code=4).values()
    assert_told(found, diagnosis, "INCONCLUSIVE")


@rehearses("seal-differs")
def test_a_claim_that_was_written_again_is_not_the_sealed_one(
    stage: Stage, sealed_run: RunId, diagnosis: str
) -> None:
    """With a space more, which no other check looks at."""
    with touched(stage, sealed_run.claim_key, b"{", b"{ "):
        (found,) = stage.judge([sealed_run], "--timeout", "0", code=1).values()
    assert_told(found, diagnosis)


def test_a_seal_stands_for_the_record_and_the_log_when_they_are_gone(
    stage: Stage, sealed_run: RunId
) -> None:
    """All that CloudWatch Logs kept of the run is deleted, as after ten years."""
    logs, group = stage.aws("logs"), stage.platform["LifecycleLogGroupName"]
    claim = stage.claimed(sealed_run)
    logs.delete_log_stream(logGroupName=f"/{APP}/weather", logStreamName=log_stream(claim.task_arn))
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
    for row in [row for page in pages for row in page["logStreams"]]:
        logs.delete_log_stream(logGroupName=group, logStreamName=row["logStreamName"])
    (known,) = logs.describe_log_groups(logGroupNamePrefix=f"/{APP}/weather")["logGroups"]
    logs.put_retention_policy(logGroupName=f"/{APP}/weather", retentionInDays=1)
    (found,) = stage.judge([sealed_run], "--timeout", "0", code=0).values()
    logs.put_retention_policy(
        logGroupName=f"/{APP}/weather", retentionInDays=known["retentionInDays"]
    )
    assert found["ruling"] == "PASS"
    assert f"{seal_of(sealed_run)}" in detail(found, "seal")
    assert "which stands for the record of the task and the log" in detail(found, "seal")
    assert "by the seal" in detail(found, "logs")
    since = f"{sealed_run.scheduled_time:%Y-%m-%dT00:00Z}"
    said = stage.project.toolkit("ledger", "--local", "--since", since, "--json", code=None).json()
    (state,) = [row["state"] for row in said["firings"] if row["run_id"] == str(sealed_run)]
    assert state == "ok"
