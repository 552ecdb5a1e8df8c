"""The tests' own way to run commands: no different from starting an interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import commands
from toolkit.cli.commands import COMMANDS

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(commands.ROOT)}
# What libraries bring is loaded already: only the toolkit's own order of imports is in question.
ALONE = """
import os
import boto3.session, s3transfer, tomlkit
from toolkit.cli.commands import COMMANDS, load
for name in COMMANDS:
    if not os.fork():
        load(name)
        os._exit(0)
    if os.wait()[1]:
        print(name)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["no-such-command"],
        ["next", "cron(0 6 * * ? *)", "--no-such-option"],
        ["schedules"],
        ["--project", "no/such/folder", "status"],
    ],
)
def test_a_fork_answers_as_a_new_interpreter_does(words: list[str], tmp_path: Path) -> None:
    real = subprocess.run(
        [sys.executable, "-m", "toolkit", *words],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    fork = commands.run(words, tmp_path, ENVIRONMENT)
    assert (fork.returncode, fork.stdout, fork.stderr) == (
        real.returncode,
        real.stdout,
        real.stderr,
    )


def test_a_fork_has_the_environment_that_it_was_given(tmp_path: Path) -> None:
    given = {**ENVIRONMENT, "TOOLKIT_PROJECT": "/no/such/project"}
    assert "/no/such/project" in commands.run(["status"], tmp_path, given).stderr
    assert "/no/such/project" not in commands.run(["status"], tmp_path, ENVIRONMENT).stderr


def test_what_changes_the_interpreter_starts_one(tmp_path: Path) -> None:
    given = {**ENVIRONMENT, "PYTHONVERBOSE": "1"}
    assert "import " in commands.run(["--version"], tmp_path, given).stderr


def test_a_command_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        commands.run(["schedules"], tmp_path, ENVIRONMENT, seconds=0.0001)


@pytest.mark.slow
def test_each_command_can_be_the_first_that_is_imported() -> None:
    """The forks share what is imported, so a circle of imports would not show in them."""
    alone = subprocess.run(
        [sys.executable, "-c", ALONE],
        cwd=commands.ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert (alone.stdout, alone.stderr) == ("", "")
    assert len(COMMANDS) > 20
