"""S3 lifecycle rules: those of a template are kept, and objects expire at midnight UTC.

Rules that choose by tag or size, transitions and uploads that nobody finishes are not acted upon.

- https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
- https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

import math
from datetime import datetime
from itertools import pairwise
from typing import Any

from ministack.core.responses import get_region, request_scope
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.upstream import shifted_time

Json = dict[str, Any]
_DAY = 86_400


def install() -> None:
    """Give CloudFormation's bucket the properties that ministack passes over."""
    provisioners._S3_BUCKET_CONFIGURATIONS = (
        *provisioners._S3_BUCKET_CONFIGURATIONS,
        ("LifecycleConfiguration", _rules, _put, s3._delete_bucket_lifecycle),
        ("Tags", list, _put_tags, s3._delete_bucket_tagging),
    )


def expire() -> None:
    """Let the rules of all buckets do what is due now."""
    for (account, name), rules in list(s3._bucket_lifecycle._data.items()):
        bucket = s3._buckets._data[account, name]
        with request_scope(account, bucket.get("region") or get_region()):
            for rule in rules:
                if rule["Status"] == "Enabled" and set(rule["Filter"]) <= {"Prefix"}:
                    prefix = rule["Filter"].get("Prefix", "")
                    _expire_objects(rule, name, bucket, prefix)
                    _expire_versions(rule, name, bucket, prefix)


def _expire_objects(rule: Json, name: str, bucket: Json, prefix: str) -> None:
    days = rule.get("Expiration", {}).get("Days")
    for key, found in list(bucket["objects"].items()) if days else ():
        if key.startswith(prefix) and _is_due(found["last_modified"], days):
            s3._delete_object(name, key)  # of a versioned object this hides the current version


def _expire_versions(rule: Json, name: str, bucket: Json, prefix: str) -> None:
    days = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
    alone = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    for (owner, key), versions in s3._object_versions.items():
        if owner != name or not key.startswith(prefix):
            continue
        for version, successor in list(pairwise(versions)) if days else ():
            if _is_due(successor["last_modified"], days):
                s3._delete_object_version(bucket, name, key, version["version_id"])
        if alone and len(versions) == 1 and versions[0].get("is_delete_marker"):
            s3._delete_object_version(bucket, name, key, versions[0]["version_id"])


def _is_due(since: str, days: int) -> bool:
    """Whether the midnight has come that follows so many days."""
    ended = datetime.fromisoformat(since).timestamp() + days * _DAY
    return math.ceil(ended / _DAY) * _DAY <= shifted_time.now()


def _put(bucket: str, rules: list[Json]) -> None:
    refusal = s3._lifecycle_rules_error(rules)
    if refusal is not None:
        raise ValueError(f"{refusal[2].decode()} (Service: S3, Status Code: {refusal[0]})")
    s3._bucket_lifecycle[bucket] = rules


def _put_tags(bucket: str, tags: list[Json]) -> None:
    s3._bucket_tags[bucket] = {tag["Key"]: tag["Value"] for tag in tags}


def _rules(configuration: Json) -> list[Json]:
    return [_rule(row) for row in configuration.get("Rules", [])]


def _rule(row: Json) -> Json:
    """A rule as the API has it; what the template leaves out, it has not."""
    rule = {
        "ID": row.get("Id"),
        "Status": row["Status"],
        "Filter": _filter(row),
        "Expiration": _named(
            row,
            ExpirationInDays="Days",
            ExpirationDate="Date",
            ExpiredObjectDeleteMarker="ExpiredObjectDeleteMarker",
        ),
        "NoncurrentVersionExpiration": row.get("NoncurrentVersionExpiration")
        or _named(row, NoncurrentVersionExpirationInDays="NoncurrentDays"),
        "AbortIncompleteMultipartUpload": row.get("AbortIncompleteMultipartUpload"),
        "Transitions": [
            _named(
                move, StorageClass="StorageClass", TransitionInDays="Days", TransitionDate="Date"
            )
            for move in row.get("Transitions", [])
        ],
        "NoncurrentVersionTransitions": [
            _named(
                move,
                StorageClass="StorageClass",
                TransitionInDays="NoncurrentDays",
                NewerNoncurrentVersions="NewerNoncurrentVersions",
            )
            for move in row.get("NoncurrentVersionTransitions", [])
        ],
    }
    return {name: value for name, value in rule.items() if value or name == "Filter"}


def _filter(row: Json) -> Json:
    """One condition stands alone; more of them stand in an And."""
    sizes = _named(
        row,
        ObjectSizeGreaterThan="ObjectSizeGreaterThan",
        ObjectSizeLessThan="ObjectSizeLessThan",
    )
    tags = row.get("TagFilters", [])
    prefix = {"Prefix": row.get("Prefix", "")} if "Prefix" in row or not (sizes or tags) else {}
    if len(prefix) + len(sizes) + len(tags) > 1:
        return {"And": {**prefix, **sizes, **({"Tags": tags} if tags else {})}}
    return {**prefix, **sizes, **({"Tag": tags[0]} if tags else {})}


def _named(row: Json, **names: str) -> Json:
    return {theirs: _plain(row[ours]) for ours, theirs in names.items() if ours in row}


def _plain(value: Any) -> Any:
    """A template's parameters are text."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value
