"""Cost: AWS's own arithmetic on a task's lifecycle."""

from datetime import timedelta

import pytest

from toolkit.core.cost import billed, prices, run_cost
from toolkit.core.task import Task

TASK = Task(
    "arn:aws:ecs:us-east-1:1:task/app/0a",
    "STOPPED",
    cpu="256",
    memory="512",
    times={
        "createdAt": "2026-11-24T13:00:00.000Z",
        "pullStartedAt": "2026-11-24T13:00:05.000Z",
        "startedAt": "2026-11-24T13:00:30.000Z",
        "stoppedAt": "2026-11-24T15:00:05.000Z",
    },
)


def test_two_hours_of_a_quarter_vcpu_cost_two_and_a_half_cents() -> None:
    assert billed(TASK) == timedelta(hours=2)
    assert run_cost(TASK, prices("us-east-1")) == pytest.approx(0.0247, abs=5e-5)


def test_an_hour_of_four_vcpu_and_16_gb_costs_23_cents() -> None:
    table = prices("us-east-1")
    assert table.dollars(4096, 16384, timedelta(hours=1)) == pytest.approx(0.23304)
    arm = prices("us-east-1", "arm").dollars(4096, 16384, timedelta(hours=1))
    assert arm == pytest.approx(0.18648)


def test_a_minute_is_the_least_that_is_billed() -> None:
    table = prices("us-east-1")
    least = table.dollars(1024, 2048, timedelta(minutes=1))
    assert table.dollars(1024, 2048, timedelta(seconds=3)) == least


def test_a_region_without_prices_says_whose_it_uses() -> None:
    assert prices("eu-central-1").region == "us-east-1"
    assert prices("eu-central-1").borrowed
    assert not prices("us-east-1").borrowed


def test_a_task_that_has_not_ended_has_no_cost_yet() -> None:
    running = Task("a", "RUNNING", cpu="256", memory="512", times={"startedAt": "x"})
    assert run_cost(running, prices("us-east-1")) is None
