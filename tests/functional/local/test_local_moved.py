"""A project that is moved, copied, linked or deleted while its embedded AWS runs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.processes import alive, family
from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo
from toolkit.core.errors import RunError

from .own import run_sleeper
from .rehearsal import Rehearsal, eventually


def contents(own: Rehearsal) -> bytes:
    body: bytes = own.aws("s3").get_object(Bucket="kept", Key="key")["Body"].read()
    return body


def put(own: Rehearsal, text: bytes) -> None:
    own.aws("s3").put_object(Bucket="kept", Key="key", Body=text)


def has_ended(processes: list[int]) -> None:
    eventually(lambda: not alive(processes))


def test_a_project_that_was_moved_has_all_that_was_acknowledged(
    own: Rehearsal, tmp_path: Path
) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    run_sleeper(own, tmp_path)
    all_of_it = family(own.info.pid)
    put(own, b"before")
    own.aws("logs").create_log_group(logGroupName="/before")
    moved = own.root.rename(tmp_path / "moved")
    put(own, b"after")
    has_ended(all_of_it)
    assert not own.root.exists()
    again = Rehearsal(engine.ensure_running(moved, print), moved)
    try:
        assert contents(again) == b"after"
        groups = again.aws("logs").describe_log_groups()["logGroups"]
        assert [row["logGroupName"] for row in groups] == ["/before"]
        assert again.info.access_key == own.info.access_key
    finally:
        again.engine.stop(moved)


def test_a_project_that_was_deleted_leaves_nothing(own: Rehearsal) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    all_of_it = family(own.info.pid)
    # It writes meanwhile, for a moment.
    eventually(lambda: shutil.rmtree(own.root, ignore_errors=True) or not own.root.exists())
    has_ended(all_of_it)
    assert not own.root.exists()


def test_a_copy_has_an_engine_and_keys_of_its_own(own: Rehearsal, tmp_path: Path) -> None:
    own.aws("s3").create_bucket(Bucket="kept")
    put(own, b"original")
    eventually(lambda: (engine.directory(own.root) / "state" / "s3.json").exists())
    copy = shutil.copytree(own.root, tmp_path / "copy", symlinks=True)
    assert engine.running(copy) is None
    second = Rehearsal(engine.ensure_running(copy, print), copy)
    try:
        assert contents(second) == b"original"
        put(second, b"copy")
        assert contents(own) == b"original"
        assert engine.running(own.root) == own.info
        assert_refused(own.info, second.info.endpoint_url)
        assert_refused(second.info, own.info.endpoint_url)
    finally:
        second.engine.stop(copy)


def assert_refused(info: EngineInfo, endpoint: str) -> None:
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=info.region,
        aws_access_key_id=info.access_key,
        aws_secret_access_key=info.secret_key,
    )
    with pytest.raises(ClientError):
        s3.list_buckets()


def test_a_copy_that_shares_its_files_is_refused(own: Rehearsal, tmp_path: Path) -> None:
    home = engine.directory(own.root)
    linked = engine.directory(tmp_path / "linked")
    linked.mkdir(parents=True)
    for name in ("lock", "engine.json"):
        (linked / name).hardlink_to(home / name)
    with pytest.raises(RunError, match="shares its files with the embedded AWS of another project"):
        engine.ensure_running(tmp_path / "linked", print)
    assert engine.running(own.root) == own.info


def test_a_link_to_a_project_leads_to_its_engine(own: Rehearsal, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(own.root)
    assert engine.running(link) == own.info


def test_a_project_that_was_moved_while_nothing_ran_goes_on(
    project_factory: Callable[[str], Path], tmp_path: Path
) -> None:
    root = project_factory("resting")
    first = Rehearsal(engine.ensure_running(root, print), root)
    first.aws("s3").create_bucket(Bucket="kept")
    put(first, b"rested")
    first.engine.stop(root)
    moved = root.rename(tmp_path / "rested")
    again = Rehearsal(engine.ensure_running(moved, print), moved)
    assert contents(again) == b"rested"
    EngineClient(again.info).stop(moved)
