"""A full disk: a write that cannot be kept is refused, and never acknowledged.

ministack logs that it could not write an object, and answers 200. Here a request that would change
something is refused while hardly any space is left, and one that could not be written after all
(a quota, say) is answered with an error and forgotten.
"""

import contextvars
import os
import shutil
from pathlib import Path
from typing import Any

from ministack.services import s3

from toolkit.local.ministack.replacing.replacements import replaces

from . import snapshots

_RESERVE = 16 * 1024 * 1024  # what the state itself may need
_CHECKED = Path(os.environ.get("S3_DATA_DIR", "."))
MESSAGE = "the disk of this machine is full: nothing more can be stored"
_failures: contextvars.ContextVar[list[str]] = contextvars.ContextVar("failed_writes")


@replaces("services.s3._atomic_write")
def _atomic_write(original: Any, path: str, *args: Any, **more: Any) -> None:
    try:
        original(path, *args, **more)
    except OSError:
        _failures.get([]).append(path)
        raise


@replaces("services.s3._persist_object")
def _persist_object(original: Any, bucket: str, key: str, obj: Any) -> None:
    failures = _failures.get([])
    known = len(failures)
    original(bucket, key, obj)
    path = s3._object_disk_path(bucket, key)
    if path is not None and not Path(path).exists():
        failures.append(path)
    if len(failures) > known:
        _forget(bucket, key, obj)
    else:
        _forget_contents(bucket, key)


def _forget_contents(bucket: str, key: str) -> None:
    """Leave the contents of an object's versions to their files."""
    for version in s3._object_versions.get((bucket, key)) or ():
        if "data" in version:
            version["data"] = None


def _forget(bucket: str, key: str, obj: Any) -> None:
    """Take an object out of memory again: the next request shall not find it."""
    versions = s3._object_versions.get((bucket, key)) or []
    versions[:] = [row for row in versions if row.get("version_id") != obj.get("version_id")]
    objects = s3._buckets[bucket]["objects"]
    if objects.get(key) is obj:
        del objects[key]


def watch() -> list[str]:
    """A list of what cannot be written from here on, in what serves this request."""
    failures: list[str] = []
    _failures.set(failures)
    return failures


def is_full(length: int) -> bool:
    """Whether a request of that length is too much for what is left."""
    home = _CHECKED if _CHECKED.exists() else snapshots.DIRECTORY
    return shutil.disk_usage(home).free < _RESERVE + 2 * length
