"""Add a workload to a project: its code, its test, its schedule and its table in the catalog."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from toolkit.adapters.project.new_files import Written, write_new
from toolkit.adapters.project.project import Project
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name
from toolkit.project import starter

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def add(
    directory: Path,
    name: str,
    command: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> Written:
    """Write the files of the workload ``name`` and append its table; raises ConfigError.

    A file that is there stays, and so does a table: then there is nothing to add.

    Args:
        directory: the project's, or one in it.
        name: of the workload.
        command: the words of a program, quoted as for a shell; without it, a Python function.
        settings: of a program, by the names of their variables, with their defaults.
    """
    project = Project.find(directory)
    check_name("workload", name)
    for variable in settings or {}:
        if not _VARIABLE.fullmatch(variable):
            raise ConfigError(f"--env {variable!r}: a name in capitals is needed, such as DAYS")
    if name in project.catalog.workloads:
        raise ConfigError(f"workloads/catalog.toml has a workload {name} already")
    files, table = starter.new_workload(name), starter.catalog_table(name)
    if command is not None:
        files, table = _program(project.root, name, _words(command), settings or {})
    elif settings:
        raise ConfigError("--env declares the settings of a program: it needs --command")
    project.check_table(table)
    written = write_new(project.root, files)
    project.append_to_catalog(table)
    return written


def _program(
    root: Path, name: str, command: list[str], settings: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    program = starter.program_of(command)
    if program is not None and (root / "workloads" / program).exists():
        program = None
    table = starter.program_table(name, command, settings, starts=program is not None)
    return starter.new_program(name, program), table


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"--command {command!r}: {error}") from None
    if not words or not words[0]:
        raise ConfigError("--command names no program", hint='e.g. "bin/report {scheduled_date}"')
    return words
