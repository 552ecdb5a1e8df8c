"""The generated parts of the documentation, from the code: `python -m scripts.reference NAME`.

A page marks the place of a part with ``<!-- generated: NAME -->``. `docs/conf.py` fills it in when
the site is built, so that nothing generated is kept in the repository.
"""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from toolkit.cli import cli
from toolkit.cli.commands import sections

ROOT = Path(__file__).parents[1]
_MARKER = re.compile(r"^<!-- generated: ([a-z-]+) -->$", re.MULTILINE)
# What exit code 1 means, for each command that has one of its own.
EXIT_CODE_1 = {
    "audit": "a schedule is in trouble",
    "dead-letters": "declined",
    "delete": "declined",
    "deploy": "declined",
    "doctor": "a check is FAIL",
    "image prune": "declined",
    "image scan": "critical or high findings",
    "ledger": "a firing was missed or failed, or needs a look",
    "pause": "declined",
    "prune": "declined",
    "site": "the chain of seals is broken",
    "run": "FAIL, with `--follow`",
    "resume": "declined",
    "schedule": "declined",
    "stop": "declined",
    "schedules apply": "declined",
    "schedules dump": "a schedule cannot be a file of this project",
    "schedules diff": "there are differences",
    "validate": "FAIL",
    "verify": "something was altered, is gone or was never signed",
}
EXIT_CODE_4 = {
    "audit": "something could not be looked at or sent",
    "run": "INCONCLUSIVE, with `--follow`",
    "validate": "INCONCLUSIVE",
    "verify": "nothing is sealed",
}


def filled_in(text: str) -> str:
    """The text of a page with every marker replaced by its part."""
    return _MARKER.sub(lambda marker: PARTS[marker[1]](), text)


def all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and subcommand with its full name, as the help sorts them."""
    context = click.Context(cli)
    for names in sections().values():
        for name in names:
            command = cli.get_command(context, name)
            assert command is not None
            yield from _with_subcommands(name, command)


def _with_subcommands(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for sub in sorted(command.commands):
            yield from _with_subcommands(f"{name} {sub}", command.commands[sub])


def commands() -> str:
    """Every command: usage, help, options and exit codes."""
    shared = [p for p in cli.params if p.name not in ("help", "version")]
    lines = [
        "## Options of every command",
        "",
        "They may stand before the command or behind it.",
        "",
        *_options(shared),
        "",
    ]
    by_name = dict(all_commands())
    shared_names = {param.name for param in shared}
    for title, names in sections().items():
        lines += [f"## {title}", ""]
        for name, command in by_name.items():
            if name.split()[0] in names:
                lines += _command(name, command, shared_names)
    return "\n".join(lines)


def _command(name: str, command: click.Command, shared: set[str | None]) -> list[str]:
    context = click.Context(command, info_name=f"toolkit {name}")
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    own = [
        param
        for param in command.get_params(context)
        if isinstance(param, click.Option)
        and param.name not in shared
        and not param.hidden
        and "--help" not in param.opts
    ]
    codes = [
        f"{code}: {meanings[name]}"
        for code, meanings in (("1", EXIT_CODE_1), ("4", EXIT_CODE_4))
        if name in meanings
    ]
    return [
        f"### `toolkit {name}`",
        "",
        *_help(command.help or ""),
        "```text",
        usage,
        "```",
        "",
        *(_options(own) if own else ()),
        "",
        *((f"Exit codes of its own: {'; '.join(codes)}.", "") if codes else ()),
    ]


def _help(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\f", maxsplit=1)[0].split("\n\n"):
        if paragraph.startswith("\b"):
            lines += ["```text", paragraph.removeprefix("\b\n"), "```", ""]
        else:
            lines += [_prose(" ".join(paragraph.split())), ""]
    return lines


def _options(params: list[Any]) -> list[str]:
    lines = ["| option | what it does |", "|---|---|"]
    for param in params:
        record = param.get_help_record(click.Context(click.Command("x")))
        if record is None:
            continue
        names, meaning = record
        envvar = f" Also `{param.envvar}`." if isinstance(param.envvar, str) else ""
        lines.append(f"| `{_cell(names)}` | {_cell(_prose(meaning))}{envvar} |")
    return lines


def _prose(text: str) -> str:
    """Text of a help page as Markdown: nothing in it is markup but its backticks."""
    parts = text.split("`")
    parts[::2] = [re.sub(r"([*_<>\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def templates() -> str:
    """The parameters of the templates."""
    lines: list[str] = []
    for noun in ("platform", "workload", "schedule", "audit", "log"):
        text = (ROOT / "templates" / f"{noun}.yaml").read_text("utf-8")
        template = yaml.load(text, Loader=_Loader)  # noqa: S506 # it makes plain values only
        lines += [
            f"## `templates/{noun}.yaml`",
            "",
            _prose(template["Description"].strip()),
            "",
            "| parameter | default | meaning |",
            "|---|---|---|",
        ]
        for name, parameter in template["Parameters"].items():
            default = parameter.get("Default")
            shown = "(none)" if default is None else f"`{default}`" if default != "" else "empty"
            meaning = _prose(" ".join(parameter.get("Description", "").split()))
            choices = ", ".join(f"`{value}`" for value in parameter.get("AllowedValues", ()))
            meaning += f" One of {choices}." if choices else ""
            lines.append(f"| `{name}` | {_cell(shown)} | {_cell(meaning)} |")
        lines.append("")
    return "\n".join(lines)


class _Loader(yaml.SafeLoader):
    """Reads a template; CloudFormation's short forms become None."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def diagnoses() -> str:
    """Every class of `toolkit diagnose` and of a verdict's findings, with its hints."""
    with (ROOT / "toolkit" / "core" / "causes" / "diagnoses.toml").open("rb") as file:
        kinds = tomllib.load(file)
    titles = {"task": "A task that stopped", "launch": "A launch that failed"}
    lines: list[str] = []
    for kind, rows in kinds.items():
        lines += [f"## {titles.get(kind, 'What a check found')}", ""]
        lines += ["| class | what happened | what it means | what to do |", "|---|---|---|---|"]
        for row in rows:
            cells = (_cell(_prose(row.get(key, ""))) for key in ("summary", "meaning", "hint"))
            lines.append(f"| `{row['name']}` | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "templates": templates,
    "diagnoses": diagnoses,
}


def main() -> None:
    """Print one part."""
    if len(sys.argv) != 2 or sys.argv[1] not in PARTS:
        sys.exit(f"usage: python -m scripts.reference {{{','.join(PARTS)}}}")
    print(PARTS[sys.argv[1]]())


if __name__ == "__main__":
    main()
