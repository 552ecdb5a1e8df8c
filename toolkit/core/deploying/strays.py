"""Tables of `toolkit.toml` that are about a schedule or a workload that is gone, or misspelt.

Such a table changes nothing that is deployed already, so that it must keep nobody from looking at
the app, stopping a run or pausing a schedule: it is a warning. A deployment without what it asks
for would be another one than somebody wanted: there it is an error.
"""

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from attrs import frozen

from toolkit.core.errors import ConfigError

# What a table is about, by its key in an environment, and where that is kept.
_KINDS = {
    "schedules": ("schedule", "schedules/{}.toml"),
    "workloads": ("workload", "[workloads.{}] of workloads/catalog.toml"),
    "env": ("workload", "[workloads.{}] of workloads/catalog.toml"),
}


@frozen
class Stray:
    """A table without what it is about; ``path`` is its place in the document."""

    path: tuple[str, str, str]
    message: str
    hint: str


def strays(
    document: Mapping[str, Any],
    schedules: Collection[str],
    workloads: Collection[str],
    where: Callable[[tuple[str, str, str]], str],
) -> Iterator[Stray]:
    """Such tables in all environments, in the order of the document.

    Args:
        document: the file's tables.
        schedules: the names of the project's schedules.
        workloads: those of its workloads.
        where: the file and line of a path in the document.
    """
    known = {"schedules": schedules, "workloads": workloads, "env": workloads}
    for environment, table in document.items():
        for key, names in known.items():
            for name in table.get(key, {}):
                if name not in names:
                    path = (environment, key, name)
                    yield _stray(path, where(path), names)


def _stray(path: tuple[str, str, str], where: str, known: Iterable[str]) -> Stray:
    import difflib  # few projects have one

    _, key, name = path
    kind, place = _KINDS[key]
    near = difflib.get_close_matches(name, sorted(known), n=1)
    message = f"{where} [{'.'.join(path)}]: there is no {kind} {name!r}"
    hint = f"remove the table, or put {place.format(name)} back"
    return Stray(path, message, f"did you mean {near[0]!r}? If not, {hint}" if near else hint)


def without(document: Mapping[str, Any], found: Iterable[Stray]) -> Mapping[str, Any]:
    """The document without these tables."""
    shorter = copy.deepcopy(dict(document))
    for each in found:
        environment, key, name = each.path
        del shorter[environment][key][name]
    return shorter


def refuse(found: Collection[Stray]) -> None:
    """Raise one ConfigError for all of them."""
    if len(found) > 1:
        lines = [f"{each.message} ({each.hint})" for each in found]
        text = f"toolkit.toml has {len(found)} tables of what is not there\n"
        raise ConfigError(text + "\n".join(lines))
    for each in found:
        raise ConfigError(each.message, hint=each.hint)
