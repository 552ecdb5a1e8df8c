"""Many stacks at once: why each changes and what its firings do, in one screen."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_rescheduling import NOW, SIX
from toolkit.cli.render import Terminal
from toolkit.core.deploying.config import parse
from toolkit.core.deploying.plans import workload_spec
from toolkit.core.deploying.reasons import MANY, firings_in_words, grouped, noun_of, reasons
from toolkit.core.schedules.rescheduling import rescheduling
from toolkit.core.stack import ChangeSet, Stack, StackEvent, StackPlan
from toolkit.runtime.catalog import load

CATALOG = load()
WEATHER = CATALOG.workload("weather")
OUTPUTS = {"app-platform": {"BucketName": "bucket", "ExecutionRoleArn": "role"}}


def plan(image: str = "a", template: str = "T", **tables: object) -> StackPlan:
    config = parse({"default": {"app": "app", **tables}}, "default", CATALOG)
    return workload_spec(config, WEATHER, f"repository@{image}").plan(template, OUTPUTS)


def deployed(plan: StackPlan) -> Stack:
    # CloudFormation tells the defaults of parameters that nobody gave, too.
    parameters = {**plan.parameters, "LogRetentionDays": "90"}
    return Stack(plan.name, "UPDATE_COMPLETE", parameters=parameters, tags=plan.tags)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (plan(), ()),
        (plan("b"), ("image",)),
        (plan(workloads={"weather": {"cpu": 1024, "memory": 2048}}), ("size", "catalog")),
        (plan("b", workload={"EphemeralStorageGiB": 21}), ("image", "size", "catalog")),
        (plan(workloads={"weather": {"max_runtime_seconds": 5}}), ("maximum runtime", "catalog")),
        (plan(tags={"team": "data"}), ("tags",)),
        (plan(template="T2"), ("template",)),
        (plan("b", "T2", tags={"team": "data"}), ("image", "tags", "template")),
    ],
)
def test_a_stack_says_why_it_changes(wanted: StackPlan, why: tuple[str, ...]) -> None:
    assert reasons(wanted, deployed(plan())) == why
    assert reasons(wanted, None) == ("new",)
    assert noun_of(wanted) == ("workload", "weather")


def test_a_tag_that_is_taken_out_is_a_reason_of_its_own() -> None:
    assert reasons(plan(), deployed(plan(tags={"team": "data"}))) == ("tags",)


@given(st.dictionaries(st.text("ab", min_size=1), st.sampled_from(["image", "size", "new"])))
def test_every_name_stands_in_one_group_and_the_last_is_the_rest(named: dict[str, str]) -> None:
    groups = grouped(named)
    assert {name: row.what for row in groups for name in row.names} == named
    assert sum(len(row.names) for row in groups) == len(named)
    assert [row.rest for row in groups] == [False] * (len(groups) - 1) + [True] * bool(groups)
    assert all(len(row.names) <= len(groups[-1].names) for row in groups)


def effects(count: int, changed: int) -> list[str]:
    later = {**SIX, "ScheduleExpression": "cron(0 7 * * ? *)"}
    rows = [
        rescheduling(SIX, evolve_name(later if number < changed else SIX, number), NOW)
        for number in range(count)
    ]
    return firings_in_words(rows)


def evolve_name(parameters: dict[str, str], number: int) -> dict[str, str]:
    return {**parameters, "ScheduleName": f"weather-{number:02}"}


def test_what_many_schedules_do_to_their_firings_takes_a_few_lines() -> None:
    assert effects(60, 0) == ["no firing changes"]
    few = effects(60, 2)
    assert [line.split(":")[0] for line in few[:2]] == ["weather-00", "weather-01"]
    assert few[2:] == ["the firings of 58 schedules stay as they are"]
    many = effects(60, 60)
    assert many == ["shifts 7 until 30 Nov: 60 schedules"]
    some = effects(60, 12)
    assert some[0].startswith("shifts 7 until 30 Nov: weather-00, weather-01, ")
    assert some[1] == "the firings of 48 schedules stay as they are"
    assert effects(60, 59)[1] == "the firings of 1 schedule stay as they are"
    assert len(effects(MANY, 1)) == MANY


def change_sets(count: int) -> list[ChangeSet]:
    rows = [
        ChangeSet(f"app-workload-report-{n:02}", "arn", "UPDATE", (), noun="workload")
        for n in range(count)
    ]
    return [evolve(row, name=row.stack[13:], reasons=("image",)) for row in rows]


def test_sixty_stacks_are_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    terminal, rows = Terminal(), change_sets(60)
    rows[7] = evolve(rows[7], reasons=("image", "size"))
    rows[9] = evolve(rows[9], reasons=("new",), kind="CREATE")
    terminal.changes(rows)
    for number, row in enumerate(rows):
        time = f"2026-11-23T12:00:{number:02}Z"
        for status in ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"):
            event = StackEvent(f"{number}{status}", time, row.stack, "Stack", status, "by a person")
            terminal.event(row.stack, event)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:4] == [
        "60 workloads: 59 to update, 1 to create",
        "  image, size: report-07",
        "  new: report-09",
        "  image: the other 58",
    ]
    assert len(lines) < 24
    assert [line for line in lines if "done" in line][-1] == "  60 of 60 done"


def test_a_few_stacks_say_why_beside_their_resources(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().changes(change_sets(2))
    assert capsys.readouterr().err.splitlines()[0] == "app-workload-report-00 (update: image)"
