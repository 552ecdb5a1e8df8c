"""What `toolkit init` and `toolkit add` write, and that this repository has the same."""

import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.adapters.images.image_tree import image_tree
from toolkit.adapters.project.project import Project
from toolkit.app.add import add
from toolkit.app.init import eject, init, suggested_name
from toolkit.cli import cli
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.project import starter
from toolkit.runtime.contract import ContractError

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    init(tmp_path, "demo", REGION)
    return tmp_path


def texts(root: Path) -> dict[str, str]:
    paths = [path for path in root.rglob("*") if path.is_file() and ".pyc" not in path.name]
    return {path.relative_to(root).as_posix(): path.read_text("utf-8") for path in paths}


def test_a_new_project_is_whole(project: Path) -> None:
    assert {
        ".github/deployer-role.yaml",
        ".github/workflows/app.yml",
        ".gitignore",
        "README.md",
        "image/Dockerfile",
        "image/requirements.in",
        "image/requirements.lock",
        "schedules/hello.toml",
        "tests/test_hello.py",
        "toolkit.toml",
        "workloads/__init__.py",
        "workloads/catalog.toml",
        "workloads/hello.py",
    } == set(texts(project))


def test_no_placeholder_is_left(project: Path) -> None:
    words = ("APP-NAME", "AWS-REGION", "TOOLKIT-VERSION")
    left = {name for name, text in texts(project).items() if any(word in text for word in words)}
    assert left == set()


def test_its_files_are_read_as_those_of_a_project(project: Path) -> None:
    found = Project.find(project)
    config = found.config("default")
    assert (config.app.name, config.region) == ("demo", REGION)
    assert found.config("local").app.name == "demo"
    assert set(found.schedules(None)) == set(found.catalog.workloads) == {"hello"}


def run_tests(project: Path) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        command,
        cwd=project,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{project}:{ROOT}",
            "PYTHONSAFEPATH": "1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_test_passes(project: Path) -> None:
    add(project, "night-shift")
    assert "2 passed" in run_tests(project)


def test_files_that_are_there_are_never_overwritten(project: Path) -> None:
    for name in texts(project):
        (project / name).write_text("mine")
    (project / "workloads" / "hello.py").unlink()
    written = init(project, "other", REGION)
    assert written.new == ("workloads/hello.py",)
    assert {text for name, text in texts(project).items() if name not in written.new} == {"mine"}


def test_a_link_that_leads_nowhere_is_not_written_through(project: Path, tmp_path: Path) -> None:
    (project / "README.md").unlink()
    (project / "README.md").symlink_to(tmp_path / "elsewhere")
    assert "README.md" in init(project, "demo", REGION).kept
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_the_place_of_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "schedules").write_text("")
    with pytest.raises(ConfigError, match="schedules"):
        init(tmp_path, "demo", REGION)


@pytest.mark.parametrize(
    ("app", "region", "words"),
    [("Demo", REGION, "app name 'Demo'"), ("demo", "europe", "'europe' is not an AWS region")],
)
def test_bad_names_write_nothing(app: str, region: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        init(tmp_path, app, region)
    assert texts(tmp_path) == {}


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("Nightly_Reports 2", "nightly-reports-2"),
        ("7 days", "days"),
        ("___", "app"),
        ("ä" * 60, "app"),
    ],
)
def test_a_name_is_suggested_after_the_directory(directory: str, name: str, tmp_path: Path) -> None:
    assert suggested_name(tmp_path / directory) == name
    assert starter.new_project(suggested_name(tmp_path / directory), REGION)


def test_this_repository_has_the_same_shared_files(project: Path) -> None:
    """One source: templates/ and image/ of this repository are what others get."""
    eject(project)
    shared = {name for name in texts(project) if name.startswith(("templates/", "image/"))}
    shared -= {"image/requirements.in", "image/requirements.lock"}  # each project has its own
    for name in shared:
        assert (project / name).read_bytes() == (ROOT / name).read_bytes(), name
    own = {"image/README.md", "image/acts.py", "image/prune.toml"}
    here = {
        f"{folder}/{p.name}" for folder in ("templates", "image") for p in (ROOT / folder).iterdir()
    }
    here = {name for name in here if (ROOT / name).is_file()}
    assert here - own - {"image/requirements.in", "image/requirements.lock"} == shared


def test_a_project_without_image_files_of_its_own_is_built_from_the_same(project: Path) -> None:
    before = {name: path.read_bytes() for name, path in image_tree(project).items()}
    eject(project)
    assert {name: path.read_bytes() for name, path in image_tree(project).items()} == before
    assert {"image/prune.py", "image/rehearse.py", "toolkit/runtime/runtime.py"} <= before.keys()
    assert "image/acts.py" not in before


def test_a_project_of_its_own_templates_uses_them(project: Path) -> None:
    installed = Project.find(project).template("schedule")
    eject(project)
    assert Project.find(project).template("schedule") == installed
    (project / "templates" / "schedule.yaml").write_text("mine")
    assert Project.find(project).template("schedule") == "mine"


def test_a_workload_is_added_whole(project: Path) -> None:
    written = add(project, "night-shift")
    assert set(written.new) == {
        "schedules/night-shift.toml",
        "tests/test_night_shift.py",
        "workloads/night_shift.py",
    }
    found = Project.find(project)
    assert found.catalog.workload("night-shift").entry_point == "workloads.night_shift:run"
    assert found.schedules(None)["night-shift"].workload == "night-shift"
    table = tomllib.loads((project / "workloads" / "catalog.toml").read_text())
    assert set(table["workloads"]) == {"hello", "night-shift"}


def test_a_workload_is_added_to_an_empty_catalog(project: Path) -> None:
    (project / "schedules" / "hello.toml").unlink()
    (project / "workloads" / "catalog.toml").write_text("")
    add(project, "tides")
    assert set(Project.find(project).catalog.workloads) == {"tides"}


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("bin/report {scheduled_date}", "workloads/bin/report"),
        ("python bin/report.py --day={scheduled_date}", "workloads/bin/report.py"),
        ("sh 'my jobs/report.sh' \"{name}'s day\" '{{x}}'", "workloads/my jobs/report.sh"),
    ],
)
def test_a_program_is_added_whole_and_its_test_runs_it(
    command: str, program: str, project: Path
) -> None:
    written = add(project, "night-shift", command)
    assert set(written.new) == {
        "schedules/night-shift.toml",
        "tests/test_night_shift.py",
        program,
    }
    workload = Project.find(project).catalog.workload("night-shift")
    assert list(workload.command) == shlex.split(command)
    assert workload.artifacts
    assert workload.gates
    assert os.access(project / program, os.X_OK)
    assert Project.find(project).schedules(None)["night-shift"].workload == "night-shift"
    assert "2 passed" in run_tests(project)


def test_a_program_without_a_slash_after_its_interpreter_is_a_file_of_the_project(
    project: Path,
) -> None:
    assert "workloads/report.py" in add(project, "night-shift", "python report.py").new
    assert "2 passed" in run_tests(project)


@pytest.mark.parametrize(
    ("text", "kind", "default"),
    [
        ("30", "int", "30"),
        ("-0.5", "float", "-0.5"),
        ("true", "bool", "true"),
        ("https://example.org/a.csv?x=1", "url", "https://example.org/a.csv?x=1"),
        ("s3://bucket/key", "str", "s3://bucket/key"),
        ("007", "str", "007"),
        ("", "str", ""),
        ('a "b"\\\x7f', "str", 'a "b"\\\x7f'),
    ],
)
@pytest.mark.parametrize("command", ["true --x={given}", "bin/new {given}"])
def test_a_setting_of_a_program_is_declared_by_its_default(
    command: str, text: str, kind: str, default: str, project: Path
) -> None:
    add(project, "tides", command, {"GIVEN": text})
    variables = {v.name: v for v in Project.find(project).catalog.workload("tides").variables}
    assert (variables["GIVEN"].type, variables["GIVEN"].default) == (kind, default)


def test_settings_without_a_program_add_nothing(project: Path) -> None:
    before = texts(project)
    with pytest.raises(ConfigError, match="--env declares"):
        add(project, "tides", None, {"DAYS": "3"})
    for name in ("not a name", "days", "", "BUCKET"):
        with pytest.raises((ConfigError, ContractError)):
            add(project, "tides", "true", {name: "3"})
    assert texts(project) == before


def test_what_a_program_writes_is_shown_where_its_test_fails(project: Path) -> None:
    add(project, "tides", "sh -c 'echo to stdout; echo to stderr >&2; exit 3'")
    with pytest.raises(AssertionError, match=r"(?s)to stdout.*to stderr|to stderr.*to stdout"):
        run_tests(project)


@pytest.mark.parametrize("command", ["true", "bin/mine", "sh -c 'exit 0'"])
def test_a_program_that_is_there_stays_and_nothing_is_said_of_what_it_leaves(
    command: str, project: Path
) -> None:
    mine = project / "workloads" / "bin" / "mine"
    mine.parent.mkdir()
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    written = add(project, "tides", command)
    assert set(written.new) == {"schedules/tides.toml", "tests/test_tides.py"}
    workload = Project.find(project).catalog.workload("tides")
    assert (workload.variables, workload.artifacts, workload.gates) == ((), (), ())
    assert Project.find(project).schedules(None)["tides"].env == {}
    assert mine.read_text() == "#!/bin/sh\n"
    assert "2 passed" in run_tests(project)


def test_a_program_that_fails_fails_its_test(project: Path) -> None:
    add(project, "tides", "sh -c 'exit 3'")
    with pytest.raises(AssertionError, match="ended with exit code 3"):
        run_tests(project)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("", "names no program"),
        ("  ", "names no program"),
        ("''", "names no program"),
        ("bin/report 'x", "No closing quotation"),
        ("bin/report {day}", "{day} is none of"),
    ],
)
def test_an_unusable_command_adds_nothing(command: str, words: str, project: Path) -> None:
    before = texts(project)
    with pytest.raises((ToolkitError, ContractError)) as caught:
        add(project, "tides", command)
    assert words in str(caught.value)
    assert texts(project) == before


def test_a_name_below_another_workload_adds_nothing(project: Path) -> None:
    before = texts(project)
    with pytest.raises(ConfigError, match="workloads hello and hello-again"):
        add(project, "hello-again")
    assert texts(project) == before


@pytest.mark.parametrize("name", ["Tides", "a_b", "-a", "", "a" * 41])
def test_an_unusable_name_adds_nothing(name: str, project: Path) -> None:
    before = texts(project)
    with pytest.raises(ConfigError, match="workload name"):
        add(project, name)
    assert texts(project) == before


def test_a_workload_that_is_there_is_not_added_again(project: Path) -> None:
    before = texts(project)
    with pytest.raises(ConfigError, match="has a workload hello already"):
        add(project, "hello")
    assert texts(project) == before


def test_the_command_says_what_comes_next(tmp_path: Path) -> None:
    runner = CliRunner()
    target = tmp_path / "my app"
    answer = runner.invoke(cli, ["init", str(target), "--region", REGION])
    assert answer.exit_code == 0, answer.output
    assert "toolkit deploy --local --yes" in answer.output
    assert Project.find(target).config("default").app.name == "my-app"
    again = runner.invoke(cli, ["init", str(target), "--eject"])
    assert "templates/platform.yaml" in again.output
    assert "workloads/hello.py" not in again.output


def test_without_a_region_nothing_is_guessed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    answer = CliRunner().invoke(cli, ["init", str(tmp_path)], standalone_mode=False)
    assert isinstance(answer.exception, ConfigError)
    assert "--region is missing" in str(answer.exception)
    assert texts(tmp_path) == {}
