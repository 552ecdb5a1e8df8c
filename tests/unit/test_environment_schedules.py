"""An environment's table of a schedule goes before its file: read, refused, edited."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.adapters.project.project import Project
from toolkit.app.schedules.schedule import change
from toolkit.app.schedules.schedules import calendar
from toolkit.core.deploying.plans import schedule_spec
from toolkit.core.errors import ConfigError
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import LAUNCH, merged
from toolkit.runtime.catalog import load

CATALOG = load()
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONFIG = """\
[default]
app = "nightly"

[default.schedule]
CapacityProvider = "FARGATE_SPOT"

[default.env.weather]
LEVEL = "0.5"

[prod]  # the real one
[prod.schedules.weather]
state = "DISABLED"  # until spring
expression = "cron(0 5 * * ? *)"
retry_attempts = 3

[prod.schedules.weather.env]
MAX_ORDER = "4"

[default.schedules.weather]
description = "for all"
"""
FILE = """\
# Every morning.
expression = "cron(0 6 * * ? *)"
timezone = "Europe/Berlin"
flexible_window_minutes = 15

[env]
MAX_ORDER = "3"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "toolkit.toml").write_text(CONFIG)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "weather.toml").write_text(FILE)
    return Project(tmp_path, CATALOG)


def weather(project: Project, environment: str) -> Schedule:
    return project.schedules(project.config(environment))["weather"]


def test_the_file_is_the_base_and_the_environment_goes_before_it(project: Project) -> None:
    everywhere, prod = weather(project, "default"), weather(project, "prod")
    assert (everywhere.expression, everywhere.state) == ("cron(0 6 * * ? *)", "ENABLED")
    assert (prod.expression, prod.state) == ("cron(0 5 * * ? *)", "DISABLED")
    assert everywhere.description == prod.description == "for all"
    assert (everywhere.env, prod.env) == ({"MAX_ORDER": "3"}, {"MAX_ORDER": "4"})
    assert everywhere.launch_words == {
        "flexible_window_minutes": "15",
        "retry_attempts": "0",
        "event_age_seconds": "900",
        "capacity_provider": "FARGATE_SPOT",
    }
    assert prod.launch_words["retry_attempts"] == "3"
    parameters = schedule_spec(project.config("prod"), prod).parameters
    assert parameters["FlexibleWindowMinutes"] == "15"
    assert parameters["MaximumRetryAttempts"] == "3"
    assert '"LEVEL","value":"0.5"' in parameters["Input"]


_keys = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "state": st.sampled_from(["ENABLED", "DISABLED"]),
        "flexible_window_minutes": st.integers(0, 1440),
        "retry_attempts": st.integers(0, 185),
        "event_age_seconds": st.integers(60, 86_400),
        "capacity_provider": st.sampled_from(["FARGATE", "FARGATE_SPOT"]),
        "env": st.fixed_dictionaries(
            {},
            optional={
                "MAX_ORDER": st.sampled_from(["1", "2"]),
                "LEVEL": st.sampled_from(["0.8", "0.9"]),
            },
        ),
    },
)


@given(_keys, _keys)
def test_each_key_is_the_environments_or_else_the_files(
    file: dict[str, Any], table: dict[str, Any]
) -> None:
    whole = merged(file, table)
    for key in {*file, *table} - {"env"}:
        assert whole[key] == (table[key] if key in table else file[key])
    assert whole.get("env", {}) == {**file.get("env", {}), **table.get("env", {})}
    made = Schedule.from_file("weather", {"expression": "rate(2 hours)", **whole}, CATALOG)
    assert made.launch == {LAUNCH[key]: str(whole[key]) for key in LAUNCH if key in whole}


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[x.schedules.weather]\nstat = 'ENABLED'", "line 23 [x.schedules.weather]: unknown key"),
        ("[x.schedules.weather]\nstat = 'ENABLED'", "did you mean 'state'?"),
        ("[x.schedules.weather]\nworkload = 'stream'", "unknown key 'workload'"),
        ("[x.schedules.weather]\nretry_attempts = '3'", "line 23: x.schedules.weather.retry_att"),
        ("[x.schedules.weather]\nretry_attempts = '3'", "write retry_attempts = 3"),
        ("[x.schedules.weather]\nretry_attempts = true", "and should be a whole number"),
        ("[x.schedules]\nweather = 3", "line 23: x.schedules.weather is the number 3"),
        ("[x]\nregoin = 'eu'", "line 23 [x]: unknown key 'regoin'; did you mean 'region'?"),
        ("[x.schedules.weather]\nstate = 'off'", "[x.schedules.weather]: state 'off'"),
        ("[x.schedules.weather]\nretry_attempts = 186", "from 0 to 185"),
        ("[x.schedules.weather]\nevent_age_seconds = 59", "from 60 to 86400"),
        ("[x.schedules.weather]\ncapacity_provider = 'SPOT'", "neither FARGATE nor FARGATE_SPOT"),
        (
            "[x.schedules.weather]\nexpression = 'cron(0 25 * * ? *)'",
            "[x.schedules.weather]: hours '25'",
        ),
        ("[x.schedules.weather.env]\nMAXORDER = 3", "did you mean MAX_ORDER?"),
        ("[x.schedule]\nScheduleExpression = 'rate(1 hour)'", "expression below [x.schedules.NAM"),
        ("[x.schedule]\nState = 'DISABLED'", "the schedule's file decides it"),
    ],
)
def test_what_is_wrong_in_a_table_is_told_with_its_place(
    project: Project, table: str, told: str
) -> None:
    path = project.root / "toolkit.toml"
    path.write_text(f"{CONFIG}\n{table}\n")
    with pytest.raises(ConfigError) as caught:
        project.schedules(project.config("x"))
    assert told in f"{caught.value.message}; {caught.value.hint}"
    assert caught.value.message.startswith("toolkit.toml")


@pytest.mark.parametrize(
    ("environment", "changes", "places"),
    [
        ("prod", {"state": "ENABLED"}, ("toolkit.toml [prod.schedules.weather]",)),
        ("prod", {"timezone": "UTC"}, ("schedules/weather.toml",)),
        ("prod", {"description": "x"}, ("toolkit.toml [default.schedules.weather]",)),
        ("default", {"state": "DISABLED"}, ("schedules/weather.toml",)),
        ("prod", {"env": {"MAX_ORDER": "5"}}, ("toolkit.toml [prod.schedules.weather]",)),
        ("prod", {"env": {"LEVEL": "0.9"}}, ("schedules/weather.toml",)),
        (
            "prod",
            {"expression": "rate(2 hours)", "timezone": "UTC"},
            ("toolkit.toml [prod.schedules.weather]", "schedules/weather.toml"),
        ),
        ("prod", {"retry_attempts": None}, ("toolkit.toml [prod.schedules.weather]",)),
        ("prod", {"state": "DISABLED"}, ()),
    ],
)
def test_a_change_goes_where_the_key_stands(
    project: Project, environment: str, changes: dict[str, Any], places: tuple[str, ...]
) -> None:
    before = {path: (project.root / path).read_text() for path in ("toolkit.toml",)}
    found = change(project, project.config(environment), "weather", changes, NOW)
    assert found.edit.places == places
    assert {path: (project.root / path).read_text() for path in before} == before
    project.write(found.edit)
    after = weather(project, environment)
    assert after == found.preview.after
    for key, value in changes.items():
        if key in LAUNCH:
            assert value is not None or LAUNCH[key] not in after.launch
        elif key == "env":
            assert after.env.items() >= value.items()
        else:
            assert getattr(after, key) == value
    text = project.config_text()
    assert all(note in text for note in ("# the real one", "# until spring"))


def test_a_file_that_was_changed_meanwhile_is_left_alone(project: Project) -> None:
    changes = {"expression": "rate(2 hours)", "timezone": "UTC"}
    found = change(project, project.config("prod"), "weather", changes, NOW)
    path = project.root / "toolkit.toml"
    path.write_text(CONFIG + "# mine\n")
    with pytest.raises(ConfigError, match=r"toolkit\.toml was changed by somebody else"):
        project.write(found.edit)
    assert path.read_text() == CONFIG + "# mine\n"
    assert (project.root / "schedules" / "weather.toml").read_text() == FILE
    assert sorted(row.name for row in project.root.iterdir()) == ["schedules", "toolkit.toml"]


def test_a_removed_schedule_leaves_no_table_behind(project: Project) -> None:
    edit = project.removal("weather")
    assert edit.places == (
        "toolkit.toml [default.schedules.weather]",
        "toolkit.toml [prod.schedules.weather]",
    )
    project.remove_schedule("weather")
    project.write(edit)
    assert project.schedules(project.config("prod")) == {}
    assert tomllib.loads(project.config_text())["default"]["app"] == "nightly"
    assert project.removal("weather").places == ()


def test_a_flexible_window_counts_where_runs_may_overlap(project: Project) -> None:
    (project.root / "schedules" / "weather.toml").write_text('expression = "rate(1 hour)"\n')
    config = project.config("default")

    def warned(minutes: int) -> list[str]:
        changes = {"flexible_window_minutes": minutes, "timezone": "UTC"}
        found = change(project, config, "weather", changes, NOW).preview.warnings
        return [text for text in found if "overlap" in text]

    longest = CATALOG.workload("weather").max_runtime_seconds // 60
    assert warned(60 - longest) == []
    assert "may start 0:59:00 late" in warned(59)[0]
    project.write(project.edit("default", "weather", {"flexible_window_minutes": 59}))
    until = datetime(2026, 11, 24, 12, tzinfo=UTC)
    firings = list(calendar(project, config, NOW, until))
    assert all(firing.window.total_seconds() == 59 * 60 for firing in firings)
    assert any(firing.overlap for firing in firings)
