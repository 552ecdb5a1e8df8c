"""Edits of the project's TOML files that keep comments, order and the ends of lines.

An edit is made in memory, written beside its files, and put in place once what it asks for is
deployed.
"""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from attrs import frozen

from toolkit.core.deploying.config import CONFIG, DEFAULT
from toolkit.core.deploying.toml_text import toml_table, toml_text
from toolkit.core.errors import ConfigError


@frozen
class Edit:
    """New texts of files by their paths within the project, and the texts they were made from.

    ``places`` are the files and tables that were changed, for people. An earlier text of None says
    that there is no such file yet.
    """

    texts: Mapping[str, str] = {}
    earlier: Mapping[str, str | None] = {}
    places: tuple[str, ...] = ()

    def changing(self, path: str, before: str | None, text: str, *places: str) -> "Edit":
        """The same with one more text; one that is as before changes nothing."""
        known = self.earlier.get(path, before)
        changed = () if text == (before or "") else places
        texts, earlier = {**self.texts, path: text}, {**self.earlier, path: known}
        return Edit(texts, earlier, (*self.places, *changed))

    @property
    def changed(self) -> dict[str, str]:
        """The texts that are not as they were."""
        return {path: text for path, text in self.texts.items() if text != self.earlier[path]}


@contextmanager
def staged(root: Path, edit: Edit) -> Iterator["Staged"]:
    """The files of an edit, written beside their places: ``commit`` puts each there in one step.

    So a full disk shows before anything is deployed. Without ``commit`` nothing changes. A file
    that is not what the edit was made from is a ConfigError.
    """
    with ExitStack() as stack:
        rows = []
        for path, text in edit.changed.items():
            check_unchanged(root, path, edit.earlier[path])
            rows.append((stack.enter_context(_beside(root / path, text)), path))
        yield Staged(root, edit, tuple(rows))


@frozen
class Staged:
    """The texts of an edit, written but not yet in their places."""

    root: Path
    edit: Edit
    temporary: tuple[tuple[Path, str], ...]

    def commit(self) -> None:
        """Put them there, over the earlier texts."""
        for path in self.edit.changed:
            check_unchanged(self.root, path, self.edit.earlier[path])
        for temporary, path in self.temporary:
            temporary.replace(self.root / path)


def check_unchanged(root: Path, path: str, earlier: str | None) -> None:
    """Refuse to go on where somebody else has changed a file."""
    text = read(root / path, path) if (root / path).is_file() else None
    if text != earlier:
        raise ConfigError(
            f"{path} was changed by somebody else meanwhile",
            hint="it was left as it is; compare: toolkit schedules diff",
        )


def read(path: Path, where: str) -> str:
    """The text of a file; ``where`` is its name in messages."""
    try:
        return toml_text(path.read_bytes(), where)
    except OSError as error:
        raise ConfigError(f"{where} cannot be read: {error.strerror}") from error


@contextmanager
def _beside(path: Path, text: str) -> Iterator[Path]:
    path.parent.mkdir(exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        temporary.chmod(0o644)  # mkstemp made it private
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, text: str) -> None:
    """Put a text in place in one step: no reader sees half of it."""
    with _beside(path, text) as temporary:
        temporary.replace(path)


def edited(text: str, where: str, changes: Mapping[str, Any], table: tuple[str, ...] = ()) -> str:
    """A text with some keys of one table changed; comments and order stay as they are.

    A value of None removes the key; ``env`` is merged key by key, in the same way.
    """
    before = _at(toml_table(text, where), table)
    document = tomlkit.parse(text)
    _apply(_at(document, table), before, changes)
    return _with_ends_of(text, tomlkit.dumps(document))


def without(text: str, where: str, tables: Iterable[tuple[str, ...]]) -> str:
    """A text without some tables."""
    toml_table(text, where)
    document = tomlkit.parse(text)
    for *above, name in tables:
        del _at(document, tuple(above))[name]
    return _with_ends_of(text, tomlkit.dumps(document))


def tables_of(document: Mapping[str, Any], environment: str, name: str) -> list[tuple[str, ...]]:
    """The tables in `toolkit.toml` that go before a schedule's file, the first one first."""
    paths = [(each, "schedules", name) for each in dict.fromkeys((environment, DEFAULT))]
    return [path for path in paths if _at(document, path)]


def owned(
    document: Mapping[str, Any], tables: list[tuple[str, ...]], changes: Mapping[str, Any]
) -> dict[tuple[str, ...], dict[str, Any]]:
    """Changes of a schedule by the table that holds the key; those of () are its file's."""
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for key, value in changes.items():
        if key != "env":
            found.setdefault(_holder(document, tables, (key,)), {})[key] = value
    for variable, value in (changes.get("env") or {}).items():
        holder = found.setdefault(_holder(document, tables, ("env", variable)), {})
        holder.setdefault("env", {})[variable] = value
    return found


def place(path: tuple[str, ...]) -> str:
    """What messages call a table of `toolkit.toml`."""
    return f"{CONFIG} [{'.'.join(path)}]"


def _holder(
    document: Mapping[str, Any], tables: list[tuple[str, ...]], key: tuple[str, ...]
) -> tuple[str, ...]:
    return next((path for path in tables if _has(_at(document, path), key)), ())


def _has(table: Mapping[str, Any], key: tuple[str, ...]) -> bool:
    *above, last = key
    return last in _at(table, tuple(above))


def _at(table: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        table = table.get(key, {})
    return table


def _apply(table: Any, before: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if key != "env":
            _set(table, key, value, before.get(key))
    own = changes.get("env") or {}
    if any(value is not None for value in own.values()):
        table.setdefault("env", tomlkit.table())
    for variable, value in own.items():
        _set(table.get("env", {}), variable, value, before.get("env", {}).get(variable))


def _set(table: MutableMapping[str, Any], key: str, value: Any, before: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif value != before:
        table[key] = _inline(value) if isinstance(value, Mapping) else value


def _inline(value: Mapping[str, Any]) -> Any:
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _with_ends_of(text: str, edited: str) -> str:
    # tomlkit ends its own lines with LF.
    return re.sub(r"\r?\n", "\r\n", edited) if "\r\n" in text else edited
