"""How often AWS is asked: six schedules deployed and a day of runs, on the embedded AWS."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

import pytest

from tests.functional.conftest import Project, make_light, make_project, start_at
from toolkit.runtime.contract import Claim, RunId

SCHEDULES = [f"weather-{number}" for number in range(6)]
ARTIFACTS = 4
_CALL = re.compile(r"^([a-z0-9-]+\.[A-Z]\w+) \d+ ms, \d+ retr(?:y|ies)", re.MULTILINE)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Six schedules, and a day on which each of them fired."""
    made = make_project(tmp_path_factory.mktemp("busy"))
    make_light(made)
    (made.root / "schedules" / "weather.toml").unlink()
    start_at(made, "16:05")
    for number, name in enumerate(SCHEDULES):
        text = f'workload = "weather"\nexpression = "cron({number} 6 * * ? *)"\n'
        (made.root / "schedules" / f"{name}.toml").write_text(f'{text}[env]\nMAX_ORDER = "3"\n')
    try:
        made.toolkit("deploy", "--local", "--yes")
        made.toolkit("local", "advance", "1d")
        yield made
    finally:
        made.toolkit("local", "stop")


def calls(project: Project, *words: str, code: int | None = 0) -> Counter[str]:
    """The calls of a command by service and operation, as --debug shows them."""
    return Counter(_CALL.findall(project.toolkit("--debug", "--local", *words, code=code).err))


def asked_once(made: Counter[str], *often: str) -> set[str]:
    """The operations that were called more than once, although they need not be."""
    return {name for name, count in made.items() if count > 1 and name not in often}


@pytest.mark.parametrize("command", ["status", "schedules"])
def test_what_there_is_costs_ten_calls_and_a_listing_a_schedule(
    busy: Project, command: str
) -> None:
    made = calls(busy, command)
    assert made.total() <= 10 + len(SCHEDULES), made
    assert made["scheduler.GetSchedule"] == 0
    assert asked_once(made, "s3.ListObjectsV2") == set()


def test_the_runs_of_a_day_cost_ten_calls_and_a_listing_a_schedule(busy: Project) -> None:
    made = calls(busy, "runs")
    assert made.total() <= 10 + len(SCHEDULES), made
    assert asked_once(made, "s3.ListObjectsV2") == set()


def test_the_ledger_of_a_day_costs_pages(busy: Project) -> None:
    made = calls(busy, "ledger")
    assert made.total() <= 12 + len(SCHEDULES), made
    # One search a log group for duplicate deliveries.
    assert asked_once(made, "s3.ListObjectsV2", "logs.FilterLogEvents") == set()


def test_a_verdict_costs_ten_calls_and_a_head_an_artifact(busy: Project) -> None:
    # Whatever the verdict: that depends on what the catalog expects of so small a run.
    made = calls(busy, "validate", "--latest", SCHEDULES[0], code=None)
    assert made["s3.HeadObject"] == ARTIFACTS
    # Eight for the evidence, two for what the run was expected to do.
    assert made.total() <= 10 + ARTIFACTS, made


def test_a_deployment_without_changes_costs_ten_calls_at_most(busy: Project) -> None:
    made = calls(busy, "deploy", "--yes")
    assert made["cloudformation.DescribeStacks"] == 1
    assert made.total() <= 10, made
    assert asked_once(made) == set()


def test_a_change_of_a_schedule_costs_fifteen_calls_at_most(busy: Project) -> None:
    made = calls(busy, "schedule", SCHEDULES[1], "cron(30 6 * * ? *)", "--yes")
    assert made.total() <= 15, made
    # Before the change set is made, and once it stands.
    assert made["scheduler.GetSchedule"] == 2
    assert made["scheduler.ListSchedules"] == 1


def test_a_new_schedule_costs_fifteen_calls_at_most(busy: Project) -> None:
    made = calls(busy, "schedule", "weather-new", "cron(40 6 * * ? *)", "--yes")
    assert made.total() <= 15, made
    assert made["cloudformation.ExecuteChangeSet"] == 1


@pytest.mark.parametrize("name", [SCHEDULES[5], "weather"])
def test_a_run_on_demand_is_listed_even_if_its_claim_is_all_that_is_left(
    busy: Project, name: str
) -> None:
    now = datetime.fromisoformat(busy.toolkit("status", "--local", "--json").json()["now"])
    run_id = RunId(name, now.replace(microsecond=0), "abc123")
    claim = Claim(str(run_id), "arn:aws:ecs:eu-central-1:000000000000:task/c/t", now.isoformat())
    bucket = busy.outputs("fargate-runs-platform")["BucketName"]
    busy.aws("s3").put_object(Bucket=bucket, Key=run_id.claim_key, Body=claim.to_json())
    runs = busy.toolkit("runs", "--local", "--json").json()
    states = {row["run_id"]: row["state"] for row in runs}
    assert states[str(run_id)] == "launched-but-no-artifact"
    schedules = busy.toolkit("status", "--local", "--json").json()["schedules"]
    last = {row["name"]: row["last"] for row in schedules}
    if name in last:
        assert last[name]["run_id"] == str(run_id)
        assert last[name]["state"] == "launched-but-no-artifact"
