"""A TOML file as people and their editors write it: read, or refused with its line.

A byte order mark, CRLF and tabs are fine. What is not gets one error that names file and line, with
the character or the spelling that TOML does not have.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from toolkit.core.errors import ConfigError, unknown_key

_BOM = "\ufeff"
_LINE = re.compile(r"\(at line (\d+), column \d+\)")
_HEADER = re.compile(r"\s*\[+\s*([^\]]+?)\s*\]+")
_KEY = re.compile(r"""\s*([\w.-]+|"[^"]*"|'[^']*')\s*=""")
_STRAIGHT = {**dict.fromkeys("“”„‟«»＂", '"'), **dict.fromkeys("‘’‚‛‹›＇`´", "'"), "＝": "="}  # noqa: RUF001
_STRINGS = re.compile(r"\"[^\"]*\"|'[^']*'")
_ASSIGNED = re.compile(r"\s*[\w.\"'-]+\s*=\s*(?P<value>.*?)\s*$")
WHOLE_NUMBER = "a whole number"
_TYPES = {"text": (str,), "time": (str, date), WHOLE_NUMBER: (int,)}
_TOML_NUMBER = re.compile(r"[+-]?[\d_]+(\.\d+)?")


def toml_text(content: bytes, where: str) -> str:
    """The text of a file without its byte order mark; raises ConfigError if it is not UTF-8.

    Args:
        content: the file's bytes.
        where: the file's name in messages.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in content[:4]:
        raise ConfigError(
            f"{where} is not UTF-8, line 1: it is UTF-16",
            hint="save it as UTF-8; in PowerShell: Set-Content -Encoding utf8",
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{where} is not UTF-8, line {line}: byte 0x{content[error.start]:02x}",
            hint="save the file as UTF-8",
        ) from None
    return text.removeprefix(_BOM)


def toml_table(text: str, where: str) -> dict[str, Any]:
    """The table in a TOML text; raises ConfigError naming file and line."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        message = str(error) or "it nests too deep"
        found = _LINE.search(message)
        rows = text.split("\n")
        number = min(int(found[1]), len(rows)) if found else len(rows)
        said = _LINE.sub("", message).replace("(at end of document)", "").strip()
        raise ConfigError(
            f"{where} is not TOML, line {number}: {said}", hint=_hint(rows[number - 1], said)
        ) from None


def check_shape(table: Mapping[str, Any], shape: Mapping[str, Any], text: str, where: str) -> None:
    """Refuse unknown keys and values of a type that their key does not have, with file and line.

    Args:
        table: the table that was read.
        shape: what each key holds: ``"text"``, ``"time"`` (text or a date), `WHOLE_NUMBER`,
            ``"setting"`` (one value of any type), ``"any"``, or a mapping of the same kind; the key
            ``*`` stands for all others. A mapping and False in a tuple are a table or ``false``.
        text: the file's text, to find the line in.
        where: the file's name in messages.
    """
    for path, value, wanted in _misfits(table, shape, ()):
        line = line_of(text, path)
        if not wanted:
            inside = f" [{'.'.join(path[:-1])}]" if path[1:] else ""
            raise unknown_key(f"{where}, line {line}{inside}", path[-1], _known(shape, path[:-1]))
        key = ".".join(path)
        raise ConfigError(
            f"{where}, line {line}: {key} is {_kind(value)}, and should be {wanted}",
            hint=_instead(path[-1], value, wanted),
        )


def _known(shape: Mapping[str, Any], path: tuple[str, ...]) -> list[str]:
    """The keys that the table at a path may have."""
    known: Any = shape
    for key in path:
        known = _parted(known.get(key, known.get("*")))[0]
    return list(known)


def _parted(wanted: Any) -> tuple[Any, bool]:
    """What a key holds, and whether it may be ``false`` instead."""
    return (wanted[0], True) if isinstance(wanted, tuple) else (wanted, False)


def _misfits(
    table: Mapping[str, Any], shape: Mapping[str, Any], above: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Any, str]]:
    for key, value in table.items():
        wanted, or_false = _parted(shape.get(key, shape.get("*")))
        path = (*above, key)
        if wanted is None:
            yield path, value, ""
        elif isinstance(wanted, Mapping):
            if isinstance(value, Mapping):
                yield from _misfits(value, wanted, path)
            elif not (or_false and value is False):
                yield path, value, "a table or false" if or_false else "a table"
        elif wanted in _TYPES and not _fits(value, wanted):
            yield path, value, wanted
        elif wanted == "setting" and isinstance(value, (Mapping, list)):
            yield path, value, "one value"


def _fits(value: Any, wanted: str) -> bool:
    if wanted == WHOLE_NUMBER and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[wanted])


def _kind(value: Any) -> str:
    """What a value is, in TOML's words."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, (date, time)):
        return f"the time {value}"
    return "a list" if isinstance(value, list) else f"the text {value!r}"


def _instead(key: str, value: Any, wanted: str) -> str | None:
    """The same as it should be, where that is plain: a number, or a list of names."""
    if wanted == WHOLE_NUMBER:
        digits = isinstance(value, str) and value.isascii() and value.isdecimal()
        return f"write {key} = {value}" if digits else None
    if wanted.startswith("a table"):
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'write {key} = "{value}"'
    if isinstance(value, list) and value and all(isinstance(row, str) for row in value):
        return f'write {key} = "{",".join(value)}"'
    return None


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line of a key, or of the nearest table around it; 1 where it cannot be found."""
    best, line = 0, 1
    table: tuple[str, ...] = ()
    for number, row in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(row):
            table = _parts(header[1])
            found = table
        elif key := _KEY.match(row):
            found = (*table, *_parts(key[1]))
        else:
            continue
        if len(found) > best and path[: len(found)] == found:
            best, line = len(found), number
    return line


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def _hint(row: str, said: str) -> str | None:
    """What to write instead, where the line shows what was meant."""
    strange = _strange(row)
    if strange:
        name = unicodedata.name(strange, "a control character").lower()
        shown = f"{strange} " if strange in _STRAIGHT else ""
        instead = f"write {_STRAIGHT[strange]}" if strange in _STRAIGHT else "delete it"
        return f"the line has {shown}(U+{ord(strange):04X}, {name}): {instead}"
    if said.startswith(("Cannot overwrite", "Cannot declare", "Cannot mutate")):
        return "the key or the table stands twice: delete one"
    if said.startswith(("Illegal character '\\n'", "Illegal character '\\r'")) and _STRINGS.sub(
        "", row
    ):
        return "close the quote at the end of the line"
    if any(word in said.lower() for word in ("escape", "hex value", "backslash")):
        return "a backslash stands for itself in single quotes: '…'"
    if row.lstrip().startswith(("//", ";", "--")):
        return "a comment begins with #"
    if re.match(r"\s*[\w-]+\s*:", row):
        return 'TOML has no colon: write key = "value"'
    value = _ASSIGNED.match(row)
    return _value_hint(value["value"]) if value else None


def _strange(row: str) -> str:
    """The character outside of strings that TOML does not know; empty where there is none.

    Behind a quote that is not closed only what should have closed it counts.
    """
    rest = _STRINGS.sub("", row)
    opened = next((char for char in rest if char in "\"'"), "")
    found = (char for char in rest if char in _STRAIGHT or _invisible(char))
    return next((char for char in found if not opened or _STRAIGHT.get(char) == opened), "")


def _value_hint(value: str) -> str | None:
    if value in {"True", "False"}:
        return f"write {value.lower()}"
    if value in {"None", "null", "nil", ""}:
        return "TOML has no empty value: delete the line"
    plain = not re.search(r"[\"'\[\]{}#]", value) and not _TOML_NUMBER.fullmatch(value)
    return f'text stands in quotes: "{value}"' if plain else None


def _invisible(char: str) -> bool:
    """Whether an editor shows a character as nothing or as a blank, which it is not for TOML."""
    return char not in " \t\r" and (unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"})
