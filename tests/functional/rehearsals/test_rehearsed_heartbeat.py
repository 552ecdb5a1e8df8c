"""The alarm on an audit that is missing is quiet until the first audit, however often it begins."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from tests.functional.conftest import make_light, make_project, start_at
from toolkit.runtime.layout import committed

from .stage import APP, Stage

ALARM = f"{APP}-the-audit-itself-is-missing"
DEPLOY = ("deploy", "--local", "--yes", "--only", "weather")


@pytest.fixture
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    project = make_project(tmp_path_factory.mktemp("heartbeat"), audit=True)
    make_light(project)
    start_at(project, "16:05")
    project.toolkit(*DEPLOY, "--only", "audit")
    yield Stage(project)
    project.toolkit("local", "stop")


def test_an_audit_that_is_turned_off_and_on_does_not_ring_before_its_first_run(
    audited: Stage,
) -> None:
    quiet_until_the_first_audit(audited)
    project, file = audited.project, audited.project.root / "toolkit.toml"
    text = file.read_text()
    off = text.replace('audit = "rate(30 minutes)"', 'audit = "off"')
    assert off != text
    file.write_text(off)
    project.toolkit(*DEPLOY)
    project.toolkit("prune", "--local", "--yes")
    assert state_of_the_alarm(audited) is None
    advance(audited, timedelta(hours=5))

    file.write_text(text)
    told = project.toolkit(*DEPLOY, "--only", "audit").err
    assert "a month" in told, "the sum is named again"
    quiet_until_the_first_audit(audited)


def quiet_until_the_first_audit(stage: Stage) -> None:
    """Play until the first audit from now on has committed; the alarm is never raised."""
    began = stage.now()
    while not any(due >= began for due in audits(stage)):
        assert stage.now() < began + timedelta(hours=2)
        assert state_of_the_alarm(stage) in {"INSUFFICIENT_DATA", "OK"}
        advance(stage, timedelta(minutes=5))
    advance(stage, timedelta(hours=3))
    assert state_of_the_alarm(stage) == "OK"


def state_of_the_alarm(stage: Stage) -> str | None:
    found = stage.aws("cloudwatch").describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
    return str(found[0]["StateValue"]) if found else None


def advance(stage: Stage, time: timedelta) -> None:
    list(stage.engine.advance(until=(stage.now() + time).isoformat(), parallel=1))


def audits(stage: Stage) -> list[datetime]:
    """When the audits were due that have committed."""
    bucket = stage.platform["BucketName"]
    found = stage.aws("s3").list_objects_v2(Bucket=bucket, Prefix="ledger/audit/")
    runs = (committed(row["Key"]) for row in found.get("Contents", ()))
    return [run[0].scheduled_time for run in runs if run is not None]
