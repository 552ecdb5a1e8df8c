"""The firing diff that a deployment shows, and how change sets look."""

from datetime import UTC, datetime

import pytest

from toolkit.cli.render import Terminal
from toolkit.core.schedules.rescheduling import rescheduling
from toolkit.core.stack import Action, ChangeSet, ResourceChange

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIX = {
    "ScheduleName": "weather",
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "State": "ENABLED",
}


def test_a_later_hour_shifts_every_firing_of_the_week() -> None:
    after = {**SIX, "ScheduleExpression": "cron(0 7 * * ? *)"}
    told = str(rescheduling(SIX, after, NOW))
    assert told.startswith("weather: shifts 7 until 30 Nov\n  next Tue 24 Nov 07:00 CET, ")


def test_a_new_schedule_adds_and_a_disabled_one_removes() -> None:
    assert str(rescheduling(None, SIX, NOW)).startswith("weather: adds 7 until")
    told = str(rescheduling(SIX, {**SIX, "State": "DISABLED"}, NOW))
    assert told == "weather: removes 7 until 30 Nov\n  next never"


def test_what_changes_no_firing_says_so_and_no_more() -> None:
    after = {**SIX, "Input": "{}"}
    assert str(rescheduling(SIX, after, NOW)) == "weather: changes no firing"


def test_a_replaced_resource_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    def change(name: str, replacement: str) -> ResourceChange:
        return ResourceChange(Action.MODIFY, name, "AWS::S3::Bucket", replacement, ("BucketName",))

    changes = (change("A", "True"), change("B", "Conditional"), change("C", "False"))
    Terminal().changes([ChangeSet("app-platform", "arn", "UPDATE", changes)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "app-platform (update)"
    assert "REPLACED  (BucketName)" in lines[1]
    assert "may be replaced" in lines[2]
    assert "replaced" not in lines[3].lower()
