"""One deployment of an app at a time: an object in its bucket that only one writer can make.

CloudFormation lets one change set of a stack win, but a deployment is many stacks: two at once
could leave the workloads of one and the schedules of the other. So a deployment that has something
to change takes the lock first. S3 refuses a second writer (``If-None-Match: *``), and lets exactly
one take over an expired lock (``If-Match`` with its ETag).
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
"""

import getpass
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.adapters.aws.session import Aws, translated
from toolkit.runtime import documents
from toolkit.runtime.contract import format_time
from toolkit.runtime.documents import DocumentError
from toolkit.runtime.layout import DEPLOY_LOCK

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LIFETIME = timedelta(minutes=15)  # renewed with every layer
_POLL_SECONDS = 2.0
_UNKNOWN = f"somebody ({DEPLOY_LOCK} cannot be read)"
_MAX_BYTES = 4096  # of a lock: more is none
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
_GONE = frozenset({"NoSuchKey", "404"})


@frozen
class Owner:
    """Who deploys: a process of a user on a machine."""

    user: str
    host: str
    pid: int

    def __str__(self) -> str:
        return f"{self.user} on {self.host} (process {self.pid})"

    @property
    def ended(self) -> bool:
        """Whether it was a process of this machine that is no more."""
        proc = Path("/proc")
        here = self.host == socket.gethostname() and (proc / "self").exists()
        return here and not (proc / str(self.pid)).exists()


def this_process() -> Owner:
    """The owner of the locks that this process takes."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        user = str(os.getuid())
    return Owner(user, socket.gethostname(), os.getpid())


class DeployLock:
    """The lock of one bucket; taken when it is first needed, released at the end."""

    def __init__(
        self,
        aws: Aws,
        bucket: str,
        *,
        owner: Owner | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client: S3Client = aws.client("s3")
        self._bucket = bucket
        self._owner = owner or this_process()
        self._sleep = sleep
        self._clock = clock
        self._poll = 0.1 if aws.endpoint.url else _POLL_SECONDS
        self._etag: str | None = None

    @property
    def held(self) -> bool:
        """Whether this process holds it."""
        return self._etag is not None

    def acquire(self, say: Callable[[str], None]) -> None:
        """Take the lock, or renew it; waits while another deployment holds it.

        How old a lock is, S3's own clock says, whatever those of two machines show. An object that
        cannot be read counts as held until it is as old.
        """
        told = False
        while not self._take():
            found = self._read()
            if found is None:
                continue
            owner, left, etag = found
            if left <= timedelta() or (owner is not None and owner.ended):
                self._etag = etag  # the next try replaces it, if nobody else has done so by then
                continue
            if not told:
                until = self._clock() + left
                say(f"{owner or _UNKNOWN} deploys; waiting for it, until {until:%H:%M:%S}Z at most")
                told = True
            self._sleep(self._poll)

    def release(self) -> None:
        """Give the lock back; one that somebody took over is left alone."""
        from botocore.exceptions import ClientError

        if self._etag is None:
            return
        with translated(f"s3://{self._bucket}/{DEPLOY_LOCK}"):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=DEPLOY_LOCK, IfMatch=self._etag)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _LOST | _GONE:
                    raise
        self._etag = None

    @contextmanager
    def held_by(self, say: Callable[[str], None]) -> Iterator[None]:
        """Hold the lock for a block."""
        self.acquire(say)
        try:
            yield
        finally:
            self.release()

    def _take(self) -> bool:
        from botocore.exceptions import ClientError

        condition: Any = {"IfMatch": self._etag} if self._etag else {"IfNoneMatch": "*"}
        until = format_time(self._clock() + LIFETIME)
        owner = self._owner
        text = json.dumps(
            {"user": owner.user, "host": owner.host, "pid": owner.pid, "until": until}
        )
        with translated(f"s3://{self._bucket}/{DEPLOY_LOCK}"):
            try:
                answer = self._client.put_object(
                    Bucket=self._bucket, Key=DEPLOY_LOCK, Body=text.encode(), **condition
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _LOST | _GONE:
                    self._etag = None
                    return False
                raise
        self._etag = answer["ETag"]
        return True

    def _read(self) -> tuple[Owner | None, timedelta, str] | None:
        """Who holds the lock, for how long it holds yet, and its ETag; None where it is free."""
        from botocore.exceptions import ClientError

        with translated(f"s3://{self._bucket}/{DEPLOY_LOCK}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=DEPLOY_LOCK)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _GONE:
                    return None
                raise
            content = answer["Body"].read(_MAX_BYTES + 1)
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return _owner(content), LIFETIME - (now - answer["LastModified"]), answer["ETag"]


def _owner(content: bytes) -> Owner | None:
    """Who wrote a lock; None for what is none."""
    try:
        return documents.read(Owner, documents.load(content[:_MAX_BYTES], "lock"), "lock")
    except DocumentError:
        return None
