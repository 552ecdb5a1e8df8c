"""S3 lifecycle rules: those of a template are kept, and objects expire at midnight UTC.

Rules that choose by tag or size, transitions and uploads that nobody finishes are not acted upon.
"""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.replacing.calls import Answer, completed
from toolkit.local.ministack.upstream import lifecycle_rules, shifted_time

Json = dict[str, Any]
_DAY = 86_400
# What a rule was looked at for (account, bucket, prefix, days) → when something may be due again.
_quiet_until: dict[tuple[str, str, str, int], float] = {}
_XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"


def install() -> None:
    """Give CloudFormation's bucket the properties that ministack passes over."""
    bucket = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
    bucket.update(
        create=partial(_create, bucket["create"]), update=partial(_update, bucket["update"])
    )


def _create(original: Any, logical_id: str, props: Json, stack_name: str) -> Any:
    created = original(logical_id, props, stack_name)
    _configure(created[0], props, {})
    return created


def _update(original: Any, physical_id: str, old: Json, new: Json, stack_name: str) -> Any:
    updated = original(physical_id, old, new, stack_name)
    _configure(updated[0], new, old)
    return updated


def _configure(name: str, props: Json, old: Json) -> None:
    """Put the lifecycle and the tags of a template where the API does, or take them away."""
    rules = [
        lifecycle_rules.of_template(row)
        for row in props.get("LifecycleConfiguration", {}).get("Rules", [])
    ]
    tags = {"Tags": props.get("Tags", [])}
    for prop, query, content in (
        ("LifecycleConfiguration", "lifecycle", {"LifecycleConfiguration": {"Rules": rules}}),
        ("Tags", "tagging", {"Tagging": {"TagSet": tags}}),
    ):
        if prop in props:
            status, _headers, answer = _ask("PUT", name, query, body=_xml(content))
            if status >= 400:
                reason = fromstring(answer).findtext("Message")  # noqa: S314 - ministack wrote it
                raise ValueError(f"{reason} (Service: S3, Status Code: {status})")
        elif prop in old:
            _ask("DELETE", name, query)


def _ask(method: str, path: str, name: str = "", value: str = "", body: bytes = b"") -> Answer:
    query = {name: [value]} if name else {}
    return completed(s3.handle_request(method, f"/{path}", {}, body, query, internal=True))


def _xml(content: Json) -> bytes:
    """A document; a list ``Rules`` are elements ``Rule``."""
    [(name, inner)] = content.items()
    root = Element(name, xmlns=_XMLNS)
    _fill(root, inner)
    return tostring(root)


def _fill(parent: Element, content: Json) -> None:
    for name, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name.removesuffix("s") if value is not item else name)
            if isinstance(item, dict):
                _fill(child, item)
            else:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)


def expire() -> None:
    """Let the rules of all buckets do what is due now."""
    for (account, name), bucket in list(s3._buckets._data.items()):
        with request_scope(account, bucket.get("region") or get_region()):
            for rule in _rules(name):
                prefix = rule.findtext("{*}Filter/{*}Prefix") or ""
                _expire_objects(rule, name, bucket, prefix)
                _expire_versions(rule, name, prefix)


def _rules(name: str) -> Iterator[Element]:
    """The rules of a bucket that are enabled and choose by prefix."""
    status, _headers, content = _ask("GET", name, "lifecycle")
    for rule in fromstring(content) if status == 200 else ():  # noqa: S314 - ministack wrote it
        by_prefix = all(row.tag.endswith("}Prefix") for row in rule.find("{*}Filter") or ())
        if by_prefix and rule.findtext("{*}Status") == "Enabled":
            yield rule


def _days(rule: Element, path: str) -> int:
    return int(rule.findtext(path) or 0)


def reset() -> None:
    """Look at everything again: the clock was set back."""
    _quiet_until.clear()


def _expire_objects(rule: Element, name: str, bucket: Json, prefix: str) -> None:
    """A year of runs is not looked at every night: only once the oldest object may be due."""
    days, now = _days(rule, "{*}Expiration/{*}Days"), shifted_time.now()
    place = (get_account_id(), name, prefix, days)
    if not days or now < _quiet_until.get(place, 0):
        return
    oldest = now
    for key in list(bucket["objects"]):  # their records are read one by one
        if not key.startswith(prefix):
            continue
        if _is_due(bucket["objects"][key], days):
            _ask("DELETE", f"{name}/{key}")  # of a versioned object this hides the current version
        else:
            oldest = min(oldest, _written(bucket["objects"][key]))
    _quiet_until[place] = oldest + days * _DAY


def _expire_versions(rule: Element, name: str, prefix: str) -> None:
    days = _days(rule, "{*}NoncurrentVersionExpiration/{*}NoncurrentDays")
    alone = rule.findtext("{*}Expiration/{*}ExpiredObjectDeleteMarker") == "true"
    for account, (owner, key) in s3._object_versions._data.notable():
        if (account, owner) != (get_account_id(), name) or not key.startswith(prefix):
            continue
        versions = s3._object_versions[owner, key]
        for version, successor in list(pairwise(versions)) if days else ():
            if _is_due(successor, days):
                _ask("DELETE", f"{name}/{key}", "versionId", version["version_id"])
        if alone and len(versions) == 1 and versions[0].get("is_delete_marker"):
            _ask("DELETE", f"{name}/{key}", "versionId", versions[0]["version_id"])


def _is_due(since: Json, days: int) -> bool:
    return lifecycle_rules.is_due(_written(since), days, shifted_time.now())


def _written(record: Json) -> float:
    return datetime.fromisoformat(record["last_modified"]).timestamp()
