"""The words of a command in the catalog, with placeholders such as ``{scheduled_date}``."""

import re
from collections.abc import Mapping, Sequence

from toolkit.runtime.contract import ContractError

# What the runtime sets for a program beside the contract's variables and the settings.
ARTIFACTS = "ARTIFACTS"
RUN_ID = "RUN_ID"
# What a command's arguments may name beside the settings.
_WORDS = ("run_id", "scheduled_time", "scheduled_date", "artifacts", "scratch")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}")


def check_command(command: Sequence[str], settings: Sequence[str]) -> None:
    """Raise ContractError unless ``command`` can be started with settings of these names."""
    if not command or not all(isinstance(word, str) and "\0" not in word for word in command):
        raise ContractError('command: write a list of words, such as ["bin/report", "--all"]')
    if not command[0]:
        raise ContractError("command: its first word names a program, and is empty")
    taken = {RUN_ID, ARTIFACTS} & set(settings)
    if taken:
        raise ContractError(f"{min(taken)} is set by the runtime; give the setting another name")
    known = [*_WORDS, *(name.lower() for name in settings)]
    for word in command:
        for match in _PLACEHOLDER.finditer(word):
            if match[1] is not None and match[1] not in known:
                raise ContractError(
                    f"command: {match[0]} is none of {', '.join(f'{{{name}}}' for name in known)};"
                    f" declare a setting {match[1].upper()}, or write {{{match[0]}}} for the text"
                )


def filled(command: Sequence[str], words: Mapping[str, str]) -> list[str]:
    """The command with every ``{name}`` replaced; ``{{`` and ``}}`` stand for braces.

    >>> filled(["report", "--day={scheduled_date}", "{{}}"], {"scheduled_date": "2026-11-24"})
    ['report', '--day=2026-11-24', '{}']
    """

    def replaced(match: re.Match[str]) -> str:
        return words[match[1]] if match[1] is not None else match[0][0]

    return [_PLACEHOLDER.sub(replaced, word) for word in command]
