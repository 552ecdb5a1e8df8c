"""Pauses: in a schedule's file and an environment's table."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from toolkit.adapters.project.project import Project
from toolkit.app.schedules.pause import PauseRequest, pauses, renewed, resumptions
from toolkit.app.schedules.schedule import ScheduleChange
from toolkit.core.errors import ConfigError
from toolkit.core.schedules.timing import Pause

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = PauseRequest("2026-12-01T00:00Z", "arn:aws:iam::1:user/ada", "a new station")
DAILY = 'expression = "cron(0 6 * * ? *)"\n\n[env]\nMAX_ORDER = "3"\n'
HOUR = timedelta(hours=1)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "nightly"\n')
    (tmp_path / "schedules").mkdir()
    (tmp_path / "workloads").mkdir()
    catalog = Path(__file__).parents[2] / "workloads" / "catalog.toml"
    (tmp_path / "workloads" / "catalog.toml").write_text(catalog.read_text())
    for name in ("weather", "weather-late"):
        (tmp_path / "schedules" / f"{name}.toml").write_text(DAILY)
    once = 'expression = "at(2026-12-24T06:00:00)"\n'
    (tmp_path / "schedules" / "weather-once.toml").write_text(once)
    return Project(tmp_path)


def test_a_pause_becomes_the_start_and_its_end_gives_the_file_back(project: Project) -> None:
    config = project.config("default")
    (found,) = pauses(project, config, ["weather"], ASKED, NOW)
    after = found.preview.after
    assert after.start == "2026-12-01T00:00:00Z"
    assert after.pause == Pause("2026-12-01T00:00:00Z", ASKED.who, ASKED.why)
    assert len(found.preview.diff.removed) == 7
    project.write(found.edit)
    (resumed,) = resumptions(project, config, ["weather"], NOW)
    assert resumed.edit.changed == {"schedules/weather.toml": DAILY}
    assert resumed.preview.after.pause is None


def test_all_leaves_schedules_out_that_fire_once_or_are_not_paused(project: Project) -> None:
    config = project.config("default")
    found = pauses(project, config, [], ASKED, NOW)
    assert [each.preview.after.name for each in found] == ["weather", "weather-late"]
    project.write(found[1].edit)
    again = resumptions(project, config, [], NOW)
    assert [each.preview.after.name for each in again] == ["weather-late"]


@pytest.mark.parametrize("environment", ["default", "prod"])
def test_all_are_paused_and_resumed_one_after_the_other(project: Project, environment: str) -> None:
    """In an environment both stand in `toolkit.toml`, which the first one changes."""
    file = project.root / "toolkit.toml"
    file.write_text(file.read_text() + "\n[prod]\n")
    names = ("weather", "weather-late")
    put(project, environment, pauses(project, project.config(environment), [], ASKED, NOW))
    paused = project.schedules(project.config(environment))
    assert [paused[name].pause is not None for name in names] == [True, True]
    put(project, environment, resumptions(project, project.config(environment), [], NOW))
    resumed = project.schedules(project.config(environment))
    assert [resumed[name].pause for name in names] == [None, None]


def test_all_leaves_out_what_would_not_fire_until_then_anyway(project: Project) -> None:
    for name, line in {"weather-new": "start", "weather-old": "end"}.items():
        time = "2026-12-24T00:00:00Z" if line == "start" else "2026-11-01T00:00:00Z"
        file = project.root / "schedules" / f"{name}.toml"
        file.write_text(f'{line} = "{time}"\n{DAILY}')
    config = project.config("default")
    found = pauses(project, config, [], ASKED, NOW)
    assert [each.preview.after.name for each in found] == ["weather", "weather-late"]
    with pytest.raises(ConfigError, match="does not start before"):
        pauses(project, config, ["weather-new"], ASKED, NOW)


@pytest.mark.parametrize("end", ["2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z"])
def test_a_pause_that_lasts_longer_than_its_schedule_says_so(project: Project, end: str) -> None:
    (project.root / "schedules" / "weather.toml").write_text(f'end = "{end}"\n{DAILY}')
    for names in (["weather"], []):
        with pytest.raises(ConfigError, match=f"schedule weather ends at {end}") as refused:
            pauses(project, project.config("default"), names, ASKED, NOW)
        assert "--disable" in str(refused.value.hint)


def put(project: Project, environment: str, changes: list[ScheduleChange]) -> None:
    """Write changes that were all checked before the first is written, as the commands do."""
    config = project.config(environment)
    for checked in changes:
        made = renewed(project, config, checked, NOW)
        assert made.preview.after == checked.preview.after
        with project.staged(made.edit) as staged:
            staged.commit()


PAUSE = '{ until = "2026-11-25T00:00:00Z", who = "bob" }'
# How people write an environment and its schedules; %s is the line of one schedule's pause.
LAYOUTS = {
    "header": '[prod]  # the real one\nregion = "eu-west-1"\n\n[prod.schedules.weather]\n%s\n',
    "last": '[prod.schedules.weather-late]\nstate = "DISABLED"\n\n[prod.schedules.weather]\n%s\n',
    "inline": "[prod.schedules]  # here\nweather = { %s }\n",
    "within": 'prod = { region = "eu-west-1", schedules = { weather = { %s } } }\n',
    "dotted": '[prod]\nschedules.weather-late.state = "DISABLED"\nschedules.weather.%s\n',
    "settings": '[prod.schedules.weather]\n%s\n[prod.schedules.weather.env]\nMAX_ORDER = "4"\n',
    "apart": '[prod.tags]\n[staging]\nregion = "eu-west-1"\n[prod.schedules.weather]\n%s\n',
}
_lines = st.sampled_from(["", "pause = false", f"pause = {PAUSE}", 'description = "x"'])


def written(project: Project, layout: str, lines: tuple[str, str, str]) -> None:
    """The pause of the file, the default environment and prod, each as one line or none."""
    file, default, prod = lines
    (project.root / "schedules" / "weather.toml").write_text(f"{file}\n{DAILY}")
    own = LAYOUTS[layout] % (prod or 'state = "ENABLED"')
    if not prod:
        for line in ("[prod.schedules.weather]\n", "schedules.weather."):
            own = own.replace(f'{line}state = "ENABLED"\n', "")
    below = f"[default.schedules.weather]\n{default}\n" if default else ""
    other = "" if "[staging]" in own else '[staging]\nregion = "eu-west-2"  # far\n'
    tables = f'[default]\napp = "nightly"\n{below}'
    text = f"{own}\n{tables}{other}" if layout == "within" else f"{tables}\n{own}\n{other}# end\n"
    (project.root / "toolkit.toml").write_text(text)


def paused(project: Project, environment: str) -> Pause | None:
    schedule = project.schedule("weather", project.config(environment))
    assert schedule is not None
    return schedule.pause


@example("inline", ("", "", f"pause = {PAUSE}"), [("prod", False)])
@given(
    st.sampled_from(sorted(LAYOUTS)),
    st.tuples(_lines, _lines, _lines),
    st.lists(
        st.tuples(st.sampled_from(["default", "prod", "staging", "local"]), st.booleans()),
        min_size=1,
        max_size=5,
    ),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_pause_with_an_environment_is_that_environments_alone(
    project: Project, layout: str, lines: tuple[str, str, str], steps: list[tuple[str, bool]]
) -> None:
    written(project, layout, lines)
    names = ["default", "prod", "staging", "local"]
    for number, (environment, pausing) in enumerate(steps):
        before = {name: paused(project, name) for name in names}
        config = project.config(environment)
        asked = evolve(ASKED, why=f"reason {number}")
        if pausing:
            (found,) = pauses(project, config, ["weather"], asked, NOW)
        elif before[environment] is None:
            with pytest.raises(ConfigError, match="weather is not paused"):
                resumptions(project, config, ["weather"], NOW)
            continue
        else:
            (found,) = resumptions(project, config, ["weather"], NOW)
        project.write(found.edit)
        after = {name: paused(project, name) for name in names}
        expected = Pause("2026-12-01T00:00:00Z", ASKED.who, asked.why) if pausing else None
        assert after[environment] == found.preview.after.pause == expected
        if environment != "default":
            assert found.edit.places == (f"toolkit.toml [{environment}.schedules.weather]",)
            assert {**after, environment: None} == {**before, environment: None}
    text = project.config_text()
    notes = [note for note in ("# the real one", "# here", "# far") if note in LAYOUTS[layout]]
    assert all(note in text for note in notes)


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("environment", ["prod", "staging", "local"])
def test_resuming_an_environment_leaves_nothing_of_its_pause(
    project: Project, layout: str, environment: str
) -> None:
    written(project, layout, ("", "", ""))
    before = project.config_text()
    config = project.config(environment)
    for change in (
        lambda: pauses(project, config, ["weather"], ASKED, NOW),
        lambda: resumptions(project, project.config(environment), ["weather"], NOW),
    ):
        (found,) = change()
        project.write(found.edit)
    assert tomllib.loads(project.config_text()) == tomllib.loads(before)


def test_an_environment_resumes_although_its_file_is_paused(project: Project) -> None:
    (found,) = pauses(project, project.config("default"), ["weather"], ASKED, NOW)
    project.write(found.edit)
    assert found.edit.places == ("schedules/weather.toml",)
    (project.root / "toolkit.toml").write_text('[default]\napp = "nightly"\n\n[prod]\n')
    (resumed,) = resumptions(project, project.config("prod"), ["weather"], NOW)
    project.write(resumed.edit)
    assert "[prod.schedules.weather]\npause = false" in project.config_text()
    assert paused(project, "prod") is None
    assert paused(project, "default") is not None
    with pytest.raises(ConfigError, match=r"weather is not paused in prod; it is in default$"):
        resumptions(project, project.config("prod"), ["weather"], NOW)


def test_a_pause_of_an_environment_takes_no_reason_from_another(project: Project) -> None:
    (project.root / "toolkit.toml").write_text(
        f'[default]\napp = "nightly"\n[default.schedules.weather]\npause = {PAUSE}\n'
        '[prod.schedules.weather]\npause = { until = "2026-11-26T00:00:00Z" }\n'
    )
    assert paused(project, "prod") == Pause("2026-11-26T00:00:00Z")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('pause = { who = "ada" }', "the pause does not say until when"),
        ('pause = { until = "soon" }', "until 'soon' is not a time"),
        ('pause = { until = "2026-12-01T00:00:00Z", whom = "ada" }', "whom"),
        ("pause = true", "pause is the boolean true, and should be a table or false"),
        ('pause = "until spring"', "should be a table or false"),
        ('pause = { until = "2027-01-01T00:00:00Z" }\nend = "2026-12-01T00:00:00Z"', "it ends at"),
    ],
)
def test_a_pause_that_says_nothing_is_refused(project: Project, line: str, problem: str) -> None:
    (project.root / "schedules" / "weather.toml").write_text(f"{line}\n{DAILY}")
    with pytest.raises(ConfigError, match=problem):
        project.schedule("weather", project.config("default"))


@pytest.mark.parametrize(
    ("name", "asked", "problem"),
    [
        ("weather-once", ASKED, "one-time schedule"),
        ("weather", evolve(ASKED, until="2026-11-01T00:00Z"), "has passed"),
        ("weather", evolve(ASKED, why=" "), "--why"),
        ("weathr", ASKED, "there is no schedule 'weathr'"),
    ],
)
def test_what_cannot_be_paused_is_refused(
    project: Project, name: str, asked: PauseRequest, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        pauses(project, project.config("default"), [name], asked, NOW)


def test_a_rate_is_warned_about(project: Project) -> None:
    (project.root / "schedules" / "weather.toml").write_text('expression = "rate(6 hours)"\n')
    (found,) = pauses(project, project.config("default"), ["weather"], ASKED, NOW)
    assert "a rate counts from the end of its pause, 2026-12-01T00:00:00Z" in found.preview.warnings


def test_who_paused_and_why_stand_in_a_pause_as_far_as_they_are_known() -> None:
    until = "2026-12-01T06:00:00Z"
    assert str(Pause(until)) == f"until {until}"
    assert str(Pause(until, "ada")) == f"until {until} by ada"
    assert str(Pause(until, why="a new station")) == f"until {until}: a new station"
    assert Pause(until).words() == "paused until 2026-12-01 06:00Z"
    assert Pause(until, "arn:aws:iam::1:user/ada", "why").words().endswith(" by user/ada: why")


@pytest.mark.parametrize("expression", ["at(2026-12-05T06:00:00)", "at(2026-11-25T06:00:00)"])
def test_a_pause_of_the_file_leaves_an_environment_out_that_fires_once(
    project: Project, expression: str
) -> None:
    (project.root / "toolkit.toml").write_text(
        f'[default]\napp = "nightly"\n[prod.schedules.weather]\nexpression = "{expression}"\n'
    )
    put(project, "default", pauses(project, project.config("default"), ["weather"], ASKED, NOW))
    assert paused(project, "default") is not None
    assert paused(project, "prod") is None
    assert project.schedules(project.config("prod"))["weather"].start == ""


def test_an_environment_that_fires_once_cannot_pause_itself(project: Project) -> None:
    (project.root / "toolkit.toml").write_text(
        '[default]\napp = "nightly"\n[prod.schedules.weather]\n'
        f'expression = "at(2026-12-05T06:00:00)"\npause = {PAUSE}\n'
    )
    with pytest.raises(ConfigError, match=r"prod.schedules.weather.*one-time schedule cannot be"):
        project.schedule("weather", project.config("prod"))
