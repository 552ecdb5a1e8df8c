"""A week in which somebody changed the schedule: each day is judged by what it was then."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import frozen

from toolkit.runtime.contract import RunId

from .stage import APP, Stage, Verdict, assert_told, rehearses


@frozen
class Week:
    """When it began, and its first midnight."""

    began: datetime
    monday: datetime

    def at(self, days: int, hour: int) -> datetime:
        return self.monday + timedelta(days=days, hours=hour)


@contextmanager
def no_pass_role(stage: Stage) -> Iterator[None]:
    """The scheduler's role without iam:PassRole, for a while."""
    iam = stage.aws("iam")
    role = stage.platform["SchedulerRoleArn"].rsplit("/", 1)[-1]
    kept = {}
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        kept[name] = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        rows = [row for row in kept[name]["Statement"] if "iam:PassRole" not in row["Action"]]
        less = json.dumps({**kept[name], "Statement": rows})
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=less)
    try:
        yield
    finally:
        for name, document in kept.items():
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


@pytest.fixture(scope="module")
def week(stage: Stage) -> Week:
    """Good, moved, refused, disabled, deleted by hand: a day each."""
    project, local = stage.project, ("--local", "--yes")
    began = stage.now()
    made = Week(began, (began + timedelta(days=1)).replace(hour=0, minute=0, second=0))

    def until_noon(days: int) -> None:
        list(stage.engine.advance(until=made.at(days, 12).isoformat()))

    project.toolkit("schedule", "weather", "cron(0 6 * * ? *)", "--timezone", "UTC", *local)
    until_noon(0)
    project.toolkit("schedule", "weather", "cron(0 9 * * ? *)", *local)
    until_noon(1)
    with no_pass_role(stage):
        until_noon(2)
    project.toolkit("schedule", "weather", "--disable", *local)
    until_noon(3)
    project.toolkit("schedule", "weather", "--enable", *local)
    stage.aws("scheduler").delete_schedule(Name="weather", GroupName=APP)
    until_noon(4)
    return made


def test_the_ledger_judges_monday_by_mondays_schedule(
    stage: Stage, week: Week, tmp_path: Path
) -> None:
    page = tmp_path / "calendar.html"
    asked = ("ledger", "--local", "--schedule", "weather", "--since", week.monday.isoformat())
    answer = stage.project.toolkit(*asked, "--json", "--html", str(page), code=1).json()
    rows = [(row["scheduled_time"], row["state"]) for row in answer["firings"] if row["expected"]]
    states = ((0, 6, "ok"), (1, 9, "ok"), (2, 9, "dead-lettered"), (4, 9, "missed"))
    assert rows == [(week.at(days, hour).isoformat(), state) for days, hour, state in states]
    assert "dead-lettered" in page.read_text()
    letters = [row["detail"] for row in answer["firings"] if row["state"] == "dead-lettered"]
    assert "may not pass a role" in letters[0]
    assert "of 4 firings need a look" in stage.project.toolkit(*asked, code=1).out


def test_the_site_shows_each_day_as_the_ledger_does(
    stage: Stage, week: Week, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    since = ("--since", week.monday.isoformat(), "--schedule", "weather")
    made = stage.project.toolkit(
        "site", "--local", *since, "--output", str(folder), "--json"
    ).json()
    assert made["bad"] == 2
    assert made["reports"] >= 2
    calendar = (folder / "schedules/weather/index.html").read_text().partition("months large")[2]
    for days, kind in ((0, "ok"), (1, "ok"), (2, "ng"), (3, "none"), (4, "ng")):
        day = week.at(days, 0).date()
        cell = re.search(
            rf"<(?:a|i)[^>]*class=\"cell (\w+)[^>]*>{day.day}</", of_month(calendar, day)
        )
        assert cell is not None
        assert cell[1] == kind, day
    refused = folder / "firings" / "weather" / f"{week.at(2, 9):%Y%m%dT%H%M%SZ}.html"
    assert "may not pass a role" in refused.read_text()
    report = (folder / "firings" / "weather" / f"{week.at(0, 6):%Y%m%dT%H%M%SZ}.html").read_text()
    assert "PASS" in report
    assert "embedded AWS" in report


def of_month(calendar: str, day: date) -> str:
    """The part of a calendar with a day's month."""
    return calendar.partition(f">{day:%b %Y}<")[2].partition('class="month"')[0]


@rehearses("pass-role")
def test_a_verdict_tells_the_day_that_was_refused_from_the_others(
    stage: Stage, week: Week, diagnosis: str
) -> None:
    refused, disabled, missed = (str(RunId("weather", week.at(days, 9))) for days in (2, 3, 4))

    def judged(*options: str) -> dict[str, Verdict]:
        rows = stage.project.toolkit("validate", *options, "--local", "--json", code=1).json()
        return {row["run_id"]: row for row in rows}

    found = judged("--run-id", refused, "--run-id", disabled, "--run-id", missed)
    assert_told(found[refused], diagnosis)
    assert_told(found[disabled], "schedule-disabled", "INCONCLUSIVE")
    assert_told(found[missed], "missed")
    # A dead letter stays where it is, and what was missed is the latest.
    again = judged("--run-id", refused, "--latest", "weather")
    assert_told(again[refused], diagnosis)
    assert set(again) == {refused, missed}
