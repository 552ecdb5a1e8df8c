"""CloudFormation refuses a property that the type of a resource does not have.

Only types of the table and the properties of their first level are checked.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from toolkit.local.ministack.replacing.replacements import replaces

TABLE = Path(__file__).with_name("properties.toml")


@cache
def known() -> dict[str, frozenset[str]]:
    """The properties of each type in the table."""
    return {
        kind: frozenset(names.split())
        for kind, names in tomllib.loads(TABLE.read_text("utf-8")).items()
    }


def unsupported(kind: str, properties: dict[str, Any]) -> list[str]:
    """The properties that a type does not have; none where the table lacks the type."""
    return sorted(properties.keys() - known().get(kind, properties.keys()))


@replaces("services.cloudformation.provisioners._provision_resource")
def _provision(original: Any, kind: str, logical_id: str, props: Any, stack_name: str) -> Any:
    _check(kind, props)
    return original(kind, logical_id, props, stack_name)


@replaces("services.cloudformation.provisioners._update_resource")
def _update(original: Any, kind: str, physical_id: str, old: Any, new: Any, *rest: Any) -> Any:
    _check(kind, new)
    return original(kind, physical_id, old, new, *rest)


def _check(kind: str, properties: Any) -> None:
    names = unsupported(kind, properties or {})
    if names:
        raise ValueError(f"Encountered unsupported property {names[0]}")
