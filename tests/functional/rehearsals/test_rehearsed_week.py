"""A week in which somebody changed the schedule: each day is judged by what it was then."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from workloads.contract import RunId

from .stage import APP, Stage, assert_told, rehearses


@rehearses("pass-role")
def test_a_week_is_judged_by_what_was_deployed_on_each_day(
    stage: Stage, tmp_path: Path, diagnosis: str
) -> None:
    """Good, moved, refused, disabled, deleted by hand: Monday is judged by Monday's."""
    project, local = stage.project, ("--local", "--yes")
    began = stage.now()
    day = (began + timedelta(days=1)).replace(hour=0, minute=0, second=0)

    def until(days: int, hour: int) -> None:
        moment = day + timedelta(days=days, hours=hour)
        list(stage.engine.advance(until=moment.isoformat()))

    project.toolkit("schedule", "weather", "cron(0 6 * * ? *)", "--timezone", "UTC", *local)
    until(0, 12)
    project.toolkit("schedule", "weather", "cron(0 9 * * ? *)", *local)
    until(1, 12)
    with no_pass_role(stage):
        until(2, 12)
    project.toolkit("schedule", "weather", "--disable", *local)
    until(3, 12)
    project.toolkit("schedule", "weather", "--enable", *local)
    stage.aws("scheduler").delete_schedule(Name="weather", GroupName=APP)
    until(4, 12)

    page = tmp_path / "calendar.html"
    asked = ("ledger", "--local", "--schedule", "weather", "--since", began.isoformat())
    answer = project.toolkit(*asked, "--json", "--html", str(page), code=1).json()
    rows = [(row["scheduled_time"], row["state"]) for row in answer["firings"] if row["expected"]]
    times = ((0, 6, "ok"), (1, 9, "ok"), (2, 9, "dead-lettered"), (4, 9, "missed"))
    assert rows == [
        ((day + timedelta(days=days, hours=hour)).isoformat(), state) for days, hour, state in times
    ]
    assert "dead-lettered" in page.read_text()
    letters = [row["detail"] for row in answer["firings"] if row["state"] == "dead-lettered"]
    assert "may not pass a role" in letters[0]
    assert "need a look" in project.toolkit(*asked, code=1).out

    def judged(days: int) -> Any:
        run_id = RunId("weather", day + timedelta(days=days, hours=9))
        options = ("--run-id", str(run_id), "--local", "--json")
        return project.toolkit("validate", *options, code=None).json()

    for _ in range(2):  # the dead letter stays where it is
        assert_told(judged(2), diagnosis)
    assert_told(judged(3), "schedule-disabled", "INCONCLUSIVE")
    assert_told(judged(4), "missed")
    latest = project.toolkit("validate", "--latest", "weather", "--local", "--json", code=1).json()
    assert latest["run_id"] == judged(4)["run_id"]


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
