"""Files, stacks and live schedules compared, and which of the live ones are worth a call."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from toolkit.core.schedules.drift import (
    DELETED,
    UNOWNED,
    DifferenceKind,
    FieldChange,
    Listed,
    compare,
    drift_of,
    suspects,
)
from toolkit.core.schedules.schedule import Schedule
from toolkit.runtime.contract import format_time

DEPLOYED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def overrides(**environment):
    rows = [{"name": name, "value": value} for name, value in environment.items()]
    return json.dumps({"containerOverrides": [{"name": "workload", "environment": rows}]})


PARAMETERS = {
    "AppName": "app",
    "ScheduleName": "weather",
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "State": "ENABLED",
    "StartDate": "2026-12-01T00:00:00Z",
    "EndDate": "",
    "Description": "",
    "Input": overrides(MAX_ORDER="3"),
    "FlexibleWindowMinutes": "0",
    "MaximumRetryAttempts": "0",
    "SubnetIds": "subnet-1,subnet-2",
}
STACK = Schedule.from_parameters(PARAMETERS, changed_at=format_time(DEPLOYED))
ANSWER = {
    "Name": "weather",
    "GroupName": "app",
    "ScheduleExpression": "cron(0 6 * * ? *)",
    "ScheduleExpressionTimezone": "Europe/Berlin",
    "State": "ENABLED",
    "StartDate": datetime(2026, 12, 1, tzinfo=UTC),
    "Description": "weather of app",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "LastModificationDate": DEPLOYED,
    "Target": {
        "Input": overrides(MAX_ORDER="3"),
        "RetryPolicy": {"MaximumRetryAttempts": 0},
        "EcsParameters": {
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-2", "subnet-1"]}}
        },
    },
}


def live(**target):
    return Schedule.from_live({**ANSWER, "Target": {**ANSWER["Target"], **target}})


def listed(seconds, state="ENABLED", created=-3600):
    changed, made = (format_time(DEPLOYED + timedelta(seconds=s)) for s in (seconds, created))
    return Listed("weather", state, changed, made)


def plan(**changes):
    return Schedule.from_parameters({**PARAMETERS, **changes})


def test_a_live_schedule_as_its_stack_made_it_has_not_drifted():
    assert drift_of(STACK, live()) == ()


@pytest.mark.parametrize(
    ("live", "told"),
    [
        (evolve(live(), state="DISABLED"), FieldChange("state", "ENABLED", "DISABLED")),
        (evolve(live(), start=""), FieldChange("start", "2026-12-01T00:00:00Z", "")),
        (
            evolve(live(), description="mine"),
            FieldChange("description", "weather of app", "mine"),
        ),
        (
            Schedule.from_live(
                {**ANSWER, "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}}
            ),
            FieldChange("flexible_window_minutes", "0", "5"),
        ),
        (live(Input=overrides(MAX_ORDER="4")), FieldChange("env MAX_ORDER", "3", "4")),
        (live(Input=overrides()), FieldChange("env MAX_ORDER", "3", "")),
        (live(Input="nonsense"), FieldChange("input", PARAMETERS["Input"], "nonsense")),
        (live(Input=""), FieldChange("input", PARAMETERS["Input"], "")),
        (live(RetryPolicy={}), FieldChange("retry_attempts", "0", "185")),
    ],
)
def test_each_field_that_somebody_changed_is_told(live, told):
    assert drift_of(STACK, live) == (told,)


def test_the_three_views_give_one_row_a_schedule():
    stacks = {"weather": STACK, "old": STACK, "gone": STACK}
    known = {name: listed(-1) for name in ("weather", "old", "byhand", "both")}
    plans = {name: plan() for name in ("weather", "new", "gone", "both")}
    rows = {row.name: row for row in compare(plans, stacks, known, {}, DEPLOYED)}
    assert {name: row.kind for name, row in rows.items()} == {
        "both": DifferenceKind.ADDED,
        "byhand": DifferenceKind.UNOWNED,
        "gone": DifferenceKind.UNCHANGED,
        "new": DifferenceKind.ADDED,
        "old": DifferenceKind.REMOVED,
        "weather": DifferenceKind.UNCHANGED,
    }
    assert rows["weather"].clean
    assert rows["gone"].drift == (DELETED,)
    assert rows["both"].drift == rows["byhand"].drift == (UNOWNED,)
    assert rows["new"].drift == ()


def test_a_changed_file_tells_what_is_deployed_and_what_it_wants():
    wanted = plan(State="DISABLED", Input=overrides(MAX_ORDER="3", LEVEL="0.8"))
    (row,) = compare({"weather": wanted}, {"weather": STACK}, {"weather": listed(0)}, {}, DEPLOYED)
    assert row.changes == (
        FieldChange("state", "ENABLED", "DISABLED"),
        FieldChange("env LEVEL", "", "0.8"),
    )
    assert row.to_deploy


@pytest.mark.parametrize(
    ("hours", "expression", "changed"),
    [
        (-1, "at(2026-12-01T06:00:00)", True),  # it will fire what is deployed
        (1, "at(2026-12-01T06:00:00)", False),  # a deployment leaves it as it is
        (1, "at(2026-12-01T05:30:00)", True),
    ],
)
def test_of_a_one_time_schedule_that_has_fired_only_its_time_can_differ(hours, expression, changed):
    once = {"ScheduleExpressionTimezone": "UTC", "StartDate": ""}
    stack = plan(**once, ScheduleExpression="at(2026-12-01T06:00:00)")
    wanted = plan(**once, ScheduleExpression=expression, State="DISABLED")
    now = datetime(2026, 12, 1, 6, tzinfo=UTC) + timedelta(hours=hours)
    (row,) = compare({"weather": wanted}, {"weather": stack}, {"weather": listed(0)}, {}, now)
    assert (row.kind is DifferenceKind.CHANGED) is changed


@pytest.mark.parametrize(
    ("row", "suspect"),
    [
        (listed(-1), False),
        (listed(-1, state="DISABLED"), True),
        (listed(3600), True),
        (listed(3600, created=3600), True),  # deleted and made again
        (listed(10, created=10), False),  # made by its stack and never changed
        (listed(10), True),  # by the stack's update, or by somebody right after it
    ],
)
def test_only_what_may_have_been_touched_since_its_deployment_is_suspect(row, suspect):
    assert bool(suspects({"weather": STACK}, {"weather": row})) is suspect


def test_of_very_many_doubtful_ones_the_latest_are_read_and_every_sure_one():
    stacks = {f"weather-{number}": STACK for number in range(500)}
    rows = {name: listed(position / 10) for position, name in enumerate(stacks)}
    rows["weather-7"] = listed(0, state="DISABLED")
    found = suspects(stacks, rows)
    assert found[:3] == ["weather-7", "weather-499", "weather-498"]
    assert len(found) == 26
