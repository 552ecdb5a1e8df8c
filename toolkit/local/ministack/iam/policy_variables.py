"""Variables in IAM policies: ``${aws:PrincipalTag/team}`` in a resource or a condition's value.

A statement whose variable has no value in the request, and no default, matches nothing there. Of a
role's session, ``aws:PrincipalArn`` is the role itself, with its path.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
"""

import re
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from toolkit.local.ministack.replacing.replacements import replaces

# ${key} or ${key, 'default'}
_VARIABLE = re.compile(r"\$\{\s*([\w:/.@+=-]+)\s*(?:,\s*'([^']*)'\s*)?\}")


@replaces("core.iam_evaluator._first_match")
def _first_match(original: Any, context: Any, statements: list[Any], effect: str) -> Any:
    """The first statement that matches, its variables resolved."""
    return original(context, [_resolved(statement, context) for statement in statements], effect)


@replaces("core.iam_evaluator._resolve_condition_key")
def _resolve_condition_key(original: Any, key: str, ctx: Any) -> Any:
    value = original(key, ctx)
    return _role_arn(value) if key.lower() == "aws:principalarn" else value


def _role_arn(principal: str) -> str:
    """The role behind ``arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION``; others as they are."""
    *_, account, resource = principal.split(":", 5)
    kind, _, rest = resource.partition("/")
    if kind != "assumed-role":
        return principal
    role = iam._roles.get_scoped(account, None, rest.partition("/")[0])
    return str(role["Arn"]) if role is not None else principal


def _resolved(statement: Any, context: Any) -> Any:
    if "${" not in repr(statement):
        return statement
    return replace(
        statement,
        resources=_patterns(statement.resources, context),
        not_resources=_patterns(statement.not_resources, context),
        conditions={
            operator: {name: _patterns(_listed(values), context) for name, values in keys.items()}
            for operator, keys in statement.conditions.items()
        },
    )


def _patterns(patterns: list[Any], context: Any) -> list[str]:
    """The patterns with their values; one without a value becomes a pattern of nothing."""
    resolved = [_resolve(str(pattern), context) for pattern in patterns]
    return [pattern if pattern is not None else "\0" for pattern in resolved]


def _resolve(pattern: str, context: Any) -> str | None:
    values = []
    for name, default in _VARIABLE.findall(pattern):
        value = iam_evaluator._resolve_condition_key(name, context)
        values.append(default if value is None and default else value)
    if any(not isinstance(value, str) for value in values):
        return None
    following = iter(values)
    return _VARIABLE.sub(lambda _: str(next(following)), pattern)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
