"""S3 as the store, with S3 at its worst: slow, silent, forbidding."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto import mock_aws
from moto.server import ThreadedMotoServer

from tests.functional.runtime.harness import RUN_ID, launch
from toolkit.runtime.contract import LeaseReport, LeaseState, Manifest, Outcome
from toolkit.runtime.lease import HeldLease, new_lease
from toolkit.runtime.sink import DirectorySink, S3Sink, SinkError, open_sink, s3_client

BUCKET = "app-data"
KEY = f"runs/probe/{RUN_ID}/claim.json"
TEXT = b"a,b\n1,2\n"
DIGEST = hashlib.sha256(TEXT).digest()


class Faults:
    """Answers that stand in for those of S3: one a call, in order, until none is left."""

    def __init__(self, client: Any) -> None:
        self.calls = 0
        self.requests: list[AWSPreparedRequest] = []
        self._before: list[tuple[AWSResponse, Any] | Exception] = []
        self._after: list[Exception] = []
        client.meta.events.register_first("before-call.s3", self._call)
        client.meta.events.register_first("before-send.s3", self._send)
        client.meta.events.register_first("after-call.s3", self._answer)

    def refuse(self, status: int, code: str) -> None:
        """S3 answers with an error."""
        told = {
            "Error": {"Code": code, "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        self._before.append((AWSResponse("https://s3", status, {}, None), told))

    def cut(self, error: Exception) -> None:
        """The request does not arrive."""
        self._before.append(error)

    def lose(self, error: Exception) -> None:
        """The request arrives and is carried out; its answer is lost."""
        self._after.append(error)

    def _call(self, **_: object) -> tuple[AWSResponse, Any] | None:
        self.calls += 1
        fault = self._before.pop(0) if self._before else None
        if isinstance(fault, Exception):
            raise fault
        return fault

    def _send(self, request: AWSPreparedRequest, **_: object) -> None:
        self.requests.append(request)

    def _answer(self, **_: object) -> None:
        if self._after:
            raise self._after.pop(0)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client: Any = s3_client()
        client.create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        yield client


@pytest.fixture
def faults(client: Any) -> Faults:
    return Faults(client)


@pytest.fixture
def sink(client: Any) -> S3Sink:
    return S3Sink(BUCKET, client)


def put(sink: S3Sink, content: bytes | Path = TEXT) -> None:
    sink.put("runs/table.csv", content, media_type="text/csv", sha256=DIGEST)


def timeout() -> ReadTimeoutError:
    return ReadTimeoutError(endpoint_url="https://s3")


def test_the_first_claim_wins_and_stays(sink: S3Sink) -> None:
    assert sink.create(KEY, b"first")
    assert not sink.create(KEY, b"second")
    assert sink.read(KEY) == b"first"


def test_a_claim_is_conditional_and_carries_a_digest(sink: S3Sink, faults: Faults) -> None:
    sink.create(KEY, TEXT)
    [request] = faults.requests
    assert request.headers["If-None-Match"] == b"*"
    told = {name.lower() for name in request.headers}
    assert told & {"x-amz-checksum-sha256", "x-amz-trailer"}


def test_a_claim_whose_answer_was_lost_reads_back_as_our_own(sink: S3Sink, faults: Faults) -> None:
    faults.lose(timeout())
    assert not sink.create(KEY, b"ours")
    assert sink.read(KEY) == b"ours"
    assert faults.calls == 3


@pytest.mark.parametrize("size", [0, 64 * 1024, 64 * 1024 + 1, 17 * 1024 * 1024])
def test_what_is_too_large_for_a_lease_counts_as_held_until_it_is_stale(
    sink: S3Sink, client: Any, size: int
) -> None:
    def date(parsed: Any, **_: object) -> None:  # moto tells none here
        parsed["ResponseMetadata"]["HTTPHeaders"]["date"] = formatdate(usegmt=True)

    client.meta.events.register("after-call.s3.GetObject", date)
    key = "running/probe.json"
    client.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)
    run = HeldLease(sink, key, new_lease(RUN_ID, "task", "now"), lambda _: None)
    assert run.take() == LeaseReport(LeaseState.REFUSED)
    found = sink.look(key)
    assert found is not None
    assert len(found.content) == (size if size <= 64 * 1024 else 0)


def test_two_conditional_writes_that_meet_are_asked_again(sink: S3Sink, faults: Faults) -> None:
    faults.refuse(409, "ConditionalRequestConflict")
    assert sink.create(KEY, b"ours")


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (429, "TooMany"), (400, "RequestTimeout")],
)
def test_a_busy_store_is_asked_again(
    status: int, code: str, sink: S3Sink, faults: Faults, client: Any
) -> None:
    faults.refuse(status, code)
    faults.refuse(status, code)
    put(sink)
    assert faults.calls == 3
    assert client.get_object(Bucket=BUCKET, Key="runs/table.csv")["Body"].read() == TEXT


@pytest.mark.parametrize(
    "error",
    [
        timeout(),
        ConnectTimeoutError(endpoint_url="https://s3"),
        ConnectionClosedError(endpoint_url="https://s3"),
        EndpointConnectionError(endpoint_url="https://s3"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_connection_is_tried_again(error: Exception, sink: S3Sink, faults: Faults) -> None:
    faults.cut(error)
    put(sink)
    assert faults.calls == 2


def test_a_file_is_sent_whole_again_after_a_failure(
    sink: S3Sink, faults: Faults, client: Any, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(TEXT)
    faults.lose(timeout())
    put(sink, path)
    assert client.get_object(Bucket=BUCKET, Key="runs/table.csv")["Body"].read() == TEXT


def test_every_object_is_sent_with_its_digest_and_media_type(
    sink: S3Sink, faults: Faults, client: Any
) -> None:
    put(sink)
    [request] = faults.requests
    assert request.headers["x-amz-checksum-sha256"] == base64.b64encode(DIGEST)
    head = client.head_object(Bucket=BUCKET, Key="runs/table.csv")
    assert head["ContentType"] == "text/csv"


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (put, "AccessDenied"),
        (put, "BadDigest"),
        (put, "NoSuchBucket"),
        (lambda sink: sink.create(KEY, b"ours"), "AccessDenied"),
        (lambda sink: sink.read(KEY), "AccessDenied"),
    ],
)
def test_a_refusal_is_not_tried_again_and_names_the_key(
    call: Callable[[S3Sink], object], code: str, sink: S3Sink, faults: Faults
) -> None:
    faults.refuse(403 if code == "AccessDenied" else 400, code)
    with pytest.raises(SinkError, match=rf"s3://{BUCKET}/runs/.*: {code}: no"):
        call(sink)
    assert faults.calls == 1


def test_patience_ends(client: Any, faults: Faults) -> None:
    for _ in range(100):
        faults.refuse(503, "SlowDown")
    with pytest.raises(SinkError, match="SlowDown"):
        put(S3Sink(BUCKET, client, patience_seconds=2.0))
    assert 1 < faults.calls < 100


def test_reading_what_is_not_there_is_an_error(sink: S3Sink) -> None:
    with pytest.raises(SinkError, match="NoSuchKey"):
        sink.read(KEY)


def test_a_bucket_is_s3_and_a_file_address_a_directory(client: Any, tmp_path: Path) -> None:
    assert isinstance(open_sink(BUCKET), S3Sink)
    assert isinstance(open_sink(f"file://{tmp_path}"), DirectorySink)


def test_the_client_makes_one_attempt_and_gives_up_a_silent_store(client: Any) -> None:
    config = client.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (5, 30)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_whole_run_against_s3_in_a_process_of_its_own(endpoint: str, tmp_path: Path) -> None:
    aws = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
    }
    client: Any = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=BUCKET)
    with launch("two_artifacts", tmp_path, **aws, BUCKET=BUCKET) as running:
        first = running.end()
    with launch("two_artifacts", tmp_path, **aws, BUCKET=BUCKET) as running:
        second = running.end()
    assert (first.exit_code, first.events[-1]) == (0, "run.finished")
    assert (second.exit_code, second.events) == (0, ["run.duplicate"])
    keys = [row["Key"] for row in client.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == [
        f"ledger/probe/{RUN_ID}.succeeded.json",
        f"runs/probe/{RUN_ID}/big.bin",
        KEY,
        f"runs/probe/{RUN_ID}/table.csv",
    ]
    manifest = Manifest.from_json(client.get_object(Bucket=BUCKET, Key=keys[0])["Body"].read())
    assert manifest.outcome is Outcome.SUCCEEDED
    assert manifest.log_lines == len(first.lines)
    client.close()
