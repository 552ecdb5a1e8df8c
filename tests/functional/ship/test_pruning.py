"""What the project does not have any more: listed, deleted after a look, and held where needed."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.conftest import Project

from .conftest import stacks

NAME = "pruned"
WHERE = ("--local", "--config-env", NAME)
TABLE = """
[workloads.retiring]
summary = "It will be taken out"
entry_point = "workloads.answers:run"
cpu = 256
memory = 512
max_runtime_seconds = 60
"""


@pytest.fixture
def pruned(shipped: Project) -> Iterator[Project]:
    """An environment with a workload of two schedules besides the others."""
    catalog, folder = shipped.root / "workloads" / "catalog.toml", shipped.root / "schedules"
    before = catalog.read_text()
    catalog.write_text(before + TABLE)
    for name in ("retiring", "retiring-late"):
        (folder / f"{name}.toml").write_text('expression = "cron(0 6 * * ? *)"\n')
    try:
        shipped.toolkit("deploy", *WHERE, "--yes", "--only", "weather", "--only", "retiring")
        yield shipped
    finally:
        catalog.write_text(before)
        for name in ("retiring", "retiring-late"):
            (folder / f"{name}.toml").unlink(missing_ok=True)
        shipped.toolkit("delete", *WHERE, "--yes", "--data", code=None)


def retire(project: Project) -> None:
    catalog = project.root / "workloads" / "catalog.toml"
    catalog.write_text(catalog.read_text().replace(TABLE, ""))
    for name in ("retiring", "retiring-late"):
        (project.root / "schedules" / f"{name}.toml").unlink(missing_ok=True)


def own(project: Project) -> set[str]:
    return {name for name in stacks(project) if name.startswith(f"{NAME}-")}


def test_retired_stacks_are_named_and_go_after_a_look(pruned: Project) -> None:
    everything = own(pruned)
    assert "nothing is deployed" in pruned.toolkit("prune", *WHERE, "--yes").err
    retire(pruned)
    wanted = {f"{NAME}-schedule-retiring", f"{NAME}-schedule-retiring-late"}
    wanted |= {f"{NAME}-workload-retiring"}
    status = pruned.toolkit("status", *WHERE).out
    assert "still deployed: schedule retiring, schedule retiring-late, workload retiring" in status
    assert f"toolkit prune --local --config-env {NAME}" in status
    deployed = pruned.toolkit("deploy", *WHERE, "--yes", "--only", "weather")
    assert all(name in deployed.err for name in wanted)

    dry: Any = pruned.toolkit("prune", *WHERE, "--dry-run", "--json").json()
    assert {row["stack"] for row in dry["retired"]} == wanted
    declined = pruned.toolkit("prune", *WHERE, code=1)
    assert f"- workload retiring; its log /{NAME}/retiring stays for 90 days" in declined.out
    assert own(pruned) == everything

    done = pruned.toolkit("prune", *WHERE, "--yes")
    assert own(pruned) == everything - (wanted - {f"{NAME}-workload-retiring"})
    assert f"{NAME}-workload-retiring (all but its log)" in done.out
    assert all(name in done.out for name in wanted)
    active = pruned.aws("ecs").list_task_definitions(familyPrefix=f"{NAME}-retiring")
    assert active["taskDefinitionArns"] == []
    assert "retired" in pruned.toolkit("status", *WHERE, "--json").json()
    assert pruned.toolkit("status", *WHERE, "--json").json()["retired"] == []


def test_past_runs_of_a_pruned_workload_are_judged_and_it_may_come_back(pruned: Project) -> None:
    run = ("run", "retiring-late", *WHERE, "--follow", "--json")
    done: Any = pruned.toolkit(*run, code=None).json()
    before = pruned.toolkit("validate", done["run_id"], *WHERE, code=None)
    catalog = pruned.root / "workloads" / "catalog.toml"
    retire(pruned)
    pruned.toolkit("prune", *WHERE, "--yes")
    stack = f"{NAME}-workload-retiring"
    resources = pruned.aws("cloudformation").describe_stack_resources(StackName=stack)
    assert [row["LogicalResourceId"] for row in resources["StackResources"]] == ["LogGroup"]
    after = pruned.toolkit("validate", done["run_id"], *WHERE, code=before.code)
    lines = [row for row in after.out.splitlines() if "logs" in row]
    assert lines == [row for row in before.out.splitlines() if "logs" in row]
    assert pruned.toolkit("prune", *WHERE, "--dry-run", "--json").json()["retired"] == []
    assert pruned.toolkit("status", *WHERE, "--json").json()["retired"] == []
    catalog.write_text(catalog.read_text() + TABLE)
    pruned.toolkit("deploy", *WHERE, "--yes", "--only", "retiring")
    assert tags(pruned, stack)["toolkit:noun"] == "workload"
    assert pruned.outputs(stack)["TaskDefinitionArn"]


def tags(project: Project, stack: str) -> dict[str, str]:
    (found,) = project.aws("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {row["Key"]: row["Value"] for row in found["Tags"]}


def test_a_workload_stays_while_a_schedule_that_somebody_made_runs_it(pruned: Project) -> None:
    scheduler = pruned.aws("scheduler")
    found = scheduler.get_schedule(Name="retiring", GroupName=NAME)
    kept = ("ScheduleExpression", "FlexibleTimeWindow", "Target", "GroupName")
    scheduler.create_schedule(Name="retiring-hand", **{key: found[key] for key in kept})
    retire(pruned)
    held = pruned.toolkit("prune", *WHERE, "--yes")
    assert "workload retiring stays: schedule retiring-hand runs it" in held.out
    assert f"{NAME}-workload-retiring" in own(pruned)
    assert f"{NAME}-schedule-retiring" not in own(pruned)

    removed = pruned.toolkit("schedule", "retiring-hand", "--remove", *WHERE, "--yes")
    assert "retiring-hand removed: the live schedule" in removed.out
    assert scheduler.list_schedules(GroupName=NAME, NamePrefix="retiring")["Schedules"] == []
    pruned.toolkit("prune", *WHERE, "--yes")
    assert tags(pruned, f"{NAME}-workload-retiring")["toolkit:noun"] == "log"
    again = pruned.toolkit("schedule", "retiring-hand", "--remove", *WHERE, "--yes", code=2)
    assert "there is no schedule 'retiring-hand'" in again.err


def test_a_dump_writes_files_that_its_own_reader_takes(pruned: Project) -> None:
    scheduler = pruned.aws("scheduler")
    found = scheduler.get_schedule(Name="retiring", GroupName=NAME)
    kept = ("ScheduleExpression", "Target", "GroupName")
    target = {**found["Target"], "RetryPolicy": {"MaximumRetryAttempts": 3}}
    given = {**{key: found[key] for key in kept}, "Target": target}
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    scheduler.create_schedule(Name="retiring-hand", FlexibleTimeWindow=window, **given)
    strange = {**given, "Target": {**target, "Input": "[]"}}
    scheduler.create_schedule(Name="retiring-odd", FlexibleTimeWindow=window, **strange)
    scheduler.create_schedule(Name="elsewhere", FlexibleTimeWindow=window, **given)
    folder = pruned.root / "schedules"
    before = {path.name: path.read_text() for path in folder.iterdir()}
    shutil.copytree(folder, pruned.root / "schedules-before")
    try:
        dumped = pruned.toolkit("schedules", "dump", *WHERE, "--write", code=1)
        assert "schedules/retiring-hand.toml written" in dumped.out
        assert "retiring-odd is left out: its Input" in dumped.err
        assert "name the schedule retiring-elsewhere" in dumped.err
        text = (folder / "retiring-hand.toml").read_text()
        assert 'workload = "retiring"' in text
        assert "flexible_window_minutes = 15" in text
        assert "retry_attempts = 3" in text
        assert {path.name for path in folder.iterdir()} == {*before, "retiring-hand.toml"}
        assert (
            "tried 3 times again"
            in pruned.toolkit("schedule", "retiring-hand", *WHERE, "--dry-run").out
        )
        assert "retiring-hand" in pruned.toolkit("schedules", "next", *WHERE).out
        again = pruned.toolkit("schedules", "dump", *WHERE, "--write", code=1)
        assert "no change" in again.out
    finally:
        shutil.rmtree(folder)
        shutil.move(pruned.root / "schedules-before", folder)
        for name in ("retiring-hand", "retiring-odd", "elsewhere"):
            scheduler.delete_schedule(Name=name, GroupName=NAME)
