"""The walk of docs/adding-a-workload.md, performed: its blocks are the files."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, Project, make_project

_BLOCK = re.compile(r"`([\w./-]+)`:\n\n```(?:python|toml)\n(.*?)```", re.DOTALL)

_PROGRAM = re.compile(r"```sh\n(#!.*?)```\n\n[^`]*```toml\n(.*?)```", re.DOTALL)


@pytest.fixture(scope="module")
def blocks() -> dict[str, str]:
    return dict(_BLOCK.findall((ROOT / "docs" / "adding-a-workload.md").read_text()))


@pytest.fixture(scope="module")
def walked(blocks: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project to which the page's workload was added."""
    project = make_project(tmp_path_factory.mktemp("walk"))
    for name in ("workloads/batch/tides.py", "schedules/tides.toml", "tests/unit/test_tides.py"):
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(blocks[name])
    with (project.root / "workloads" / "catalog.toml").open("a") as catalog:
        catalog.write("\n" + blocks["workloads/catalog.toml"])
        [(script, table)] = _PROGRAM.findall((ROOT / "docs" / "adding-a-workload.md").read_text())
        catalog.write("\n" + table)
    program = project.root / "workloads" / "bin" / "flood"
    program.parent.mkdir()
    program.write_text(script)
    program.chmod(0o755)
    (project.root / "schedules" / "flood.toml").write_text(
        'workload = "flood"\nexpression = "cron(0 7 * * ? *)"\n'
    )
    yield project
    project.toolkit("local", "stop")


def test_the_page_shows_the_four_files(blocks: dict[str, str]) -> None:
    assert set(blocks) == {
        "workloads/batch/tides.py",
        "workloads/catalog.toml",
        "schedules/tides.toml",
        "tests/unit/test_tides.py",
    }


def test_the_new_test_passes(walked: Project) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit"],
        cwd=walked.root,
        env={**os.environ, "PYTHONPATH": str(walked.root)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_the_new_workload_deploys_runs_and_passes(walked: Project) -> None:
    walked.toolkit("deploy", "--local", "--yes", "--only", "tides")
    answer = walked.toolkit("run", "tides", "--local", "--follow")
    assert "PASS" in answer.out
    assert "hours_between_high_waters" in answer.out
    assert "DAYS" in (walked.root / "schedules" / "tides.toml").read_text()
    assert "07:00" in walked.toolkit("schedule", "tides", "--local").out


def test_the_program_deploys_runs_and_passes(walked: Project) -> None:
    walked.toolkit("deploy", "--local", "--yes", "--only", "flood")
    answer = walked.toolkit("run", "flood", "--local", "--follow")
    assert "PASS" in answer.out
    assert "counts 30 days up to 2" in answer.err
    shown = [line.split()[1] for line in answer.err.splitlines() if "Z  " in line]
    assert shown[-1] == "run.finished", "the log was not followed to its end"
    assert shown.count("artifact.saved") == 3


def test_a_setting_out_of_its_range_is_refused_before_anything_is_deployed(
    walked: Project,
) -> None:
    answer = walked.toolkit("schedule", "tides", "-e", "DAYS=0", "--local", "--yes", code=2)
    assert "below the minimum 1" in answer.err
    assert (Path(walked.root) / "schedules" / "tides.toml").read_text().count("DAYS") == 1
