"""Deployed schedules: what fires when, retries, and the clock."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from toolkit.local.agent.clock import Clock, at_offset, offset_for
from toolkit.local.agent.delivery import Due, first_attempt, next_attempt
from toolkit.local.agent.deployed import DeployedSchedule

MODIFIED = datetime(2026, 11, 23, 12, tzinfo=UTC)


def deployed(**changes: Any) -> DeployedSchedule:
    answer = {
        "Arn": "arn:aws:scheduler:eu-central-1:123456789012:schedule/app/weather",
        "GroupName": "app",
        "Name": "weather",
        "ScheduleExpression": "cron(0 6 * * ? *)",
        "ScheduleExpressionTimezone": "Europe/Berlin",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "Target": {"Arn": "cluster", "RoleArn": "role", "EcsParameters": {}},
        "LastModificationDate": MODIFIED,
    }
    return DeployedSchedule.read("eu-central-1", {**answer, **changes})


def test_the_wall_clock_of_the_zone_rules_through_a_clock_change() -> None:
    before = datetime(2027, 3, 26, 12, tzinfo=UTC)
    times = list(islice(deployed().firings(before), 3))
    assert [time.hour for time in times] == [5, 4, 4]


def test_a_disabled_schedule_has_no_firings() -> None:
    assert list(deployed(State="DISABLED").firings(MODIFIED)) == []


def test_a_rate_counts_from_the_moment_it_was_made() -> None:
    schedule = deployed(ScheduleExpression="rate(2 hours)")
    times = list(islice(schedule.firings(MODIFIED - timedelta(microseconds=1)), 2))
    assert times == [MODIFIED, MODIFIED + timedelta(hours=2)]


def test_start_and_end_bound_the_firings() -> None:
    schedule = deployed(
        StartDate=datetime(2026, 12, 1, tzinfo=UTC), EndDate=datetime(2026, 12, 3, tzinfo=UTC)
    )
    days = [time.day for time in schedule.firings(MODIFIED)]
    assert days == [1, 2]


def test_a_flexible_window_delays_by_less_than_itself_and_always_the_same() -> None:
    schedule = deployed(FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15})
    scheduled = list(islice(schedule.firings(MODIFIED), 50))
    delays = [schedule.invoked_at(time) - time for time in scheduled]
    assert all(timedelta() <= delay < timedelta(minutes=15) for delay in delays)
    assert len(set(delays)) > 40
    assert delays == [schedule.invoked_at(time) - time for time in scheduled]


def attempts(**policy: int) -> list[tuple[timedelta, int]]:
    """All retries of a firing under a policy: delay and attempt number."""
    target = {"RetryPolicy": policy}
    due: Due | None = first_attempt(deployed(Target=target), MODIFIED, MODIFIED)
    found = []
    while due is not None:
        due, _ = next_attempt(due)
        if due is not None:
            found.append((due.at - MODIFIED, due.attempt))
    return found


def test_no_retry_where_the_policy_says_none() -> None:
    assert attempts(MaximumRetryAttempts=0) == []


def test_retries_back_off() -> None:
    minutes = [delay / timedelta(minutes=1) for delay, _ in attempts(MaximumRetryAttempts=4)]
    assert minutes == [1, 3, 7, 15]


@pytest.mark.parametrize(("age", "count"), [(59, 0), (60, 1), (200, 2), (86_400, 28)])
def test_no_retry_is_older_than_the_policy_allows(age: int, count: int) -> None:
    found = attempts(MaximumRetryAttempts=185, MaximumEventAgeInSeconds=age)
    assert len(found) == count
    assert all(delay.total_seconds() <= age for delay, _ in found)


def test_which_limit_ended_the_retries_is_told() -> None:
    target = {"RetryPolicy": {"MaximumRetryAttempts": 0}}
    due = first_attempt(deployed(Target=target), MODIFIED, MODIFIED)
    assert next_attempt(due) == (None, "MaximumRetryAttempts")
    target = {"RetryPolicy": {"MaximumRetryAttempts": 5, "MaximumEventAgeInSeconds": 60}}
    late = first_attempt(deployed(Target=target), MODIFIED, MODIFIED + timedelta(minutes=1))
    assert next_attempt(late) == (None, "MaximumEventAgeInSeconds")


def test_the_clock_only_moves_ahead() -> None:
    clock = Clock()
    tomorrow = clock.now() + timedelta(days=1)
    clock.move_to(tomorrow)
    assert clock.now() >= tomorrow
    clock.move_to(tomorrow - timedelta(hours=3))
    assert clock.now() >= tomorrow


def test_who_lives_at_the_offset_of_a_moment_sees_that_moment() -> None:
    moment = datetime(2031, 1, 1, tzinfo=UTC)
    assert timedelta() <= at_offset(offset_for(moment)) - moment < timedelta(minutes=1)
