"""A full disk: an error, never an acknowledged write."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient
from toolkit.core.errors import ToolkitError

from .rehearsal import Rehearsal

FULL = "the disk of this machine is full"


def put(s3: Any, key: str, content: bytes) -> bool:
    try:
        s3.put_object(Bucket="bucket", Key=key, Body=content, IfNoneMatch="*")
    except ClientError as error:
        assert FULL in str(error)  # noqa: PT017 - it may be refused, and must say why
        return False
    return True


@pytest.fixture
def small(project_factory: Callable[[str], Path]) -> Iterator[Rehearsal]:
    """An engine whose state stands on a disk of 64 MB."""
    root = project_factory("small")
    home = root / ".toolkit" / "local"
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(home)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        info = engine.ensure_running(root, print)
        try:
            yield Rehearsal(info, root)
        finally:
            EngineClient(engine.running(root) or info).stop(root)
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def test_what_cannot_be_kept_is_refused_and_what_was_told_stays(small: Rehearsal) -> None:
    s3 = small.aws("s3", retries={"total_max_attempts": 1})
    kept: list[str] = []
    s3.create_bucket(Bucket="bucket")
    while put(s3, f"{len(kept)}", bytes(2**21)):
        kept.append(f"{len(kept)}")
    assert 4 < len(kept) < 32
    home = small.root / ".toolkit" / "local"
    (home / "filler").write_bytes(bytes(shutil.disk_usage(home).free - 2**23))
    with pytest.raises(ClientError, match=FULL):
        small.aws("sqs", retries={"total_max_attempts": 1}).create_queue(QueueName="q")
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="bucket")["Contents"]] == sorted(kept)
    small.engine.stop(small.root)
    again = Rehearsal(engine.ensure_running(small.root, print), small.root)
    for key in kept:
        found = again.aws("s3").get_object(Bucket="bucket", Key=key)["Body"].read()
        assert found == bytes(2**21)
    again.engine.stop(small.root)
    (home / "last").write_bytes(bytes(max(0, shutil.disk_usage(home).free - 2**19)))
    with pytest.raises(ToolkitError, match="is full"):
        engine.ensure_running(small.root, print)
    (home / "last").unlink()
    (home / "filler").unlink()
    again = Rehearsal(engine.ensure_running(small.root, print), small.root)
    again.aws("s3").put_object(Bucket="bucket", Key="small", Body=b"")


def test_a_write_that_fails_after_all_is_no_object(small: Rehearsal) -> None:
    """Something is in the way of its file, as a quota or a broken disk would be."""
    s3 = small.aws("s3", retries={"total_max_attempts": 1})
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="before", Body=b"")
    [before] = (small.root / ".toolkit" / "local" / "s3").rglob("before")
    (before.parent / "after.tmp").mkdir()
    with pytest.raises(ClientError, match=FULL):
        s3.put_object(Bucket="bucket", Key="after", Body=b"", IfNoneMatch="*")
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="bucket")["Contents"]] == ["before"]
    (before.parent / "before.tmp").mkdir()
    with pytest.raises(ClientError, match=FULL):
        s3.put_object(Bucket="bucket", Key="before", Body=b"anew")
    (before.parent / "after.tmp").rmdir()
    s3.put_object(Bucket="bucket", Key="after", Body=b"", IfNoneMatch="*")
