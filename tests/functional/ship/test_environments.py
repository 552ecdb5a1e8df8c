"""An environment of its own: sizes, tags and schedules as it says, and the same project's files."""

from collections.abc import Callable, Iterator

import pytest

from tests.functional.conftest import Project

from .conftest import stacks

NAME = "sized"
WHERE = ("--local", "--config-env", NAME)
TABLES = f"""
[{NAME}.workloads.weather]
cpu = 1024
memory = 4096
ephemeral_storage_gib = 30

[{NAME}.schedules.weather]
state = "DISABLED"
flexible_window_minutes = 15
capacity_provider = "FARGATE_SPOT"

[{NAME}.tags]
team = "data"
"""


@pytest.fixture(scope="module")
def sized(shipped: Project) -> Iterator[Project]:
    """The environment, deployed beside the other."""
    path = shipped.root / "toolkit.toml"
    before = path.read_text()
    path.write_text(before + TABLES)
    shipped.toolkit("deploy", *WHERE, "--yes", "--only", "weather")
    yield shipped
    shipped.toolkit("delete", *WHERE, "--yes", "--data")
    path.write_text(before)


def test_a_task_has_the_environments_size_and_the_stacks_its_tags(sized: Project) -> None:
    arn = sized.outputs(f"{NAME}-workload-weather")["TaskDefinitionArn"]
    found = sized.aws("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert (found["cpu"], found["memory"]) == ("1024", "4096")
    assert int(found["ephemeralStorage"]["sizeInGiB"]) == 30
    own = [row for name, row in stacks(sized).items() if name.startswith(f"{NAME}-")]
    assert len(own) == 3
    assert all({"Key": "team", "Value": "data"} in row["Tags"] for row in own)


def test_a_schedule_is_as_its_table_says_and_a_change_edits_the_table(sized: Project) -> None:
    found = sized.aws("scheduler").get_schedule(Name="weather", GroupName=NAME)
    assert found["State"] == "DISABLED"
    assert found["FlexibleTimeWindow"]["MaximumWindowInMinutes"] == 15
    [provider] = found["Target"]["EcsParameters"]["CapacityProviderStrategy"]
    assert provider["capacityProvider"] == "FARGATE_SPOT"
    assert sized.toolkit("schedules", "diff", *WHERE, "--thorough", code=None).out.count("~") == 0

    told = sized.toolkit("schedule", "weather", *WHERE, "--enable", "--yes")
    assert f"toolkit.toml [{NAME}.schedules.weather] written, stack updated" in told.out
    found = sized.aws("scheduler").get_schedule(Name="weather", GroupName=NAME)
    assert found["State"] == "ENABLED"
    assert (
        'state = "ENABLED"' in (sized.root / "toolkit.toml").read_text().partition(TABLES[:20])[2]
    )
    listed = sized.toolkit("schedules", *WHERE).out
    assert "up to 15 min late, on FARGATE_SPOT" in listed


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("memory = 4096", "memory = 1024", "with cpu = 1024, memory is 2048 to 8192"),
        ("team =", "app =", "the tag 'app' is set by the toolkit"),
        ("[sized.schedules.weather]", "[sized.schedules.wether]", "did you mean 'weather'?"),
    ],
)
def test_what_aws_would_refuse_is_refused_before_anything_is_deployed(
    sized: Project, edited: Callable[[str, str, str], None], old: str, new: str, told: str
) -> None:
    before = {name: row.get("LastUpdatedTime") for name, row in stacks(sized).items()}
    edited("toolkit.toml", old, new)
    refused = sized.toolkit("deploy", *WHERE, "--yes", "--only", "weather", code=2)
    assert told in refused.err
    assert {n: row.get("LastUpdatedTime") for n, row in stacks(sized).items()} == before
