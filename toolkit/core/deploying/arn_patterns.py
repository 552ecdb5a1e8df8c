"""Patterns of ARNs: whether a text is one, and whether two patterns have an ARN in common."""

import re

from attrs import frozen

# arn:partition:service:region:account:resource. Wildcards may stand for any part, or for several.
_SECTIONS = (
    re.compile(r"arn"),
    re.compile(r"aws(-[a-z0-9]+)*"),
    re.compile(r"[a-z0-9-]+"),
    re.compile(r"|[a-z]{2,}(-[a-z0-9]+)+-\d+"),
    re.compile(r"|\d{12}|aws"),
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")
# What of the reference's patterns has neither colon nor slash in it; others may be paths.
_PLAIN = {"Partition", "Region", "Account", "AccountId", "BucketName"}
_NOT_PLAIN = frozenset(":/")


@frozen
class _Any:
    """Any text, or any without some characters."""

    without: frozenset[str] = frozenset()


_Token = str | _Any | None


def is_arn(text: str) -> bool:
    """Whether a resource of a policy is an ARN or a pattern of one.

    >>> is_arn("arn:aws:sqs:eu-central-1:123456789012:orders"), is_arn("arn:aws:sqs:orders")
    (True, False)
    """
    if text == "*":
        return True
    parts = text.split(":", 5)
    for part, form in zip(parts, _SECTIONS, strict=False):
        if "*" in part:
            return True  # it may stand for all that follows
        if "?" not in part and form.fullmatch(part) is None:
            return False
    return len(parts) == len(_SECTIONS) + 1 and parts[-1] != ""


def overlap(known: str, pattern: str) -> bool:
    """Whether an ARN can fit a pattern of AWS's reference and a pattern of a policy.

    >>> overlap("arn:${Partition}:s3:::${BucketName}", "arn:aws:s3:::reports-*")
    True
    >>> overlap("arn:${Partition}:s3:::${BucketName}", "arn:aws:s3:::reports/*")
    False
    """
    left, right = _of_reference(known), _of_policy(pattern)
    # From the ends on: whether what is left of both at (i, j) has a text in common.
    after = [False] * (len(right) + 1)
    for i in range(len(left), -1, -1):
        row = [False] * (len(right) + 1)
        for j in range(len(right), -1, -1):
            one = left[i] if i < len(left) else None
            other = right[j] if j < len(right) else None
            row[j] = _meet(one, other, after, row, j)
        after = row
    return after[0]


def _meet(one: _Token, other: _Token, after: list[bool], row: list[bool], j: int) -> bool:
    """One cell: ``after`` is the row without ``one``, ``row[j + 1]`` the cell without ``other``."""
    if one is None and other is None:
        return True
    if isinstance(one, _Any):
        # It ends here, or it takes what the other says next.
        takes = isinstance(other, _Any) or (other is not None and other not in one.without)
        return after[j] or (takes and row[j + 1])
    if isinstance(other, _Any):
        return row[j + 1] or (one is not None and after[j])
    return one is not None and other in (one, "?") and after[j + 1]


def _of_reference(text: str) -> list[str | _Any]:
    tokens: list[str | _Any] = []
    for number, part in enumerate(_VARIABLE.split(text)):
        if number % 2:
            tokens.append(_Any(_NOT_PLAIN if part in _PLAIN else frozenset()))
        else:
            tokens += [_Any() if character == "*" else character for character in part]
    return tokens


def _of_policy(text: str) -> list[str | _Any]:
    return [_Any() if character == "*" else character for character in text]
