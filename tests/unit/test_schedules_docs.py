"""docs/schedules.md tells of every option and command, and its examples of `next` are real."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.cli.schedules.schedule import schedule_command
from toolkit.cli.schedules.schedules import schedules_command

TEXT = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text("utf-8")
EXAMPLES = re.findall(r"^\$ toolkit (next .+)\n((?:(?!\$ |```).*\n)+)", TEXT, re.MULTILINE)


def test_every_option_and_every_command_is_told_of():
    options = [option for parameter in schedule_command.params for option in parameter.opts]
    long = {option for option in options if option.startswith("--")}
    assert {option for option in long if f"`{option}" not in TEXT} == set()
    assert {name for name in schedules_command.commands if f"`… {name}" not in TEXT} == set()
    assert all(command.help for command in schedules_command.commands.values())


@pytest.mark.parametrize(("command", "shown"), EXAMPLES)
def test_an_example_prints_what_the_document_shows(command, shown):
    arguments = [sys.executable, "-m", "toolkit", *shlex.split(command)]
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.stdout + done.stderr == shown


def test_there_are_examples():
    assert len(EXAMPLES) == 2
