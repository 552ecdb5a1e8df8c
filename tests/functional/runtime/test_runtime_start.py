"""What a task has loaded, and how it collects garbage, when its work begins."""

import os
import subprocess
import sys
from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.functional.runtime.harness import PATIENCE_SECONDS, RUN_ID, environment
from toolkit.runtime.contract import Manifest

BUCKET = "start-data"  # all moto servers of a process share their buckets
CATALOG = """
[workloads.probe]
summary = "Say what is loaded"
entry_point = "workloads.probe:run"
cpu = 256
memory = 512
max_runtime_seconds = 600
"""
CODE = """
import gc
import sys

from toolkit.runtime import Result


def run(settings, run):
    modules = sorted({name.partition(".")[0] for name in sys.modules})
    return Result({"modules": modules, "collects": gc.isenabled(), "kept": gc.get_freeze_count()})
"""
AWS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def manifest(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The manifest of a run that `python -m toolkit.runtime` made of the probe."""
    root = tmp_path_factory.mktemp("image")
    (root / "workloads").mkdir()
    for name, text in (("__init__.py", ""), ("catalog.toml", CATALOG), ("probe.py", CODE)):
        (root / "workloads" / name).write_text(text)
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    s3.create_bucket(Bucket=BUCKET)
    more = {"PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": endpoint, "BUCKET": BUCKET}
    subprocess.run(
        [sys.executable, "-m", "toolkit.runtime"],
        cwd=root,
        env={**environment(root), **AWS, **more},
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    answer = s3.get_object(Bucket=BUCKET, Key=f"ledger/probe/{RUN_ID}.succeeded.json")
    return Manifest.from_json(answer["Body"].read())


def test_work_begins_with_a_client_of_s3_but_without_boto3(manifest: Manifest) -> None:
    modules = manifest.metrics["modules"]
    assert isinstance(modules, list)
    assert "botocore" in modules
    assert {"boto3", "s3transfer", "multiprocessing"}.isdisjoint(modules)


def test_garbage_is_collected_from_the_beginning_of_the_work(manifest: Manifest) -> None:
    assert manifest.metrics["collects"] is True


def test_what_was_imported_before_the_work_is_not_looked_through_again(manifest: Manifest) -> None:
    kept = manifest.metrics["kept"]
    assert isinstance(kept, int)
    assert kept > 10_000
