"""Lifecycle rules of S3: those of a template in the API's words, and when something expires.

- https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
- https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import math
from typing import Any

Json = dict[str, Any]

_DAY = 86_400
# A template's property → the action in the API, and its member.
_ACTIONS = {
    "ExpirationInDays": ("Expiration", "Days"),
    "ExpirationDate": ("Expiration", "Date"),
    "ExpiredObjectDeleteMarker": ("Expiration", "ExpiredObjectDeleteMarker"),
    "NoncurrentVersionExpirationInDays": ("NoncurrentVersionExpiration", "NoncurrentDays"),
}
_TRANSITIONS = {
    "Transitions": {"TransitionInDays": "Days", "TransitionDate": "Date"},
    "NoncurrentVersionTransitions": {"TransitionInDays": "NoncurrentDays"},
}
_CONDITIONS = ("Prefix", "ObjectSizeGreaterThan", "ObjectSizeLessThan")


def is_due(since: float, days: int, now: float) -> bool:
    """Whether the midnight (UTC) has come that follows so many days; times since the epoch."""
    return math.ceil((since + days * _DAY) / _DAY) * _DAY <= now


def of_template(row: Json) -> Json:
    """A template's rule as PutBucketLifecycleConfiguration takes it."""
    rule: Json = {"Filter": _filter(row)}
    for name, value in row.items():
        if name in _ACTIONS:
            action, member = _ACTIONS[name]
            rule.setdefault(action, {})[member] = _plain(value)
        elif name in _TRANSITIONS:
            words = _TRANSITIONS[name]
            rule[name] = [
                {words.get(key, key): _plain(item) for key, item in move.items()} for move in value
            ]
        elif isinstance(value, dict):
            rule[name] = {key: _plain(item) for key, item in value.items()}
        elif name not in (*_CONDITIONS, "TagFilters"):
            rule["ID" if name == "Id" else name] = value
    return rule


def _filter(row: Json) -> Json:
    """One condition stands alone; more of them stand in an And."""
    conditions = {name: _plain(row[name]) for name in _CONDITIONS[1:] if name in row}
    tags = row.get("TagFilters", [])
    if "Prefix" in row or not (conditions or tags):
        conditions = {"Prefix": row.get("Prefix", ""), **conditions}
    if len(conditions) + len(tags) > 1:
        return {"And": {**conditions, **({"Tags": tags} if tags else {})}}
    return {"Tag": tags[0]} if tags else conditions


def _plain(value: Any) -> Any:
    """A template's parameters are text."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
