"""Ask policies and event patterns what AWS would: does this request pass, does this event match?"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any


def trust(service: str) -> dict[str, Any]:
    """The policy by which a service (``ecs-tasks.amazonaws.com``) may take a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def statements(resource: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All policy statements of a rendered role, policy or endpoint, but not its trust policy."""
    properties = resource["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", ())]
    if "PolicyDocument" in properties:
        documents.append(properties["PolicyDocument"])
    return [statement for document in documents for statement in document["Statement"]]


def applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    """Whether a statement speaks about this request.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
    """
    return (
        _speaks_of(statement, "Action", action, context)
        and _speaks_of(statement, "Resource", resource, context)
        and all(
            _condition(operator, context.get(key), listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _speaks_of(
    statement: Mapping[str, Any], element: str, value: str, context: Mapping[str, str]
) -> bool:
    """Whether ``element``, or its Not form, covers a value; policy variables are filled in."""
    inverted = f"Not{element}" in statement
    patterns = listed(statement[f"Not{element}" if inverted else element])
    for key, text in context.items():
        patterns = [pattern.replace(f"${{{key}}}", text) for pattern in patterns]
    return any(fnmatchcase(value, pattern) for pattern in patterns) is not inverted


def permits(resource: Mapping[str, Any], action: str, on: str, **context: str) -> bool:
    """Whether a role's own policies allow the request; context keys have "__" for ":"."""
    keys = {key.replace("__", ":"): value for key, value in context.items()}
    effects = {s["Effect"] for s in statements(resource) if applies(s, action, on, keys)}
    return effects == {"Allow"}


def listed(value: Any) -> list[Any]:
    """A policy's "one or many" as a list."""
    return value if isinstance(value, list) else [value]


def _condition(operator: str, actual: str | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    if actual is None:
        return False
    if operator == "NumericLessThan":
        return float(actual) < float(wanted[0])
    if operator in {"StringEquals", "Bool"}:
        return actual in wanted
    if operator == "ArnNotLike":
        return not any(fnmatchcase(actual, pattern) for pattern in wanted)
    if operator in {"ArnEquals", "ArnLike", "StringLike"}:
        return any(fnmatchcase(actual, pattern) for pattern in wanted)
    raise AssertionError(f"{operator} is not known here")


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether an EventBridge pattern takes an event; fields of one array element match together.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
    """
    return all(_field(key, wanted, event) for key, wanted in pattern.items())


def _field(key: str, wanted: Any, event: Mapping[str, Any]) -> bool:
    if key == "$or":
        return any(matches(alternative, event) for alternative in wanted)
    if key not in event:
        return False
    values = listed(event[key])
    if isinstance(wanted, dict):
        return any(matches(wanted, value) for value in values)
    return any(_leaf(rule, value) for rule in wanted for value in values)


def _leaf(rule: Any, value: Any) -> bool:
    if not isinstance(rule, dict):
        return bool(rule == value)
    ((operator, argument),) = rule.items()
    if operator == "anything-but":
        return value not in argument
    if operator == "prefix":
        return isinstance(value, str) and value.startswith(argument)
    raise AssertionError(f"{operator} is not known here")
