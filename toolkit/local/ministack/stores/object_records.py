"""What S3 knows of objects and versions, but for a few in a temporary file.

The files that ministack keeps beside each object have all of it: they are read at the start.
"""

from typing import Any

from ministack.services import s3

from toolkit.local.ministack.replacing.converted import Converted
from toolkit.local.ministack.upstream.spilled import SpilledDict


def install() -> None:
    """Put dicts of ours in the place of ministack's."""
    s3._buckets._data = Converted(_spilled, s3._buckets._data)
    s3._object_versions._data = SpilledDict(s3._object_versions._data.items(), _may_expire)


def _may_expire(versions: list[dict[str, Any]]) -> bool:
    """Whether a lifecycle rule may find a version to remove; of most keys there is one alone."""
    return len(versions) > 1 or any(row.get("is_delete_marker") for row in versions)


def _spilled(_name: Any, bucket: dict[str, Any]) -> dict[str, Any]:
    bucket["objects"] = SpilledDict(bucket["objects"].items())
    return bucket
