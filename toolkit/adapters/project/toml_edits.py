"""TOML texts with some keys changed: comments, order and the ends of lines stay as they are."""

import re
import tomllib
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.items import InlineTable

from toolkit.core.deploying.config import LOCAL
from toolkit.core.deploying.toml_text import toml_table
from toolkit.core.errors import ConfigError


def edited(text: str, where: str, changes: Mapping[str, Any], table: tuple[str, ...] = ()) -> str:
    """A text with some keys of one table changed.

    A value of None removes the key; ``env`` is merged key by key, in the same way. A table that is
    missing is made, and one that is left empty goes.

    Args:
        text: the text.
        where: the file's name in messages.
        changes: the keys and their new values.
        table: the path of the table; () is the whole text.

    Raises:
        ConfigError: the text is no TOML.
    """
    whole = toml_table(text, where)
    before = at(whole, table)
    if table and not before:
        return _with_ends_of(text, _with_table(text, where, changes, table))
    document = tomlkit.parse(text)
    _apply(at(document, table), before, changes)
    made = tomlkit.dumps(document)
    if len(table) > 1:
        _drop_empty(at(document, table[:1]), table[1:])
        shorter = tomlkit.dumps(document)
        # Only [local] may go altogether: any other environment is known by its table.
        if table[0] == LOCAL or table[0] in tomllib.loads(shorter):
            made = shorter
    return _with_ends_of(text, made)


def without(text: str, where: str, tables: Iterable[tuple[str, ...]]) -> str:
    """A text without some tables."""
    toml_table(text, where)
    document = tomlkit.parse(text)
    for *above, name in tables:
        del at(document, tuple(above))[name]
    return _with_ends_of(text, tomlkit.dumps(document))


def at(table: Any, path: tuple[str, ...]) -> Any:
    """The table at a path; an empty one where there is none."""
    for key in path:
        table = table.get(key, {})
    return table


def _with_table(text: str, where: str, changes: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """A text with a new table, below a header or, where TOML forbids that, with dotted keys.

    https://toml.io/en/v1.0.0#table: what dotted keys have defined gets no header.
    """
    if all(value is None for value in changes.values()):
        return text
    wanted = toml_table(text, where)
    _apply(_made(wanted, path), {}, changes)
    for write in (_write_below_header, _write_dotted):
        document = tomlkit.parse(text)
        write(document, path, changes)
        made = tomlkit.dumps(document)
        if _reads_as(made, wanted):
            return made
    raise ConfigError(
        f"{where} has no place for a table [{'.'.join(path)}]",
        hint=f"write {path[0]} as a table with a header of its own",
    )


def _made(table: Any, path: tuple[str, ...]) -> Any:
    """The table at a path, which is made where it is missing."""
    for key in path[:-1]:
        table = table.setdefault(key, {})
    return table.setdefault(path[-1], {})


def _write_below_header(document: Any, path: tuple[str, ...], changes: Mapping[str, Any]) -> None:
    table = document
    for number, key in enumerate(path, 1):
        if key not in table:
            inline = isinstance(table, InlineTable)
            table[key] = tomlkit.inline_table() if inline else tomlkit.table(number < len(path))
        table = table[key]
    _apply(table, {}, changes)


def _write_dotted(document: Any, path: tuple[str, ...], changes: Mapping[str, Any]) -> None:
    table = document
    while path[0] in table:
        table, path = table[path[0]], path[1:]
    for key, value in changes.items():
        table.append(tomlkit.key([*path, key]), _item(value))


def _reads_as(text: str, wanted: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def _drop_empty(table: Any, path: tuple[str, ...]) -> None:
    """Take out the table at a path, and those above it, where they hold neither key nor comment."""
    *above, name = path
    holder = at(table, tuple(above))
    if name in holder and not holder[name] and "#" not in holder[name].as_string():
        del holder[name]
        if above:
            _drop_empty(table, tuple(above))


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
        table[key] = _item(value)


def _item(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    table = tomlkit.inline_table()
    table.update(value)
    return table


def _with_ends_of(text: str, edited: str) -> str:
    # tomlkit ends its own lines with LF.
    return re.sub(r"\r?\n", "\r\n", edited) if "\r\n" in text else edited
