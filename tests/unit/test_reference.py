"""The generated reference has every command, option, parameter and class, and their exit codes."""

import inspect
import re
from pathlib import Path

import click
import pytest

from scripts import reference

ROOT = Path(__file__).parents[2]
COMMANDS = dict(reference.all_commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_help_and_every_option_says_what_it_does(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    context = click.Context(command)
    silent = [
        option.opts
        for option in command.get_params(context)
        if isinstance(option, click.Option) and not (option.help or option.hidden)
    ]
    assert silent == []


def test_every_option_of_every_command_is_in_the_reference() -> None:
    text = reference.commands()
    parts = {part.split("`")[1]: part for part in re.split(r"(?m)^### ", text)[1:]}
    assert parts.keys() == {f"toolkit {name}" for name in COMMANDS}
    shared = text.partition("## Project")[0]
    for name, command in COMMANDS.items():
        for option in command.get_params(click.Context(command)):
            if isinstance(option, click.Option) and not option.hidden:
                for word in option.opts:
                    told = parts[f"toolkit {name}"] + shared
                    assert word in told or word in ("-h", "--help"), f"{name} {word}"


def test_exit_codes_are_told_of_every_command_that_returns_one() -> None:
    returning = {
        name
        for name, command in COMMANDS.items()
        if command.callback is not None
        and inspect.signature(inspect.unwrap(command.callback)).return_annotation in (int, "int")
    }
    # `next` ends with 2 where an expression was refused, as every refusal does.
    assert returning - {"next"} == reference.EXIT_CODE_1.keys()
    assert reference.EXIT_CODE_4.keys() <= returning


def test_every_parameter_of_the_templates_has_a_meaning() -> None:
    rows = [row for row in reference.templates().splitlines() if row.startswith("| `")]
    assert len(rows) > 40
    assert [row for row in rows if row.endswith("|  |")] == []


def test_a_page_names_only_parts_that_exist() -> None:
    pages = [path.read_text("utf-8") for path in (ROOT / "docs").rglob("*.md")]
    names = {name for page in pages for name in re.findall(r"<!-- generated: (\S+) -->", page)}
    assert names == reference.PARTS.keys()
