"""Schedule files: what is refused before anything is deployed, and edits that keep the rest."""

import tomllib

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.adapters.project.project import Project
from toolkit.core.deploying.config import parse
from toolkit.core.deploying.dump import file_changes
from toolkit.core.errors import ConfigError
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.target import scheduler_input
from toolkit.runtime.catalog import load

CATALOG = load()
DAILY = "cron(0 6 * * ? *)"


@pytest.fixture
def project(tmp_path):
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "app"\n')
    (tmp_path / "schedules").mkdir()
    return Project(tmp_path, CATALOG)


def refusal(name="weather", **table):
    with pytest.raises(ConfigError) as caught:
        Schedule.from_file(name, {"expression": DAILY, **table}, CATALOG)
    assert f"{name}" in caught.value.message
    return f"{caught.value.message}; {caught.value.hint}"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"expression": "cron(0 25 * * ? *)"}, "hours '25'"),
        ({"timezone": "Berlin"}, "write Europe/Berlin"),
        ({"state": "enabled"}, "neither ENABLED nor DISABLED"),
        ({"start": "2026-12-01"}, 'start = "2026-12-01T00:00:00Z"'),
        ({"start": "2026-12-02T00:00:00Z", "end": "2026-12-01T00:00:00Z"}, "before it starts"),
        ({"start": "2026-12-02T00:00:00Z", "end": "2026-12-02T00:00:00Z"}, "before it starts"),
        ({"expresion": "x"}, "did you mean 'expression'?"),
        ({"env": "MAX_ORDER=3"}, "env is not a table"),
        ({"env": {"MAXORDER": "3"}}, "did you mean MAX_ORDER?"),
        ({"env": {"MAX_ORDER": "three"}}, "not a whole number"),
        ({"env": {"LEVEL": "2"}}, "above the maximum"),
        ({"env": {"SCHEDULED_TIME": "now"}}, "belongs to the execution contract"),
        ({"env": {"MAX_ORDER": [3]}}, "MAX_ORDER is a list"),
        ({"workload": "stream"}, "name the schedule stream-weather"),
    ],
)
def test_what_could_not_run_is_refused_with_the_file_and_a_way_out(table, told):
    assert told in refusal(**table)


def test_an_unknown_workload_is_told_the_one_of_the_schedules_name_or_none_at_all():
    assert 'write workload = "weather"' in refusal("weather-late", workload="wether")
    told = refusal("hello", workload="hello")
    assert "schedules/hello.toml: no workload 'hello' in the catalog; it has" in told
    assert told.endswith("; None")
    assert "schedules/hello.toml: 'workload' is missing" in refusal("hello")


@pytest.mark.parametrize("name", ["Weather", "weather_x", "../weather", "weather.x", "w" * 41, ""])
def test_a_name_that_aws_or_the_stacks_refuse_is_refused(name):
    assert "is not usable" in refusal(name)


def test_dates_are_utc_however_they_are_written():
    table = {"expression": DAILY, **tomllib.loads("start = 2026-12-01T01:00:00+01:00")}
    found = Schedule.from_file("weather", {**table, "end": "2026-12-02T00:00Z"}, CATALOG)
    assert (found.start, found.end) == ("2026-12-01T00:00:00Z", "2026-12-02T00:00:00Z")


def test_the_problems_of_all_files_come_at_once(project):
    for name in ("weather", "stream-a"):
        (project.root / "schedules" / f"{name}.toml").write_text('expression = "cron(x)"')
    (project.root / "schedules" / "science.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="3 schedules cannot be read") as caught:
        project.schedules(None)
    assert all(name in caught.value.message for name in ("weather", "stream-a", "science"))


# --- edits ---------------------------------------------------------------------------------------

_comment = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
_values = {
    "workload": st.just("weather"),
    "expression": st.sampled_from([DAILY, "rate(1 hour)", "cron(5 4 ? * MON *)"]),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
    "state": st.sampled_from(["ENABLED", "DISABLED"]),
    "description": st.text("abc \"'é\\", max_size=8),
}
_env = st.dictionaries(
    st.sampled_from(["MAX_ORDER", "LEVEL", "STATION"]), st.text("01=# '\"", max_size=6), max_size=3
)


@st.composite
def files(draw):
    """The text of a file in any order and style, full of comments."""
    keys = draw(st.permutations(list(_values)))
    lines = []
    for key in keys[: draw(st.integers(0, len(keys)))]:
        lines += [f"# {text}" for text in draw(st.lists(_comment, max_size=2))]
        gap = draw(st.sampled_from(["", " ", "   "]))
        lines.append(f"{key}{gap}={gap}{quoted(draw(_values[key]))}  # about {key}")
        lines += [""] * draw(st.integers(0, 2))
    if draw(st.booleans()):
        lines += ["# settings", "[env]  # of its runs"]
        lines += [f"{k} = {quoted(v)}  # about {k}" for k, v in draw(_env).items()]
        lines.append("# the end")
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@st.composite
def edits(draw):
    changes = {k: draw(st.none() | v) for k, v in _values.items() if draw(st.booleans())}
    return {**changes, "env": draw(st.fixed_dictionaries({}, optional={
        name: st.none() | st.text("01", max_size=3) for name in ("MAX_ORDER", "LEVEL", "NEW")
    }))}  # fmt: skip


def comments(text):
    return [line[line.index("#") :] for line in text.split("\n") if line.lstrip().startswith("#")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("edits")
    (root / "schedules").mkdir()
    return root


@given(text=files(), changes=edits())
@settings(max_examples=examples(300))
def test_an_edit_changes_what_it_says_and_keeps_comments_and_order(folder, text, changes):
    (folder / "schedules" / "weather.toml").write_text(text, "utf-8")
    before = tomllib.loads(text)
    edited = Project(folder, CATALOG).edited("weather", changes)
    after = tomllib.loads(edited)

    wanted = {**before, "env": dict(before.get("env", {}))}
    for table, own in ((wanted, changes), (wanted["env"], changes["env"])):
        for key, value in own.items():
            if key == "env":
                continue
            table.pop(key, None) if value is None else table.update({key: value})
    assert {**after, "env": after.get("env", {})} == wanted

    assert comments(edited) == comments(text)
    kept = [key for key in before if key in after]
    assert [key for key in after if key in kept] == kept
    untouched = before.keys() - changes.keys() - {"env"}
    for line in text.split("\n"):
        if line.split("=")[0].strip() in untouched:
            assert line in edited.split("\n")
    for key in kept:
        if key != "env":
            assert f"# about {key}" in edited


@pytest.mark.parametrize(
    "text", ['env = { MAX_ORDER = "3" }\n', 'env.MAX_ORDER = "3"\n', '[env]\n"MAX_ORDER" = "3"\n']
)
def test_settings_in_any_of_tomls_styles_can_be_changed(project, text):
    path = project.root / "schedules" / "weather.toml"
    path.write_text(f'expression = "{DAILY}"\n{text}')
    changes = {"state": "DISABLED", "env": {"MAX_ORDER": "4", "LEVEL": "0.8"}}
    found = tomllib.loads(project.edited("weather", changes))
    assert found["env"] == {"MAX_ORDER": "4", "LEVEL": "0.8"}
    assert found["state"] == "DISABLED"


# --- dump ----------------------------------------------------------------------------------------


def live(**changes):
    given = scheduler_input("weather", {"MAX_ORDER": "3", "SOURCE": "vega-seattle"})
    schedule = Schedule("weather", "", DAILY, description="weather of app", input=given)
    return evolve(schedule, **changes)


def test_a_dumped_file_makes_the_live_schedule_again_and_names_nothing_else(project):
    config = parse(
        {"default": {"app": "app", "env": {"weather": {"SOURCE": "vega-seattle"}}}},
        "default",
        CATALOG,
    )
    text = project.edited("weather", file_changes(live(), None, config, CATALOG))
    assert tomllib.loads(text) == {
        "workload": "weather",
        "expression": DAILY,
        "timezone": "UTC",
        "state": "ENABLED",
        "env": {"MAX_ORDER": "3"},
    }
    schedule = project.parse_schedule("weather", text)
    assert config.environment_of("weather", schedule.env) == {
        "MAX_ORDER": "3",
        "SOURCE": "vega-seattle",
    }
    assert file_changes(live(), schedule, config, CATALOG) == {}


def test_a_dump_over_a_file_sets_and_takes_out_only_what_differs(project):
    config = project.config("default")
    before = Schedule.from_file(
        "weather",
        {"expression": DAILY, "start": "2026-12-01T00:00:00Z", "env": {"LEVEL": "0.8"}},
        CATALOG,
    )
    found = file_changes(live(state="DISABLED"), before, config, CATALOG)
    assert found == {
        "state": "DISABLED",
        "start": None,
        "env": {"LEVEL": None, "MAX_ORDER": "3", "SOURCE": "vega-seattle"},
    }
