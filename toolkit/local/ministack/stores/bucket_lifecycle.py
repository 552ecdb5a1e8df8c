"""S3 lifecycle rules: those of a template are kept, and objects expire at midnight UTC.

Rules that choose by tag or size, transitions and uploads that nobody finishes are not acted upon.
"""

from datetime import datetime
from itertools import pairwise
from typing import Any

from ministack.core.responses import get_region, request_scope
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.upstream import lifecycle_rules, shifted_time

Json = dict[str, Any]


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
    for key in list(bucket["objects"]) if days else ():  # their records are read one by one
        if key.startswith(prefix) and _is_due(bucket["objects"][key], days):
            s3._delete_object(name, key)  # of a versioned object this hides the current version


def _expire_versions(rule: Json, name: str, bucket: Json, prefix: str) -> None:
    days = rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays")
    alone = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    for owner, key in list(s3._object_versions):
        if owner != name or not key.startswith(prefix):
            continue
        versions = s3._object_versions[owner, key]
        for version, successor in list(pairwise(versions)) if days else ():
            if _is_due(successor, days):
                s3._delete_object_version(bucket, name, key, version["version_id"])
        if alone and len(versions) == 1 and versions[0].get("is_delete_marker"):
            s3._delete_object_version(bucket, name, key, versions[0]["version_id"])


def _is_due(since: Json, days: int) -> bool:
    written = datetime.fromisoformat(since["last_modified"]).timestamp()
    return lifecycle_rules.is_due(written, days, shifted_time.now())


def _put(bucket: str, rules: list[Json]) -> None:
    refusal = s3._lifecycle_rules_error(rules)
    if refusal is not None:
        raise ValueError(f"{refusal[2].decode()} (Service: S3, Status Code: {refusal[0]})")
    s3._bucket_lifecycle[bucket] = rules


def _put_tags(bucket: str, tags: list[Json]) -> None:
    s3._bucket_tags[bucket] = {tag["Key"]: tag["Value"] for tag in tags}


def _rules(configuration: Json) -> list[Json]:
    return [lifecycle_rules.of_template(row) for row in configuration.get("Rules", [])]
