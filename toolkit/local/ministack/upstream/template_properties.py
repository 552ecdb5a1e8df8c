"""Properties that a resource of a template has and its type does not, at any depth.

The table has the schemas of AWS for some types; others are passed over, and so is what only the
deployment resolves.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("template_properties.toml")
ROOT = "properties"  # of a type, among its definitions
# Definition → its properties, each with the definition of its value, or "".
Definitions = Mapping[str, Mapping[str, str]]


@cache
def known() -> dict[str, Definitions]:
    """The definitions of each type in the table."""
    return {
        kind: {name: _properties(words) for name, words in definitions.items()}
        for kind, definitions in tomllib.loads(TABLE.read_text("utf-8")).items()
    }


def _properties(words: str) -> dict[str, str]:
    rows = (word.partition("=") for word in words.split())
    return {name: definition for name, _, definition in rows}


def extraneous(
    kind: str, properties: Any, conditions: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    """The path of each object with a property too many (``#/Tags/0``), and the property's name.

    Args:
        kind: such as ``AWS::SQS::Queue``; of one that the table lacks, nothing is known.
        properties: as the template has them.
        conditions: what the template's conditions are, for ``Fn::If``.
    """
    if kind in known():
        yield from _walk(properties, known()[kind], ROOT, "#", conditions)


def _walk(
    value: Any, definitions: Definitions, name: str, path: str, conditions: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value.keys() == {"Fn::If"}:
        condition, *branches = value["Fn::If"]
        chosen = branches[not conditions.get(condition, True)]
        yield from _walk(chosen, definitions, name, path, conditions)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, definitions, name, f"{path}/{number}", conditions)
    elif isinstance(value, dict) and not _is_call(value):
        for key, inner in value.items():
            if key not in definitions[name]:
                yield path, key
            elif definitions[name][key]:
                yield from _walk(
                    inner, definitions, definitions[name][key], f"{path}/{key}", conditions
                )


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether an object is one of a template's functions."""
    return any(key == "Ref" or key.startswith("Fn::") for key in value)
