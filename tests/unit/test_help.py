"""The help: what it lists, and what it does not import for that."""

import importlib
import pkgutil
import subprocess
import sys

import click
import pytest

from toolkit import cli
from toolkit.cli.commands import COMMANDS

_HEAVY = ("attrs", "boto3", "botocore", "numpy", "tomlkit", "toolkit.app", "toolkit.core")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_is_the_first_sentence_of_its_own_help(name: str) -> None:
    command = cli.cli.get_command(click.Context(cli.cli), name)
    assert command is not None
    assert command.name == name
    assert COMMANDS[name].summary == command.get_short_help_str(limit=1000)


def test_every_command_is_listed() -> None:
    modules = [module.name for module in pkgutil.walk_packages(cli.__path__, "toolkit.cli.")]
    defined = {
        f"{module.removeprefix('toolkit.cli.')}:{value.name}"
        for module in modules
        for value in vars(importlib.import_module(module)).values()
        if isinstance(value, click.Command)
        and value.name == module.rpartition(".")[2].replace("_", "-")
    }
    assert defined == {f"{entry.module}:{name}" for name, entry in COMMANDS.items()}


def test_every_line_fits_a_terminal_of_80_columns() -> None:
    width = 80 - 4 - max(len(name) for name in COMMANDS)
    assert {
        name: entry.summary for name, entry in COMMANDS.items() if len(entry.summary) > width
    } == {}


def test_the_list_of_commands_imports_none_of_them() -> None:
    script = (
        "import sys; from toolkit.cli import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"print({set(_HEAVY)!r} & {{*sys.modules}})"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    listed = {line.split()[0] for line in answer.stdout.splitlines() if line.startswith("  ")}
    assert set(COMMANDS) <= listed
    assert answer.stdout.endswith("set()\n")
