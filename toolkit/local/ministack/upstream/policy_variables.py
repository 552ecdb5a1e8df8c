"""Variables in IAM policies: ``${aws:PrincipalTag/team}`` in a resource or a condition's value.

A statement whose variable has no value in the request, and no default, matches nothing there.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

# ${key} or ${key, 'default'}
_VARIABLE = re.compile(r"\$\{\s*([\w:/.@+=-]+)\s*(?:,\s*'([^']*)'\s*)?\}")
ValueOf = Callable[[str], Any]  # of a condition key, in a request


def resolved(statement: Any, value_of: ValueOf) -> Any:
    """A parsed statement with the values of its variables."""
    if "${" not in repr(statement):
        return statement
    return replace(
        statement,
        resources=_patterns(statement.resources, value_of),
        not_resources=_patterns(statement.not_resources, value_of),
        conditions={
            operator: {name: _patterns(_listed(values), value_of) for name, values in keys.items()}
            for operator, keys in statement.conditions.items()
        },
    )


def _patterns(patterns: list[Any], value_of: ValueOf) -> list[str]:
    """The patterns with their values; one without a value becomes a pattern of nothing."""
    resolved = [_resolve(str(pattern), value_of) for pattern in patterns]
    return [pattern if pattern is not None else "\0" for pattern in resolved]


def _resolve(pattern: str, value_of: ValueOf) -> str | None:
    values = []
    for name, default in _VARIABLE.findall(pattern):
        value = value_of(name)
        values.append(default if value is None and default else value)
    if any(not isinstance(value, str) for value in values):
        return None
    following = iter(values)
    return _VARIABLE.sub(lambda _: str(next(following)), pattern)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
