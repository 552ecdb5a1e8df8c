"""Where a run persists: an S3 bucket, or a directory for a run without AWS.

The only module of the image that talks to AWS. Tenacity retries single API calls, never a task.
"""

import base64
import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from attrs import frozen

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client
    from tenacity import RetryCallState

_T = TypeVar("_T")
# S3 answers 409 when two conditional writes of one key meet: ask again, then one of them gets 412.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_TRANSIENT = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "RequestTimeout",
        "RequestTimeTooSkewed",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
    }
)
_PATIENCE_SECONDS = 60.0
_LEAST_TRIES = 3
_MAX_READ_BYTES = 16 * 1024 * 1024  # of a claim or a manifest
_MAX_LEASE_BYTES = 64 * 1024  # one has some hundred bytes


class SinkError(Exception):
    """The store refused or could not be reached; the message names the key and the reason."""


@frozen
class StoredLease:
    """An object as the store shows it: ``age_seconds`` by the store's own clock.

    ``content`` is empty where it is too large to be a lease.
    """

    content: bytes
    etag: str
    age_seconds: float


class Sink(Protocol):
    """What a run needs of its store."""

    def create(self, key: str, content: bytes) -> bool:
        """Write ``key`` only if it does not exist; False if it does (HTTP 412)."""

    def read(self, key: str) -> bytes:
        """The content of ``key``."""

    def put(self, key: str, content: bytes | Path, *, media_type: str, sha256: bytes) -> None:
        """Write ``key``; the store refuses content that does not have the digest ``sha256``."""


class DirectorySink:
    """A directory as the store: the same keys as paths, for a laptop and for tests.

    As in S3, nobody sees a part of an object: each is written beside its place and put there whole.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, key: str, content: bytes) -> bool:
        """Write ``key`` only if it does not exist."""
        path = self._path(key)
        with _beside(path) as whole:
            whole.write_bytes(content)
            try:
                os.link(whole, path)
            except FileExistsError:
                return False
        return True

    def read(self, key: str) -> bytes:
        """The content of ``key``."""
        return self._path(key).read_bytes()

    def look(self, key: str) -> StoredLease | None:
        """The object at ``key``, with its digest as its ETag; None where there is none."""
        path = self._path(key)
        try:
            content = path.read_bytes()
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            return None
        return StoredLease(content, hashlib.sha256(content).hexdigest(), age)

    def replace(self, key: str, content: bytes, etag: str | None) -> str | None:
        """Write ``key`` if it is absent (no ``etag``) or still is as ``etag`` says."""
        import fcntl

        with self._path(f"{key}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            stored = self.look(key)
            if (stored.etag if stored else None) != etag:
                return None
            self.put(key, content, media_type="", sha256=b"")
        return hashlib.sha256(content).hexdigest()

    def put(self, key: str, content: bytes | Path, *, media_type: str, sha256: bytes) -> None:
        """Write ``key``; a directory keeps neither media type nor digest."""
        del media_type, sha256
        path = self._path(key)
        with _beside(path) as whole:
            if isinstance(content, Path):
                import shutil

                shutil.copyfile(content, whole)
            else:
                whole.write_bytes(content)
            whole.replace(path)

    def _path(self, key: str) -> Path:
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A path in the same folder for what is not whole yet; nothing is left there afterwards."""
    whole = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield whole
    finally:
        whole.unlink(missing_ok=True)


class S3Sink:
    """An S3 bucket as the store.

    ``put_object`` takes up to 5 GiB an object, which bounds one artifact.
    """

    def __init__(
        self,
        bucket: str,
        client: "S3Client | None" = None,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._bucket = bucket
        self._client = client or s3_client()
        self._patience_seconds = patience_seconds
        self._sleep = sleep

    def create(self, key: str, content: bytes) -> bool:
        """Write ``key`` with ``If-None-Match: *``.

        False may also mean that our own first write arrived and its answer was lost: the caller
        reads the object to tell.
        """
        from botocore.exceptions import ClientError

        def call() -> object:
            return self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
                IfNoneMatch="*",
            )

        try:
            self._call(key, call, expected={"PreconditionFailed"})
        except ClientError:
            return False
        return True

    def read(self, key: str) -> bytes:
        """The content of ``key``."""

        def call() -> bytes:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            if answer["ContentLength"] > _MAX_READ_BYTES:
                size = f"{answer['ContentLength']:,} bytes, more than {_MAX_READ_BYTES:,}"
                raise SinkError(f"s3://{self._bucket}/{key} has {size}")
            return answer["Body"].read()

        return self._call(key, call)

    def look(self, key: str) -> StoredLease | None:
        """The object at ``key`` and its age by S3's clock; None where there is none."""
        from botocore.exceptions import ClientError

        def call() -> StoredLease:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            body = answer["Body"]
            content = body.read() if answer["ContentLength"] <= _MAX_LEASE_BYTES else b""
            body.close()
            now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
            age = (now - answer["LastModified"]).total_seconds()
            return StoredLease(content, answer["ETag"], age)

        try:
            return self._call(key, call, expected={"NoSuchKey"})
        except ClientError:
            return None

    def replace(self, key: str, content: bytes, etag: str | None) -> str | None:
        """Write ``key`` with ``If-None-Match: *``, or with ``If-Match`` on its ETag."""
        from botocore.exceptions import ClientError

        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}

        def call() -> str:
            arguments: dict[str, Any] = {
                "Bucket": self._bucket,
                "Key": key,
                "Body": content,
                "ContentType": "application/json",
                "ChecksumAlgorithm": "SHA256",
                **condition,
            }
            return self._client.put_object(**arguments)["ETag"]

        try:
            # S3 answers NoSuchKey where If-Match finds nothing.
            return self._call(key, call, expected={"PreconditionFailed", "NoSuchKey"})
        except ClientError:
            return None

    def put(self, key: str, content: bytes | Path, *, media_type: str, sha256: bytes) -> None:
        """Write ``key``; S3 checks and records the SHA-256.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
        """
        checksum = base64.b64encode(sha256).decode()

        def call() -> object:
            arguments: dict[str, Any] = {
                "Bucket": self._bucket,
                "Key": key,
                "ContentType": media_type,
                "ChecksumSHA256": checksum,
            }
            if isinstance(content, Path):
                with content.open("rb") as body:
                    return self._client.put_object(Body=body, **arguments)
            return self._client.put_object(Body=content, **arguments)

        self._call(key, call)

    def _call(
        self, key: str, call: Callable[[], _T], *, expected: Collection[str] = frozenset()
    ) -> _T:
        """One API call, repeated while its failure is transient and our patience lasts.

        An error with one of the codes ``expected`` is raised as it is; others as SinkError.
        """
        import tenacity
        from botocore.exceptions import BotoCoreError, ClientError

        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_transient),
            wait=tenacity.wait_random_exponential(multiplier=0.2, max=8),
            stop=_Patience(self._patience_seconds),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(call)
        except ClientError as error:
            if _code(error) in expected:
                raise
            raise SinkError(f"s3://{self._bucket}/{key}: {_describe(error)}") from error
        except BotoCoreError as error:
            raise SinkError(f"s3://{self._bucket}/{key}: {error}") from error


class _Patience:
    """When to give up a call that keeps failing: so many seconds after its first failure.

    How long a try takes is not held against it: a large upload may be cut off after minutes.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: float | None = None

    def __call__(self, state: "RetryCallState") -> bool:
        now = state.outcome_timestamp or 0.0
        self._since = now if self._since is None else self._since
        return now - self._since >= self._seconds and state.attempt_number >= _LEAST_TRIES


def write_once(sink: Sink, key: str, content: bytes) -> bool:
    """Whether ``key`` holds our content, written now or by a try whose answer was lost."""
    try:
        if sink.create(key, content):
            return True
    except SinkError:
        # The answer to a write that arrived may never have come.
        with suppress(SinkError):
            if sink.read(key) == content:
                return True
        raise
    return sink.read(key) == content


def open_sink(bucket: str) -> Sink:
    """The store that ``BUCKET`` names: a bucket, or ``file:///directory``."""
    if bucket.startswith("file://"):
        return DirectorySink(Path(bucket.removeprefix("file://")))
    return S3Sink(bucket)


def s3_client() -> "S3Client":
    """A client of S3, with the credentials and in the region of the task.

    It comes from botocore, on which boto3's clients rest: boto3 would also import its transfers and
    resources, which take a fifth of the CPU of a short run and do nothing here.
    """
    from botocore.config import Config
    from botocore.session import get_session

    # Retries are tenacity's; two layers of them would multiply.
    config = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=4,
    )
    logging.getLogger("botocore").setLevel(logging.WARNING)
    return cast("S3Client", get_session().create_client("s3", config=config))


def _code(error: "ClientError") -> str:
    return error.response.get("Error", {}).get("Code", "")


def _describe(error: "ClientError") -> str:
    detail = error.response.get("Error", {})
    return f"{detail.get('Code', 'error')}: {detail.get('Message', '')}"


def _transient(error: BaseException) -> bool:
    from botocore.exceptions import (
        ClientError,
        ConnectionError,  # noqa: A004 - botocore's: no connection, or not in time
        HTTPClientError,
        IncompleteReadError,
    )

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(error) in _TRANSIENT or status in {429, 500, 502, 503, 504}
    return isinstance(error, (ConnectionError, HTTPClientError, IncompleteReadError))
