"""What a service refuses of a policy for one of its resources, in the words of S3.

Whether the actions exist, and the principals, is not looked at.

- https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
- https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-bucket-user-policy-specifying-principal-intro.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .policy_documents import OPERATORS

Json = Mapping[str, Any]
_FIELDS = frozenset(
    {"Sid", "Effect", "Condition"}
    | {f"{no}{name}" for no in ("", "Not") for name in ("Action", "Principal", "Resource")}
)
# A user, a role or an account, or what stands for one that is gone.
_AWS = re.compile(r"\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:.+|A[A-Z0-9]{15,}")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_PRINCIPALS: dict[str, re.Pattern[str]] = {
    "AWS": _AWS,
    "Service": _SERVICE,
    "Federated": re.compile(r".+"),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}"),
}


def problem(text: str, vendor: str) -> str | None:
    """What a service (``s3``, as actions begin) says of a policy's document, or None."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return "Policies must be valid JSON and the first byte must be '{'"
    rows = document.get("Statement")
    statements: list[Any] = rows if isinstance(rows, list) else [rows]
    if document.get("Version", "2008-10-17") not in ("2012-10-17", "2008-10-17"):
        return "The policy must contain a valid version string"
    if not statements or not all(isinstance(row, dict) for row in statements):
        return "Missing required field Statement"
    if document.keys() - {"Version", "Id", "Statement"}:
        return f"Unknown field {min(document.keys() - {'Version', 'Id', 'Statement'})}"
    return next((words for row in statements for words in _complaints(row, vendor)), None)


def _complaints(statement: Json, vendor: str) -> Iterator[str]:
    yield from (f"Unknown field {name}" for name in sorted(statement.keys() - _FIELDS))
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield f"Invalid effect: {statement.get('Effect')}"
    for name in ("Principal", "Action", "Resource"):
        if name in statement and f"Not{name}" in statement:
            yield "Invalid policy syntax."
        elif name not in statement and f"Not{name}" not in statement:
            yield f"Missing required field {name}"
    if not _is_principal(statement.get("Principal", statement.get("NotPrincipal"))):
        yield "Invalid principal in policy"
    action = re.compile(rf"(?i)\*|{vendor}:[a-z0-9*?]+")
    if not all(action.fullmatch(str(row)) for row in _listed(statement, "Action")):
        yield "Policy has invalid action"
    arn = re.compile(rf"\*|arn:aws[a-z-]*:({vendor}|\*):.+")
    if not all(arn.fullmatch(str(row)) for row in _listed(statement, "Resource")):
        yield "Policy has invalid resource"
    yield from _condition_complaints(statement.get("Condition") or {})


def _is_principal(value: Any) -> bool:
    if value == "*":
        return True
    if not isinstance(value, dict) or not value or value.keys() - _PRINCIPALS.keys():
        return False
    return all(
        isinstance(row, str) and _PRINCIPALS[kind].fullmatch(row) is not None
        for kind, rows in value.items()
        for row in (rows if isinstance(rows, list) else [rows])
    )


def _condition_complaints(condition: Any) -> Iterator[str]:
    if not isinstance(condition, Mapping):
        yield "Invalid policy syntax."
        return
    for operator, keys in condition.items():
        if not OPERATORS.fullmatch(operator):
            yield f"Invalid Condition type : {operator}"
        elif not isinstance(keys, Mapping) or any(":" not in key for key in keys):
            yield "Policy has an invalid condition key"


def _listed(statement: Json, name: str) -> list[Any]:
    found = statement.get(name, statement.get(f"Not{name}", []))
    return found if isinstance(found, list) else [found]
