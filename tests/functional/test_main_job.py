"""The main job on the embedded AWS: deploy, schedule, fire, follow, validate. Nothing is faked."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from .conftest import Project, make_project, start_at

APP = "fargate-runs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The project as it is, with the real forecast."""
    made = make_project(tmp_path_factory.mktemp("main"))
    start_at(made, "16:05")
    made.toolkit("deploy", "--local", "--yes", "--only", "weather")
    yield made
    made.toolkit("local", "stop")


def fire(project: Project, *flags: str) -> str:
    """Let the next firing of the weather schedule happen; returns its run id."""
    firing = project.toolkit("schedule", "weather", "--local", "--json").json()["firings"][0]
    if flags:
        project.toolkit("local", "fire", "weather", *flags)
    due = datetime.fromisoformat(firing["utc"]) + timedelta(minutes=2)
    project.toolkit("local", "advance", due.isoformat())
    return str(firing["run_id"])


@pytest.fixture(scope="module")
def run_id(project: Project) -> str:
    return fire(project)


def checks(verdict: dict[str, object]) -> dict[str, tuple[str, str]]:
    rows: list[dict[str, str]] = verdict["checks"]  # type: ignore[assignment]
    return {row["name"]: (row["status"], row["detail"]) for row in rows}


def test_a_second_deploy_changes_nothing(project: Project) -> None:
    answer = project.toolkit("deploy", "--local", "--yes", "--only", "weather", "--json")
    assert {row["result"] for row in answer.json()["stacks"]} == {"unchanged"}


def test_a_scheduled_run_passes_and_leaves_its_plot(project: Project, run_id: str) -> None:
    answer = project.toolkit(
        "validate", "--run-id", run_id, "--local", "--json", "--download", "runs"
    )
    verdict = answer.json()
    assert verdict["ruling"] == "PASS"
    found = checks(verdict)
    assert found["artifacts"] == ("OK", "4 of 4, checksums match the manifest")
    assert "EssentialContainerExited, exit 0" in found["lifecycle"][1]
    plot = project.root / "runs" / run_id / "weather.png"
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_manifest_names_the_source_of_the_data(project: Project, run_id: str) -> None:
    bucket = project.outputs(f"{APP}-platform")["BucketName"]
    key = f"ledger/weather/{run_id}.succeeded.json"
    manifest = json.load(project.aws("s3").get_object(Bucket=bucket, Key=key)["Body"])
    assert manifest["settings"]["source"] == "vega-seattle"
    assert manifest["environment"]["MAX_ORDER"] == "3"
    assert manifest["metrics"]


def test_the_log_is_there_in_full(project: Project, run_id: str) -> None:
    lines = project.toolkit("logs", run_id, "--local", "--json").out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(1, len(lines) + 1))
    only = project.toolkit("logs", run_id, "--local", "--grep", "run.finished").out
    assert len(only.splitlines()) == 1


def test_the_verdict_survives_when_ecs_has_forgotten_the_task(project: Project) -> None:
    run_id = fire(project)
    project.toolkit("local", "advance", "2h")
    verdict = project.toolkit("validate", "--run-id", run_id, "--local", "--json").json()
    assert verdict["ruling"] == "PASS"


def test_a_period_is_judged_firing_by_firing_as_the_ledger_has_them(project: Project) -> None:
    period = ("--since", "30d", "--schedule", "weather", "--local")
    rows = project.toolkit("ledger", *period, "--json").json()["firings"]
    over = [row["run_id"] for row in rows if row["state"] == "ok"]
    assert len(over) >= 2
    found = project.toolkit("validate", *period, "--json").json()
    assert [(each["run_id"], each["ruling"]) for each in found] == [(id_, "PASS") for id_ in over]
    shown = project.toolkit("validate", *period).out
    assert shown.endswith(f"{len(over)} runs: {len(over)} PASS\n")
    nothing = project.toolkit("validate", "--since", "1s", "--local", "--json", code=4)
    assert nothing.json() == []


@pytest.mark.parametrize(
    ("damage", "reason"), [("delete", "not in the bucket"), ("alter", "altered")]
)
def test_a_damaged_artifact_fails_with_the_reason(
    project: Project, damage: str, reason: str
) -> None:
    run_id = fire(project)
    bucket = project.outputs(f"{APP}-platform")["BucketName"]
    key = f"runs/weather/{run_id}/forecast.csv"
    s3 = project.aws("s3")
    if damage == "delete":
        s3.delete_object(Bucket=bucket, Key=key)
    else:
        content = bytearray(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        content[-2] ^= 1
        s3.put_object(Bucket=bucket, Key=key, Body=bytes(content), ChecksumAlgorithm="SHA256")
    answer = project.toolkit("validate", "--run-id", run_id, "--local", code=1)
    assert answer.out.startswith("FAIL")
    assert reason in answer.out


def test_the_second_of_two_deliveries_is_suppressed(project: Project) -> None:
    run_id = fire(project, "--twice")
    verdict = project.toolkit("validate", "--run-id", run_id, "--local", "--json").json()
    assert verdict["ruling"] == "PASS"
    assert "2 tasks for this firing" in checks(verdict)["launch"][1]


def test_a_running_run_is_inconclusive_and_a_failed_one_fails(
    project: Project, slow_station: tuple[str, threading.Event]
) -> None:
    url, release = slow_station
    patient = ("SOURCE=ghcn-daily", f"STATION_URL={url}", "FETCH_SECONDS=600")
    settings = [word for setting in patient for word in ("-e", setting)]
    run_id = project.toolkit("run", "weather", "--local", *settings).out.strip()
    answer = project.toolkit("validate", "--run-id", run_id, "--local", code=4)
    assert answer.out.startswith("INCONCLUSIVE")
    assert "still runs" in answer.out
    release.set()
    answer = project.toolkit(
        "validate", "--run-id", run_id, "--local", "--wait", "--timeout", "300", code=1
    )
    assert "404" in answer.out
    assert "the workload failed" in answer.out


def test_run_follow_ends_with_the_verdict(project: Project) -> None:
    answer = project.toolkit("run", "weather", "--local", "--follow")
    assert "PASS" in answer.out
    assert "run.finished" in answer.err


def test_a_run_that_nobody_knows_is_inconclusive(project: Project) -> None:
    answer = project.toolkit("validate", "--run-id", "weather-20200101T000000Z", "--local", code=4)
    assert "no trace of this run" in answer.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("schedule", "weather", "cron(0 25 * * ? *)", "--local", "--yes"),
            "hours '25': outside 0-23",
        ),
        (("schedule", "weather", "-e", "MAXORDER=3", "--local", "--yes"), "did you mean MAX_ORDER"),
        (("schedule", "berlin", "rate(1 day)", "--local", "--yes"), "<workload>-berlin"),
        (("validate", "--run-id", "nonsense", "--local"), "weather-20261124T050000Z"),
        (("run", "weathr", "--local"), "weather"),
    ],
)
def test_bad_input_gets_one_error_with_a_hint(
    project: Project, arguments: tuple[str, ...], message: str
) -> None:
    before = (project.root / "schedules" / "weather.toml").read_text()
    answer = project.toolkit(*arguments, code=2)
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert (project.root / "schedules" / "weather.toml").read_text() == before
    assert not (project.root / "schedules" / "berlin.toml").exists()


def test_a_schedule_change_keeps_the_comments_and_reaches_the_scheduler(project: Project) -> None:
    path = project.root / "schedules" / "weather.toml"
    answer = project.toolkit("schedule", "weather", "cron(30 6 * * ? *)", "--local", "--yes")
    assert re.search(r"shifts \d", answer.out)
    text = path.read_text()
    assert text.startswith("# Every morning.\n")
    assert "# enough for Seattle" in text
    live = project.aws("scheduler").get_schedule(Name="weather", GroupName=APP)
    assert live["ScheduleExpression"] == "cron(30 6 * * ? *)"
    assert project.toolkit("schedules", "--local", "diff").code == 0


def test_a_change_behind_the_stack_is_shown_and_not_overwritten(project: Project) -> None:
    scheduler = project.aws("scheduler")
    live = scheduler.get_schedule(Name="weather", GroupName=APP)
    wanted = ("Name", "GroupName", "Target", "FlexibleTimeWindow", "State")
    scheduler.update_schedule(
        **{key: live[key] for key in wanted}, ScheduleExpression="cron(0 12 * * ? *)"
    )
    diff = project.toolkit("schedules", "--local", "diff", code=1)
    assert "cron(0 12 * * ? *)" in diff.out
    change = ("schedule", "weather", "cron(0 7 * * ? *)", "--local", "--yes")
    answer = project.toolkit(*change, code=2)
    assert "changed behind its stack" in answer.err
    assert "cron(30 6" in (project.root / "schedules" / "weather.toml").read_text()
    project.toolkit(*change, "--overwrite")
    live = scheduler.get_schedule(Name="weather", GroupName=APP)
    assert live["ScheduleExpression"] == "cron(0 7 * * ? *)"


def test_a_new_name_makes_a_new_schedule_and_prune_deletes_only_ours(project: Project) -> None:
    path = project.root / "schedules" / "weather-hourly.toml"
    before = names_of_schedules(project)
    project.toolkit(
        "schedule", "weather-hourly", "rate(1 hour)", "-e", "HARMONICS=1", "--local", "--yes"
    )
    assert 'HARMONICS = "1"' in path.read_text()
    path.unlink()
    diff = project.toolkit("schedules", "--local", "diff", code=1)
    assert "- weather-hourly" in diff.out
    pruned = project.toolkit("schedules", "--local", "prune", "--yes", "--json").json()
    assert pruned == ["weather-hourly"]
    assert names_of_schedules(project) == before
    assert "weather" in before


def names_of_schedules(project: Project) -> set[str]:
    return {row["Name"] for row in project.aws("scheduler").list_schedules()["Schedules"]}
