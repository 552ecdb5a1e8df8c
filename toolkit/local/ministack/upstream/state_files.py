"""Whether the files of a state can be read: checked before anything is made of them.

What is loaded in part is saved in part, over what could still be rescued.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Read = Callable[[Path], str | None]
_HEAD = re.compile(rb'\{"__ministack_format__": \d+, "sha256": "([0-9a-f]{64})", "payload": ')


class DamagedStateError(Exception):
    """A file of the state cannot be read; the message names it and says why."""


def check(directory: Path, columns: dict[str, list[str]]) -> None:
    """Raise DamagedStateError for the first file that is not what it should be.

    Args:
        directory: holds ``*.json``, ``tasks/*.json`` and ``logs.sqlite``, as far as there are any.
        columns: of the tables of the database.
    """
    for path, read in _files(directory, columns):
        try:
            problem = read(path)
        except (OSError, ValueError, RecursionError, sqlite3.Error) as error:
            problem = str(error)
        if problem is not None:
            raise DamagedStateError(f"{path.absolute()} is damaged: {problem}")


def document(version: int, payload: str) -> str:
    """The text of a file for the state of a service, which tells later whether it is still that."""
    digest = hashlib.sha256(payload.encode()).hexdigest()
    return f'{{"__ministack_format__": {version}, "sha256": "{digest}", "payload": {payload}}}'


def _files(directory: Path, columns: dict[str, list[str]]) -> Iterator[tuple[Path, Read]]:
    yield from ((path, _state_problem) for path in sorted(directory.glob("*.json")))
    yield from ((path, _task_problem) for path in sorted(directory.glob("tasks/*.json")))
    database = directory / "logs.sqlite"
    if database.exists():
        yield database, lambda path: _database_problem(path, columns)


def _state_problem(path: Path) -> str | None:
    content = path.read_bytes()
    head = _HEAD.match(content)
    if head is not None:
        digest = hashlib.sha256(memoryview(content)[head.end() : -1]).hexdigest()
        return None if digest == head[1].decode() else "its content is not what was written"
    document = json.loads(content)
    if not isinstance(document, dict) or not isinstance(document.get("payload"), dict):
        return "it holds no state of a service"
    return None


def _task_problem(path: Path) -> str | None:
    document = json.loads(path.read_bytes())
    match document:
        case [str(), str(), {"taskArn": str(), "lastStatus": str(), "desiredStatus": str()}]:
            return None
    return "it holds no task"


def _database_problem(path: Path, columns: dict[str, list[str]]) -> str | None:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as database:
        (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            return str(found)
        rows: Any = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        tables = {name for (name,) in rows if not name.startswith("sqlite_")}
        for table in sorted(tables):
            info = database.execute("SELECT name FROM pragma_table_info(?)", (table,))
            if [name for (name,) in info] != columns.get(table):
                return f"its table {table} is not one of ours"
    return None
