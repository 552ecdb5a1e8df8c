"""schedules/*.toml and toolkit.toml as people and their editors write them."""

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.adapters.project.project import Project
from toolkit.core.deploying.toml_text import toml_table, toml_text
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.runtime.catalog import load

CRON = "cron(0 6 * * ? *)"
GOOD = f'# every morning\nexpression = "{CRON}"\n\n[env]\nSCALE = 2\n'
CONFIG = '[default]\napp = "nightly"\n\n[default.platform]\nNetworkMode = "public"\n'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "toolkit.toml").write_text(CONFIG)
    (tmp_path / "schedules").mkdir()
    return Project(tmp_path, load())


def write(project: Project, content: str | bytes, name: str = "schedules/weather.toml") -> None:
    content = content.encode() if isinstance(content, str) else content
    (project.root / name).write_bytes(content)


def refused(project: Project, content: str | bytes, name: str = "schedules/weather.toml") -> Any:
    write(project, content, name)
    with pytest.raises(ConfigError) as raised:
        project.config("default") if name == "toolkit.toml" else project.schedules(None)
    return raised.value


@pytest.mark.parametrize(
    "content",
    [
        f'expression = "{CRON}"',
        f'\ufeffexpression = "{CRON}"\n',
        f'# a\r\nexpression = "{CRON}"\r\n',
        f'\ufeff\t expression\t=\t"{CRON}"\t# why\r\n\r\n',
        f"expression = '{CRON}'",
        f'expression = "{CRON}"\ndescription = "it\u2019s “early”\u00a0and late"',
        f'expression = "{CRON}"\nstart = 2199-12-01T00:00:00Z\nend = "2199-12-02T00:00:00Z"',
    ],
)
def test_what_editors_add_changes_nothing(project: Project, content: str) -> None:
    write(project, content)
    assert str(project.schedules(None)["weather"].expression) == CRON


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_toolkit_toml_may_have_a_mark_and_crlf(project: Project, mark: str) -> None:
    write(project, mark + CONFIG.replace("\n", "\r\n"), "toolkit.toml")
    assert project.config("default").platform == {"NetworkMode": "public"}


def test_an_edit_keeps_the_ends_of_lines(project: Project) -> None:
    write(project, GOOD.replace("SCALE = 2", 'MAX_ORDER = "3"').replace("\n", "\r\n"))
    edited = project.edited("weather", {"description": "new", "env": {"MAX_ORDER": "4"}})
    assert edited.count("\n") == edited.count("\r\n") > 3
    assert tomlkit.parse(edited)["description"] == "new"


# What stands in the second line of the file, what the error says, and its hint.
SECOND_LINES = {
    "curly quotes": (f"expression = “{CRON}”", "Invalid value", "has “ (U+201C"),
    "low quotes": (f"expression = „{CRON}“", "Invalid value", 'write "'),
    "a curly end": (f'expression = "{CRON}”', "", "has ” (U+201D, right double quotation mark)"),
    "single curly quotes": (f"expression = \u2018{CRON}\u2019", "Invalid value", "write '"),
    "a hard blank": (f'expression\u00a0= "{CRON}"', "", "no-break space): delete it"),
    "an invisible blank": (f'\u200bexpression = "{CRON}"', "", "zero width space): delete it"),
    "a wide equals sign": (f'expression ＝ "{CRON}"', "", "write ="),  # noqa: RUF001
    "no quotes": (f"expression = {CRON}", "Invalid value", f'text stands in quotes: "{CRON}"'),
    "YAML": (f"expression: {CRON}", "", "TOML has no colon"),
    "Python": ("state = None", "Invalid value", "delete the line"),
    "a title": ("state = True", "Invalid value", "write true"),
    "nothing": ("state =", "Invalid value", "delete the line"),
    "a comment of C": (f"// {CRON}", "", "a comment begins with #"),
    "a comment of SQL": (f"-- {CRON}", "", "a comment begins with #"),
    "twice": ("state = 'ENABLED'\nstate = 'ENABLED'", "Cannot overwrite a value", "twice"),
    "an open quote": (f'description = "it\u2019s {CRON}', "", "close the quote"),
    "a path": ('description = "C:\\users"', "", "single quotes"),
}


@pytest.mark.parametrize("case", SECOND_LINES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_is_no_toml_is_named(project: Project, case: str, end: str) -> None:
    line, said, hint = SECOND_LINES[case]
    number = 3 if case == "twice" else 2
    error = refused(project, f"# one\n{line}\n\n[env]\n".replace("\n", end))
    assert error.message.startswith(f"schedules/weather.toml is not TOML, line {number}: ")
    assert said in error.message
    assert (hint in error.hint) if hint else (error.hint is None)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(project: Project, encoding: str) -> None:
    for name, content in (("schedules/weather.toml", GOOD), ("toolkit.toml", CONFIG)):
        error = refused(project, content.encode(encoding), name)
        assert error.message.startswith(f"{name} is not UTF-8, line 1: it is UTF-16")
        write(project, CONFIG, "toolkit.toml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("# caf\xe9\n".encode("latin-1"), "is not UTF-8, line 1: byte 0xe9"),
        (b"a = 1\nb = 2\n# \x93x\x94", "is not UTF-8, line 3: byte 0x93"),
        (b"a = 1\nb = '\x00'", "is not TOML, line 2: "),
        (b"a = 1\rb = 2", "is not TOML, line 1: "),
        (b"a = 1\n\n\x0bb = 2", "is not TOML, line 3: "),
        (b"a = '''\n\n", "is not TOML, line 3: "),
        (b"[" * 5000, "is not TOML, line 1: "),
    ],
)
def test_other_bytes_are_refused_with_their_line(
    project: Project, content: bytes, message: str
) -> None:
    assert f"schedules/weather.toml {message}" in refused(project, content).message
    assert f"toolkit.toml {message}" in refused(project, content, "toolkit.toml").message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("expression = 5", "line 2: expression is the number 5, and should be text"),
        ("expression = true", "line 2: expression is the boolean true, and should be text"),
        (f'expression = ["{CRON}"]', "line 2: expression is a list, and should be text"),
        (f'expression = {{ cron = "{CRON}" }}', "line 2: expression is a table"),
        ("timezone = 2026-01-01", "line 2: timezone is the time 2026-01-01"),
        ("start = 20260101", "line 2: start is the number 20260101, and should be time"),
        ("env = 'A=1'", "line 2: env is the text 'A=1', and should be a table"),
        ("env = []", "line 2: env is a list, and should be a table"),
        ("[env]\nSCALE = [1]", "line 3: env.SCALE is a list, and should be one value"),
        ("[env.SCALE]\nx = 1", "line 2: env.SCALE is a table, and should be one value"),
        ("env.SCALE = [1]", "line 2: env.SCALE is a list"),
        ("[[env]]\nSCALE = 1", "line 2: env is a list, and should be a table"),
    ],
)
def test_a_value_of_another_type_is_named(project: Project, line: str, message: str) -> None:
    assert f"schedules/weather.toml, {message}" in refused(project, f"# one\n{line}\n").message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("default = 3", "line 1: default is the number 3, and should be a table"),
        ("[default]\napp = 3", "line 2: default.app is the number 3, and should be text"),
        ("[default]\nplatform = 'x'", "line 2: default.platform is the text 'x'"),
        ("[default.platform]\n\nA = ['a', 'b']", "line 3: default.platform.A is a list"),
        ("[default]\nenv = 3", "line 2: default.env is the number 3, and should be a table"),
        ("[default.env]\nweather = 3", "line 2: default.env.weather is the number 3"),
        ("[[default]]\napp = 'x'", "line 1: default is a list, and should be a table"),
        ("[prod]\nregion = 3", "line 2: prod.region is the number 3, and should be text"),
    ],
)
def test_a_wrong_type_in_toolkit_toml_is_named(
    project: Project, content: str, message: str
) -> None:
    assert f"toolkit.toml, {message}" in refused(project, content, "toolkit.toml").message


def test_a_list_of_names_is_written_with_commas(project: Project) -> None:
    error = refused(project, "[default.platform]\nSubnetIds = ['a', 'b']", "toolkit.toml")
    assert error.hint == 'write SubnetIds = "a,b"'


def test_a_directory_is_no_schedule(project: Project) -> None:
    (project.root / "schedules" / "weather.toml").mkdir()
    with pytest.raises(ConfigError, match=r"schedules/weather\.toml cannot be read: "):
        project.schedules(None)


def test_a_catalog_that_is_no_toml_is_named(project: Project) -> None:
    (project.root / "workloads").mkdir()
    (project.root / "workloads" / "catalog.toml").write_text("# one\n[workloads.x]\nsummary = “x”")
    with pytest.raises(
        ConfigError, match=r"workloads/catalog\.toml is not TOML, line 3: "
    ) as raised:
        assert Project.find(project.root).catalog
    assert "U+201C" in (raised.value.hint or "")


@settings(max_examples=examples(300))
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_file_is_read_or_refused_with_its_line(content: bytes) -> None:
    message = ""
    try:
        assert isinstance(toml_table(toml_text(content, "x.toml"), "x.toml"), dict)
    except ConfigError as error:
        message = error.message
    found = re.match(r"x\.toml is not (?:TOML|UTF-8), line (\d+): .", message)
    assert not message or found
    assert found is None or 1 <= int(found[1]) <= content.count(b"\n") + 1


_VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3) | st.dates(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab*"), inner),
    max_leaves=4,
)
_KEYS = st.sampled_from(["workload", "expression", "timezone", "state", "start", "end", "env"])


@settings(max_examples=examples(200))
@given(st.dictionaries(_KEYS, _VALUES))
def test_no_type_of_any_key_of_a_schedule_ends_in_a_traceback(table: dict[str, Any]) -> None:
    text = tomlkit.dumps({"expression": CRON, **table})
    with contextlib.suppress(ToolkitError):
        Project(Path(), load()).parse_schedule("weather", text)
