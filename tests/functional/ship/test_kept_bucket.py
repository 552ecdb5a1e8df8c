"""A deleted app, read from the bucket that it left."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.conftest import Project

from .conftest import DEPLOY

WHERE = ("--local", "--config-env", "bequest")


@pytest.fixture(scope="module")
def left(shipped: Project) -> Iterator[tuple[Project, str]]:
    """The bucket of an app that fired for a day and was deleted."""
    shipped.toolkit(*DEPLOY, "--config-env", "bequest")
    bucket = shipped.outputs("bequest-platform")["BucketName"]
    shipped.toolkit("local", "advance", "25h")
    shipped.toolkit("delete", *WHERE, "--yes")
    shipped.toolkit("local", "advance", "49h")
    yield shipped, bucket
    shipped.toolkit("delete", *WHERE, "--yes", "--data")


def test_the_ledger_says_ok_and_expects_nothing_after_the_deletion(
    left: tuple[Project, str],
) -> None:
    project, bucket = left
    found = project.toolkit("ledger", "--bucket", bucket, *WHERE, "--json").json()
    assert {row["state"] for row in found["firings"]} == {"ok"}
    assert 1 <= len(found["firings"]) <= 2  # of three days
    without = project.toolkit("ledger", *WHERE, code=None)
    assert without.code != 0
    assert "bequest-platform is not deployed" in without.err


def test_a_verdict_is_inconclusive_for_the_logs_alone(left: tuple[Project, str]) -> None:
    project, bucket = left
    given = ("--bucket", bucket, *WHERE, "--json")
    verdict = project.toolkit("validate", "--latest", "weather", *given, code=4).json()
    states = {row["name"]: row["status"] for row in verdict["checks"]}
    assert {name for name, status in states.items() if status != "OK"} == {"logs"}
    logs = next(row for row in verdict["checks"] if row["name"] == "logs")
    assert "its group went with the app" in str(logs)


def test_status_and_runs_know_the_last_run_and_no_next_one(left: tuple[Project, str]) -> None:
    project, bucket = left
    given = ("--bucket", bucket, *WHERE, "--json")
    status = project.toolkit("status", *given).json()
    (row,) = status["schedules"]
    assert (row["last"]["state"], row["next"], status["running"]) == ("ok", None, [])
    assert project.toolkit("runs", *given).json()[0]["run_id"] == row["last"]["run_id"]


def test_a_folder_of_its_evidence_is_judged_alike(
    left: tuple[Project, str], tmp_path: Path
) -> None:
    project, bucket = left
    given = ("--bucket", bucket, *WHERE)
    run_id = project.toolkit("runs", *given, "--json").json()[0]["run_id"]
    kept = project.toolkit("evidence", run_id, *given, "--output", str(tmp_path))
    assert kept.out.startswith("INCONCLUSIVE")
    again = project.toolkit("validate", "--evidence", str(tmp_path / run_id), code=4)
    assert "its group went with the app" in again.out


def test_nothing_but_s3_and_task_definitions_is_asked(left: tuple[Project, str]) -> None:
    project, bucket = left
    given = ("--bucket", bucket, *WHERE, "--debug")
    told = project.toolkit("validate", "--latest", "weather", *given, code=4).err
    told += project.toolkit("ledger", *given).err
    told += project.toolkit("status", *given).err
    calls = {line.split(" ")[0] for line in told.splitlines() if " ms, " in line}
    assert {call for call in calls if not call.startswith("s3.")} == {"ecs.DescribeTaskDefinition"}


def test_a_bad_line_is_skipped_and_said(left: tuple[Project, str]) -> None:
    project, bucket = left
    s3 = project.aws("s3")
    key = s3.list_objects_v2(Bucket=bucket, Prefix="records/")["Contents"][0]["Key"]
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    bad = b'{"detail": {"taskArn": 7, "lastStatus": "STOPPED"}}\n'
    s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(bad) + content)
    answer = project.toolkit("ledger", "--bucket", bucket, *WHERE)
    assert f"{key}: 1 line is no state-change record, skipped" in answer.err
    s3.put_object(Bucket=bucket, Key=key, Body=content[: len(content) // 2])
    answer = project.toolkit("ledger", "--bucket", bucket, *WHERE, code=3)
    assert f"{key} is not a complete gzip file" in answer.err
    s3.put_object(Bucket=bucket, Key=key, Body=content)
