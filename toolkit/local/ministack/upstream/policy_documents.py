"""What IAM refuses of a policy's document.

- https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
- https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
- https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

Json = Mapping[str, Any]


class PolicyKind(Enum):
    """Whose policy it is, which says what else a statement must have and may not have."""

    IDENTITY = ("Resource", "Principal")
    TRUST = ("Principal", "Resource")


_SYNTAX = "Syntax errors in policy."
_ELEMENTS = frozenset(
    {"Sid", "Effect", "Condition"}
    | {f"{no}{name}" for no in ("", "Not") for name in ("Action", "Principal", "Resource")}
)
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"(arn|\*):[^:]*:[^:]*:[^:]*:[^:]*:.+")
OPERATORS = re.compile(
    r"(ForAllValues:|ForAnyValue:)?"
    r"(String(Not)?(Equals|EqualsIgnoreCase|Like)|Numeric(Not)?Equals"
    r"|Numeric(LessThan|GreaterThan)(Equals)?|Date(Not)?Equals|Date(LessThan|GreaterThan)(Equals)?"
    r"|Bool|BinaryEquals|(Not)?IpAddress|Arn(Not)?(Equals|Like))(IfExists)?|Null"
)


def problem(text: str, kind: PolicyKind) -> str | None:
    """What MalformedPolicyDocument says of a document, or None."""
    try:
        document = json.loads(text)
    except ValueError:
        return "This policy contains invalid Json"
    if not isinstance(document, dict) or not document.keys() <= {"Version", "Id", "Statement"}:
        return _SYNTAX
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        return _SYNTAX
    rows: Any = document.get("Statement")
    statements: list[Json] = rows if isinstance(rows, list) else [rows]
    if not all(isinstance(row, dict) for row in statements):
        return _SYNTAX
    sids = Counter(row["Sid"] for row in statements if row.get("Sid"))
    if any(count > 1 for count in sids.values()):
        return "Statement IDs (SID) in a single policy must be unique."
    return next((words for row in statements for words in _complaints(row, kind)), None)


def _complaints(statement: Json, kind: PolicyKind) -> Iterator[str]:
    needed, prohibited = kind.value
    if statement.keys() - _ELEMENTS or statement.get("Effect") not in ("Allow", "Deny"):
        yield _SYNTAX
    for name in (prohibited, f"Not{prohibited}"):
        if name in statement:
            yield f"Has prohibited field {name}"
    for name in ("Action", needed):
        if (name in statement) == (f"Not{name}" in statement):
            yield _missing(name) if name not in statement else _SYNTAX
    if (
        not re.fullmatch(r"[A-Za-z0-9]*", str(statement.get("Sid", "")))
        and kind is PolicyKind.IDENTITY
    ):
        yield "Statement IDs (SID) must be alpha-numeric."
    yield from _action_complaints(statement, kind)
    for resource in _listed(statement, "Resource"):
        if resource != "*" and not _ARN.fullmatch(str(resource)):
            yield (f'Resource {resource} must be in ARN format or "*".')
    yield from _condition_complaints(statement.get("Condition") or {})


def _action_complaints(statement: Json, kind: PolicyKind) -> Iterator[str]:
    for action in _listed(statement, "Action"):
        if not isinstance(action, str):
            yield _SYNTAX
        elif action != "*" and ":" not in action:
            yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        elif action.count(":") > 1:
            yield "Actions/Condition can contain only one colon."
        elif action != "*" and not _ACTION.fullmatch(action):
            yield _SYNTAX
        elif kind is PolicyKind.TRUST and action != "*" and not action.lower().startswith("sts:"):
            yield "AssumeRole policy may only specify STS AssumeRole actions."


def _condition_complaints(condition: Any) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        yield _SYNTAX
        return
    for operator, keys in condition.items():
        if not OPERATORS.fullmatch(operator):
            yield f"Invalid Condition type : {operator}."
        elif not isinstance(keys, Mapping):
            yield _SYNTAX
        elif any(":" not in key for key in keys):
            yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def _missing(name: str) -> str:
    if name == "Action":
        return "Policy statement must contain actions."
    return "Policy statement must contain resources." if name == "Resource" else _SYNTAX


def _listed(statement: Json, name: str) -> list[Any]:
    found = statement.get(name, statement.get(f"Not{name}", []))
    return found if isinstance(found, list) else [found]
