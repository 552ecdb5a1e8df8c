"""Stacks that the project does not have any more: told apart from all others by their names."""

from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.deploying.retired import retired
from toolkit.core.names import AppNames
from toolkit.core.stack import Stack

APP = AppNames("app")
NAMES = st.sets(st.sampled_from(["weather", "weather-a", "science", "stream"]))


def stacks(schedules: set[str], workloads: set[str]) -> list[Stack]:
    nouns = {
        APP.platform_stack: "platform",
        **{APP.schedule_stack(name): "schedule" for name in schedules},
        **{APP.workload_stack(name): "workload" for name in workloads},
    }
    return [Stack(name, "UPDATE_COMPLETE", tags={"toolkit:noun": n}) for name, n in nouns.items()]


@given(NAMES, NAMES, NAMES, NAMES)
def test_what_is_deployed_and_not_in_the_project_is_retired_and_nothing_else(
    files: set[str], catalog: set[str], schedules: set[str], workloads: set[str]
) -> None:
    found = retired(APP, stacks(schedules, workloads), files, catalog)
    told = [(row.noun, row.name) for row in found]
    assert told == [
        *(("schedule", name) for name in sorted(schedules - files)),
        *(("workload", name) for name in sorted(workloads - catalog)),
    ]
    assert all(row.stack == f"app-{row.noun}-{row.name}" for row in found)


def test_the_audits_stacks_are_retired_where_it_is_off() -> None:
    deployed = stacks({"audit"}, {"audit"})
    assert retired(APP, deployed, ["audit"], ["audit"]) == []
    assert [row.stack for row in retired(APP, deployed, (), ())] == [
        "app-schedule-audit",
        "app-workload-audit",
    ]
