"""A paused schedule: its firings are told as paused, and it fires again by itself."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from toolkit.runtime.contract import RunId

from .stage import Stage, assert_told, rehearses

NAME = "weather-idle"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WHY = "the station is being moved"


@pytest.fixture(scope="module")
def first(stage: Stage) -> Iterator[datetime]:
    """The first of two firings that a pause took, each a day after the other; the pause is over."""
    three = stage.now().replace(hour=15, minute=0, second=0, microsecond=0)
    if stage.now() > three - HOUR:
        three += DAY
    command = stage.project.toolkit
    command("schedule", NAME, "cron(0 15 * * ? *)", "--local", "--yes")
    until = f"{three + DAY + HOUR:%Y-%m-%dT%H:%M:%SZ}"
    asked = ("pause", NAME, "--until", until, "--why", WHY, "--local")
    config = stage.project.root / "toolkit.toml"
    before = config.read_text()
    table = f"toolkit.toml [local.schedules.{NAME}]"
    assert f"would edit {table}" in command(*asked, "--dry-run").out
    assert config.read_text() == before
    assert f"{table} written" in command(*asked, "--yes").out
    assert f'until = "{until}"' in config.read_text()
    assert_shown(stage, until)
    list(stage.engine.advance(until=(three + 2 * DAY + HOUR).isoformat()))
    yield three
    command("schedule", NAME, "--remove", "--local", "--yes")


def assert_shown(stage: Stage, until: str) -> None:
    """Every list of schedules says that it is paused, until when, by whom and why."""
    command = stage.project.toolkit
    caller = stage.aws("sts").get_caller_identity()["Arn"]
    wanted = {"until": until, "who": caller, "why": WHY, "start": ""}
    words = f"paused until {until[:16].replace('T', ' ')}Z by {caller.split(':')[-1]}: {WHY}"
    lists = (("schedules",), ("status",), ("schedules", "diff"))
    for name in lists:
        code = None if "diff" in name else 0
        found = command(*name, "--local", "--json", code=code).json()
        listed = found["schedules"] if "status" in name else found
        assert {row["name"]: row["pause"] for row in listed}[NAME] == wanted
        assert words in command(*name, "--local", code=code).out
    ahead = ("--until", until, "--local")
    found = command("schedules", "next", *ahead, "--json").json()
    own = [row["pause"] for row in found if row["schedule"] == NAME]
    assert own == [wanted] * len(own)
    assert own
    for name in ("next", "calendar"):
        assert f"{NAME}: {words}" in command("schedules", name, *ahead).out
    assert words in command("schedule", NAME, "--local").out


def rows(stage: Stage, since: datetime) -> dict[str, tuple[str, str]]:
    flags = ("--since", since.isoformat(), "--schedule", NAME)
    found = stage.project.toolkit("ledger", "--local", "--json", *flags, code=None).json()
    return {row["run_id"]: (row["state"], row["detail"]) for row in found["firings"]}


@rehearses("paused")
def test_firings_of_a_pause_are_paused_and_the_next_one_runs(
    stage: Stage, first: datetime, diagnosis: str
) -> None:
    after = RunId(NAME, first + 2 * DAY)
    stage.committed(after)
    found = rows(stage, first - HOUR)
    paused = [RunId(NAME, first), RunId(NAME, first + DAY)]
    caller = stage.aws("sts").get_caller_identity()["Arn"]
    for run_id in paused:
        state, detail = found[str(run_id)]
        assert state == "paused"
        assert detail.endswith(f"by {caller}: {WHY}")
    assert found[str(after)][0] in {"ok", "settling", "running"}
    (verdict,) = stage.judge([paused[0]], "--timeout", "0", code=None).values()
    assert_told(verdict, diagnosis, "INCONCLUSIVE")
    since = ("--since", (first - HOUR).isoformat(), "--schedule", NAME, "--local", "--json")
    judged = stage.project.toolkit("validate", *since)  # and passes
    assert "not judged: 2 paused" in judged.err
    assert not {str(run_id) for run_id in paused} & {row["run_id"] for row in judged.json()}
    listed = {row["run_id"] for row in stage.project.toolkit("runs", *since).json()}
    assert str(after) in listed
    assert not {str(run_id) for run_id in paused} & listed


def test_a_pause_that_is_resumed_early_takes_no_later_firing(stage: Stage, first: datetime) -> None:
    due = first + 3 * DAY
    until = f"{due + 2 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    command = stage.project.toolkit
    both = (NAME, "weather")  # in tables of one toolkit.toml
    command("pause", *both, "--until", until, "--why", WHY, "--local", "--yes")
    command("resume", *both, "--local", "--yes")
    again = command("resume", NAME, "--local", "--yes", code=2)
    assert f"schedule {NAME} is not paused" in again.err
    assert "pause" not in (stage.project.root / "toolkit.toml").read_text()
    list(stage.engine.advance(until=(due + HOUR).isoformat()))
    stage.committed(RunId(NAME, due))
    assert rows(stage, first + 2 * DAY)[str(RunId(NAME, due))][0] != "paused"
