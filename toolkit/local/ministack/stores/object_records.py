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
    s3._object_versions._data = SpilledDict(s3._object_versions._data.items())


def _spilled(_name: Any, bucket: dict[str, Any]) -> dict[str, Any]:
    bucket["objects"] = SpilledDict(bucket["objects"].items())
    return bucket
