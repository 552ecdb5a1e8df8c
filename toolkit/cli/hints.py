"""Hints whose commands go where the command that failed went."""

import re
from collections.abc import Mapping

import click

from toolkit.cli.commands import COMMANDS, OF_KEPT_BUCKETS, UNPLACED, load

_COMMAND = re.compile(r"\btoolkit (?P<name>[a-z-]+)(?: (?P<sub>[a-z-]+))?(?P<rest>[^;`\n]*)")


def with_flags(hint: str, flags: Mapping[str, str] | None = None) -> str:
    """A hint with the shared options added to its commands; by default, those of this call.

    >>> with_flags("deploy it first: toolkit deploy", {"--local": "--local"})
    'deploy it first: toolkit deploy --local'
    """
    given = _given() if flags is None else flags

    def placed(match: re.Match[str]) -> str:
        name, sub = match["name"], match["sub"]
        if name not in COMMANDS or name in UNPLACED:
            return match[0]
        rest = match["rest"]
        if sub is not None:
            command = load(name)
            known = isinstance(command, click.Group) and sub in command.commands
            name, rest = (f"{name} {sub}", rest) if known else (name, f" {sub}{rest}")
        missing = [
            words
            for option, words in given.items()
            if option not in rest and (option != "--bucket" or name in OF_KEPT_BUCKETS)
        ]
        return " ".join(["toolkit", name, *missing]) + rest

    return _COMMAND.sub(placed, hint)


def _given() -> Mapping[str, str]:
    context = click.get_current_context(silent=True)
    root = context.find_root().obj if context else None
    flags: Mapping[str, str] = root.flags() if root is not None else {}
    return flags
