"""Faults strike where they fit, as often as they were asked for, in the service's own protocol."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from toolkit.local.ministack.upstream import faults, faulty_calls


@pytest.fixture(autouse=True)
def no_faults() -> Iterator[None]:
    faults.clear()
    yield
    faults.clear()


def test_a_fault_strikes_as_often_as_it_was_asked_for() -> None:
    faults.add("duplicate", times=2)
    struck = [faults.strike("duplicate", "weather") is not None for _ in range(3)]
    assert struck == [True, True, False]
    assert faults.listed() == []


@pytest.mark.parametrize(
    ("limits", "schedule", "service", "strikes"),
    [
        ({}, "weather", "s3", True),
        ({"schedule": "weather"}, "weather", "s3", True),
        ({"schedule": "weather"}, "science", "s3", False),
        ({"schedule": "weather"}, None, "s3", False),
        ({"service": "s3"}, "weather", "s3", True),
        ({"service": "s3"}, "weather", "ecs", False),
    ],
)
def test_a_fault_keeps_to_its_limits(
    limits: dict[str, str], schedule: str | None, service: str, strikes: bool
) -> None:
    faults.add("throttling", **limits)  # type: ignore[arg-type]
    assert (faults.for_call(schedule, service) is not None) is strikes


def test_what_happens_to_a_task_is_known_when_it_is_placed() -> None:
    faults.add("killed", value=4.0, times=1)
    faults.add("clock-skew")
    assert faults.for_task("weather") == {"killed": 4.0, "clock-skew": 3600.0}
    assert faults.for_task("weather") == {"clock-skew": 3600.0}


def test_the_lowest_quota_is_in_force_and_never_used_up() -> None:
    faults.add("vcpu-quota", value=8.0)
    faults.add("vcpu-quota", value=2.0)
    assert [faults.quota("vcpu-quota") for _ in range(2)] == [2.0, 2.0]
    assert faults.quota("capacity") is None


def served(kind: str, service: str) -> tuple[list[str], int, bytes]:
    """Whether the service was asked, and what the caller hears."""
    asked: list[str] = []
    heard: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        heard.append(message)

    async def ask(_receive: Any, answer: Any) -> None:
        asked.append(service)
        await answer({"type": "http.response.start", "status": 200, "headers": []})
        await answer({"type": "http.response.body", "body": b"done"})

    fault = {"kind": kind, "value": 0}
    asyncio.run(faulty_calls.serve(fault, service, ask, receive, send))
    return asked, heard[0]["status"], heard[1]["body"]


@pytest.mark.parametrize(
    ("kind", "asked", "status"),
    [
        ("slow", ["ecs"], 200),
        ("lost-answer", ["ecs"], 500),
        ("error", [], 500),
        ("throttling", [], 400),
    ],
)
def test_a_call_suffers_its_fault(kind: str, asked: list[str], status: int) -> None:
    assert served(kind, "ecs")[:2] == (asked, status)


def test_each_protocol_has_its_own_words() -> None:
    assert json.loads(served("throttling", "ecs")[2])["__type"] == "ThrottlingException"
    assert b"<Error><Code>SlowDown</Code>" in served("throttling", "s3")[2]
    assert b"<ErrorResponse><Error><Code>Throttling</Code>" in served("throttling", "iam")[2]
