"""docs/schedules.md has every option and command."""

from pathlib import Path

from toolkit.cli.schedules.schedule import schedule_command
from toolkit.cli.schedules.schedules import schedules_command

TEXT = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text("utf-8")


def test_every_option_and_every_command_is_told_of():
    options = [option for parameter in schedule_command.params for option in parameter.opts]
    long = {option for option in options if option.startswith("--")}
    assert {option for option in long if f"`{option}" not in TEXT} == set()
    assert {name for name in schedules_command.commands if f"`… {name}" not in TEXT} == set()
    assert all(command.help for command in schedules_command.commands.values())
