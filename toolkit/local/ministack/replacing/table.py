"""The table of ministack's names that this package relies on, held against what is installed."""

import inspect
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .replacements import find

TABLE = Path(__file__).with_name("names_of_ministack.toml")


def names() -> dict[str, str]:
    """Each name below ``ministack.``, and its signature or type."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    groups = [group for group in table.values() if isinstance(group, dict)]
    rows = [group.get(use, {}) for group in groups for use in ("replaced", "used")]
    return {name: form for row in rows for name, form in row.items()}


def differences(expected: Mapping[str, str]) -> Iterator[str]:
    """What is not as expected, by its name."""
    for name, form in expected.items():
        found = form_of(name)
        if found != form:
            yield f"ministack.{name} is {found}, not {form}"


def check() -> None:
    """End the program with the list of what changed, if anything did."""
    changed = list(differences(names()))
    if changed:
        told = f"the embedded AWS was made for another ministack than {version('ministack')}:"
        raise SystemExit("\n".join([told, *changed]))


def form_of(name: str) -> str:
    """The signature of a function, the type of data, or "missing"."""
    try:
        found: Any = find(name)
    except (ImportError, AttributeError):
        return "missing"
    if inspect.isroutine(found):
        return f"({', '.join(inspect.signature(found).parameters)})"
    return type(found).__name__
