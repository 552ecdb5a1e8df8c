"""Schedules of others: what of them a schedule file can say."""

import tomllib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.checks import Status
from toolkit.core.deploying.adopting import (
    ForeignSchedule,
    Overrides,
    adoption,
    file_name,
    file_text,
    read_overrides,
)
from toolkit.core.deploying.facts import Queue, Role, Unknown
from toolkit.core.names import check_name
from toolkit.core.schedules.timing import Timing

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)


def foreign(expression: str = "rate(1 day)", **given: object) -> ForeignSchedule:
    timing = Timing("x", expression, "UTC", "ENABLED", "", "", "2026-01-01T00:00:00.000Z")
    return ForeignSchedule("schedule", "default", timing, "c", "td/x:1", **given)  # type: ignore[arg-type]


@given(st.text())
def test_any_name_becomes_one_that_is_taken(name: str) -> None:
    assert check_name("schedule", file_name(name))


@given(
    st.text(), st.dictionaries(st.text(st.characters(categories=["L", "N"]), min_size=1), st.text())
)
def test_any_schedule_becomes_a_file_that_can_be_read(
    name: str, environment: dict[str, str]
) -> None:
    schedule = ForeignSchedule(
        "rule", name, Timing(name, "rate(1 day)", "UTC", "ENABLED", "", "", ""), name, name
    )
    overrides = Overrides(environment, command=(name,))
    assert tomllib.loads(file_text(schedule, "x-y", overrides))["state"] == "DISABLED"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "no JSON object"),
        ('{"containerOverrides": {}}', "no list of objects"),
        ('{"containerOverrides": [1]}', "no list of objects"),
    ],
)
def test_an_input_that_is_none_is_told(text: str, words: str) -> None:
    assert words in read_overrides(text)[1]
    row = adoption(foreign(input=text), None, None, NOW)
    assert words in row.checks[-1].detail


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"containerOverrides": null}',
        '{"containerOverrides": [{"environment": 1, "command": {}}]}',
        '{"containerOverrides": [{"environment": ["x", {"name": null}]}]}',
    ],
)
def test_other_inputs_are_read(text: str) -> None:
    read_overrides(text)


def test_what_a_file_cannot_say_is_told() -> None:
    text = '{"cpu": "1", "containerOverrides": [{"name": "a", "memory": 1}, {"name": "b"}]}'
    row = adoption(foreign(input=text, task_count=3), None, None, NOW)
    detail = row.checks[-1].detail
    assert detail == (
        "it runs 3 tasks a firing; a schedule file runs one; it overrides 2 containers; "
        "it overrides cpu, memory"
    )


@pytest.mark.parametrize(
    ("role", "status", "words"),
    [
        (None, Status.FAIL, "has none"),
        (Unknown("no GetRole for you"), Status.WARN, "not known: no GetRole"),
        (Unknown("", gone=True), Status.FAIL, "is gone"),
        (Role("r", "s", trusted=False, decisions={}), Status.FAIL, "does not trust s"),
        (Role("r", "s", trusted=True, decisions=Unknown("u")), Status.WARN, "not known: u"),
        (Role("r", "s", True, {"ecs:RunTask on x:1": "implicitDeny"}), Status.FAIL, "may not ecs"),
        (Role("r", "s", True, {"ecs:RunTask on x:1": "allowed"}), Status.OK, "may run"),
    ],
)
def test_each_fault_of_a_role_is_told(
    role: Role | Unknown | None, status: Status, words: str
) -> None:
    check = adoption(foreign(role_arn="arn:aws:iam::1:role/r"), role, None, NOW).checks[1]
    assert (check.name, check.status) == ("role", status)
    assert words in check.detail


@pytest.mark.parametrize(
    ("queue", "status"),
    [
        (None, Status.WARN),
        (Unknown("denied"), Status.WARN),
        (Unknown("", gone=True), Status.FAIL),
        (Queue("q", 0, denies_scheduler=True), Status.FAIL),
        (Queue("q", 2, denies_scheduler=False), Status.WARN),
        (Queue("q", 0, denies_scheduler=False), Status.OK),
    ],
)
def test_each_fault_of_a_queue_is_told(queue: Queue | Unknown | None, status: Status) -> None:
    assert adoption(foreign(), None, queue, NOW).checks[2].status is status


@pytest.mark.parametrize(
    ("expression", "status"),
    [("cron(0 6 * * * *)", Status.FAIL), ("at(2026-01-01T00:00:00)", Status.WARN)],
)
def test_an_expression_that_fires_no_more_is_told(expression: str, status: Status) -> None:
    row = adoption(foreign(expression), None, None, NOW)
    assert row.checks[0].status is status
    assert row.next == ()
