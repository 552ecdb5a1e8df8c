"""What a type's schema forbids of the properties of a template's resource, at any depth.

Properties that the type does not have, required ones that are missing, and values that are none of
an enumeration. The table has the schemas of AWS for some types; others are passed over, and so is
what only the deployment resolves.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).with_name("template_properties.toml")
ROOT = "properties"  # of a type, among its definitions
_NOTHING = {"Ref": "AWS::NoValue"}


class Property(NamedTuple):
    """A property: the definition of its value, or ""; its values, if they are enumerated."""

    definition: str = ""
    values: tuple[str, ...] = ()
    is_required: bool = False


# Definition → its properties.
Definitions = Mapping[str, Mapping[str, Property]]
Problem = tuple[str, str, str]  # path of an object such as #/Tags/0, property, reason


@cache
def known() -> dict[str, Definitions]:
    """The definitions of each type in the table."""
    return {
        kind: {name: dict(map(_property, words.split())) for name, words in definitions.items()}
        for kind, definitions in tomllib.loads(TABLE.read_text("utf-8")).items()
    }


def _property(word: str) -> tuple[str, Property]:
    """Of a word of the table: ``Name``, ``Name!`` if required, ``Name=Of``, ``Name:a|b``."""
    rest, _, values = word.partition(":")
    rest, _, definition = rest.partition("=")
    listed = tuple(values.split("|")) if values else ()
    return rest.removesuffix("!"), Property(definition, listed, rest.endswith("!"))


def problems(kind: str, properties: Any, conditions: Mapping[str, bool]) -> Iterator[Problem]:
    """What is wrong with the properties of a resource, in the words of CloudFormation.

    Args:
        kind: such as ``AWS::SQS::Queue``; of one that the table lacks, nothing is known.
        properties: as the template has them.
        conditions: what the template's conditions are, for ``Fn::If``.
    """
    if kind in known():
        yield from _walk(properties or {}, known()[kind], ROOT, "#", conditions)


def _walk(
    value: Any, definitions: Definitions, name: str, path: str, conditions: Mapping[str, bool]
) -> Iterator[Problem]:
    value = _chosen(value, conditions)
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _walk(item, definitions, name, f"{path}/{number}", conditions)
    elif isinstance(value, dict) and not _is_call(value):
        known_here = definitions[name]
        for key, row in known_here.items():
            if row.is_required and _chosen(value.get(key, _NOTHING), conditions) == _NOTHING:
                yield path, key, f"{path}: required key [{key}] not found"
        for key, inner in value.items():
            if key not in known_here:
                yield path, key, f"{path}: extraneous key [{key}] is not permitted"
                continue
            for odd in _odd_values(_chosen(inner, conditions), known_here[key].values):
                yield path, key, f"{path}/{key}: {odd} is not a valid enum value"
            if known_here[key].definition:
                yield from _walk(
                    inner, definitions, known_here[key].definition, f"{path}/{key}", conditions
                )


def _odd_values(value: Any, values: tuple[str, ...]) -> Iterator[Any]:
    """The values that are none of those; numbers may be texts, as CloudFormation takes them."""
    for item in (value if isinstance(value, list) else [value]) if values else ():
        if not isinstance(item, dict) and str(item) not in values:
            yield item


def _chosen(value: Any, conditions: Mapping[str, bool]) -> Any:
    """A value, or the branch of an ``Fn::If`` that holds."""
    while isinstance(value, dict) and value.keys() == {"Fn::If"}:
        condition, *branches = value["Fn::If"]
        value = branches[not conditions.get(condition, True)]
    return value


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether an object is one of a template's functions."""
    return any(key == "Ref" or key.startswith("Fn::") for key in value)
