"""S3 lifecycle rules of a template: kept, and shown by GetBucketLifecycleConfiguration.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html
"""

from typing import Any

from ministack.services import s3
from ministack.services.cloudformation import provisioners

Json = dict[str, Any]


def install() -> None:
    """Give CloudFormation's bucket the property that ministack passes over."""
    provisioners._S3_BUCKET_CONFIGURATIONS = (
        *provisioners._S3_BUCKET_CONFIGURATIONS,
        ("LifecycleConfiguration", _rules, _put, s3._delete_bucket_lifecycle),
    )


def _put(bucket: str, rules: list[Json]) -> None:
    refusal = s3._lifecycle_rules_error(rules)
    if refusal is not None:
        raise ValueError(f"{refusal[2].decode()} (Service: S3, Status Code: {refusal[0]})")
    s3._bucket_lifecycle[bucket] = rules


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
            _named(move, StorageClass="StorageClass", TransitionInDays="Days", TransitionDate="Date")
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
