"""Stored JSON documents: formats that can grow, and readers that trust nothing.

Every document that outlives a process carries ``format``: a name and a major version, such as
``manifest/1``. A reader ignores keys that it does not know and gives defaults to those that are
missing; a higher major version is refused. This follows the parsing rules of in-toto attestations:
https://github.com/in-toto/attestation/blob/main/spec/v1/README.md

All stored schemas are listed in docs/formats.md.
"""

import json
import math
import types
import typing
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import attrs

FORMAT = "format"
# What a document may measure before it is read. A manifest with a thousand artifacts is 300 KB.
MAX_BYTES = 16 * 1024 * 1024
_MAX_DEPTH = 64
_NESTED = frozenset({dict, list})
_T = TypeVar("_T")


class DocumentError(ValueError):
    """A stored document cannot be read; the message says what is wrong with it."""


def load(content: bytes | str, what: str) -> Any:
    """Parse JSON from somewhere that is not trusted.

    Args:
        content: UTF-8 JSON of at most ``MAX_BYTES`` bytes.
        what: names the document in errors, such as "manifest".

    Raises:
        DocumentError: it is too large, no JSON, or nested more deeply than 64 levels.
    """
    if len(content) > MAX_BYTES:
        raise DocumentError(f"the {what} has {len(content):,} bytes, more than {MAX_BYTES:,}")
    try:
        text = content if isinstance(content, str) else content.decode()
        value = json.loads(text)
        return _checked(value) if _all_printable(text) else bounded(value)
    except RecursionError:
        raise DocumentError(f"the {what} is nested too deeply") from None
    except DocumentError as error:
        raise DocumentError(f"the {what} {error}") from None
    except ValueError as error:
        raise DocumentError(f"the {what} is not JSON: {printable(str(error))[:200]}") from None


def check_keys(content: bytes, what: str) -> None:
    """Refuse JSON in which an object has a key twice.

    Of two values a reader takes the last, and a person or another reader maybe the first. Where
    whoever holds a document could have changed it, it has one meaning.

    Raises:
        DocumentError: a key stands twice. What is no JSON is left to `load`.
    """

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
            raise DocumentError(f"the {what} has the key {printable(twice)[:60]!r} twice")
        return found

    try:
        json.loads(content.decode(), object_pairs_hook=unique)
    except DocumentError:
        raise
    except (ValueError, RecursionError):
        return


def _all_printable(text: str) -> bool:
    """Whether no string of a JSON text holds what `printable` replaces.

    JSON takes control characters as escapes only. A large document without escapes is looked
    through at once instead of string by string.
    """
    if "\\" in text:
        return False
    return "\x7f" not in text if text.isascii() else "".join(text.split("\n")).isprintable()


def _checked(value: Any, levels: int = _MAX_DEPTH) -> Any:
    """The same value; DocumentError for nesting of more than 64 levels."""
    if type(value) in _NESTED:
        if not levels:
            raise DocumentError("is nested too deeply")
        for item in value.values() if type(value) is dict else value:
            if type(item) in _NESTED:
                _checked(item, levels - 1)
    return value


def bounded(value: Any, depth: int = 0) -> Any:
    """The same value with text that can be printed and stored.

    Raises DocumentError for nesting of more than 64 levels.
    """
    if isinstance(value, str):
        return printable(value)
    if depth >= _MAX_DEPTH and isinstance(value, (dict, list)):
        raise DocumentError("is nested too deeply")
    if isinstance(value, dict):
        return {printable(key): bounded(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [bounded(item, depth + 1) for item in value]
    return value


def printable(text: str) -> str:
    r"""Text without what steers a terminal or cannot be encoded; line breaks and tabs stay.

    >>> printable("\x1b[2Jred\n\ud800")
    '\\x1b[2Jred\n\\ud800'
    """
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    wide_space = character.isspace() and character > "\x9f"
    if character in "\n\t" or character.isprintable() or wide_space:
        return character
    return character.encode("unicode_escape").decode("ascii")


def read(cls: type[_T], document: object, what: str) -> _T:
    """A value of an attrs class from a JSON object, every field of it type-checked.

    Keys that the class does not have are ignored; missing keys take the class's defaults.

    Raises:
        DocumentError: the document is of a later format, or a field is missing or of another type.
    """
    if not isinstance(document, Mapping):
        raise DocumentError(f"the {what} is not a JSON object")
    try:
        check_format(document, what)
        return _instance(cls, document)
    except DocumentError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise DocumentError(f"this is not a {what}: {printable(str(error))[:300]}") from error


def check_format(document: Mapping[str, Any], what: str, *, major: int = 1) -> None:
    """Refuse a document of another kind, or of a later major version than ``major``.

    A document without a format is one of version 0.1 of the toolkit.
    """
    stated = document.get(FORMAT, f"{what}/1")
    # Version 0.1 wrote a number: "version" in a manifest, "format" in a release.
    stated = f"{what}/{stated}" if isinstance(stated, int) else stated
    name, _, number = str(stated).partition("/")
    if name != what or not (number.isascii() and number.isdecimal()):
        raise DocumentError(f"this is not a {what}: its format is {printable(str(stated))[:60]!r}")
    if int(number) > major or _number(document.get("version", 1)) > major:
        raise DocumentError(f"the {what} has format {stated}: upgrade the toolkit to read it")


def _number(value: object) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.inf


def _instance(cls: type[_T], document: Mapping[str, Any]) -> _T:
    values: dict[str, Any] = {}
    for name, required, convert in _readers(cls):  # type: ignore[arg-type] # classes are hashable
        if name in document:
            try:
                values[name] = convert(document[name])
            except (TypeError, ValueError) as error:
                raise ValueError(f"{name}: {error}") from error
        elif required:
            raise ValueError(f"{name} is missing")
    return cls(**values)


@cache
def _readers(cls: type[Any]) -> tuple[tuple[str, bool, Callable[[Any], Any]], ...]:
    """Of each field its name, whether it must be there, and the reader of its type."""
    hints = typing.get_type_hints(cls)
    fields = attrs.fields(cls)
    return tuple(
        (field.name, field.default is attrs.NOTHING, _field_reader(field, hints[field.name]))
        for field in fields
        if field.init
    )


def _field_reader(field: "attrs.Attribute[Any]", hint: Any) -> Callable[[Any], Any]:
    reader = _reader(hint)
    if field.converter is None:
        return reader
    # The class's own converter decides what null means: NaN in a gate, for instance.
    return lambda value: None if value is None else reader(value)


def _reader(hint: Any) -> Callable[[Any], Any]:
    """The function that checks a JSON value against a type and converts it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object:
        return _unread
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _items(_reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_reader(arguments[1]))
    if isinstance(hint, type) and attrs.has(hint):
        return lambda value: _object(hint, value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint
    return lambda value: _plain(hint, value)


def _unread(value: Any) -> Any:
    return value


def _union(arguments: Sequence[Any]) -> Callable[[Any], Any]:
    # Json, a recursive type, is whatever JSON holds.
    if any(isinstance(argument, (str, typing.ForwardRef)) for argument in arguments) or any(
        typing.get_origin(argument) is Sequence for argument in arguments
    ):
        return lambda value: value
    inner = [_reader(argument) for argument in arguments if argument is not types.NoneType]

    def read_union(value: Any) -> Any:
        if value is None and types.NoneType in arguments:
            return None
        for reader in inner[:-1]:
            try:
                return reader(value)
            except (TypeError, ValueError):
                continue
        return inner[-1](value)

    return read_union


def _items(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_items(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise TypeError(f"a list is needed, not {_kind(value)}")
        return tuple(reader(item) for item in value)

    return read_items


def _mapping(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read_mapping(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(f"an object is needed, not {_kind(value)}")
        if reader is _unread:
            return dict(value)  # JSON has no key but text
        return {str(key): reader(item) for key, item in value.items()}

    return read_mapping


def _object(cls: type[Any], value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"an object is needed, not {_kind(value)}")
    return _instance(cls, value)


def _plain(kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    # bool is a kind of int in Python, and none in JSON.
    if type(value) is not kind:
        raise TypeError(f"{kind.__name__} is needed, not {_kind(value)}")
    return value


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__
