"""The lock of a deployment, on a fake of S3 with conditional writes."""

import getpass
import io
import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from toolkit.adapters.bucket.lock import LIFETIME, DeployLock, Owner
from toolkit.runtime.layout import DEPLOY_LOCK

START = datetime(2026, 11, 24, 5, tzinfo=UTC)


class Clock:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=60)


class Store:
    """One key of S3; every write has an ETag of its own."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.writes = 0
        self.clock = Clock()  # S3's own
        self.modified = START

    @property
    def etag(self) -> str:
        return f'"{self.writes}"'

    def put_object(self, Body: bytes, **given: Any) -> dict[str, str]:  # noqa: N803
        assert given["Key"] == DEPLOY_LOCK
        if given.get("IfNoneMatch") == "*" and self.body is not None:
            raise self._refused("PreconditionFailed")
        if "IfMatch" in given and self.body is None:
            raise self._refused("NoSuchKey")
        if "IfMatch" in given and given["IfMatch"] != self.etag:
            raise self._refused("PreconditionFailed")
        self.body, self.modified = Body, self.clock()
        self.writes += 1
        return {"ETag": self.etag}

    def get_object(self, **_: Any) -> dict[str, Any]:
        if self.body is None:
            raise self._refused("NoSuchKey")
        headers = {"HTTPHeaders": {"date": format_datetime(self.clock(), usegmt=True)}}
        body, meta = io.BytesIO(self.body), {"ResponseMetadata": headers}
        return {"Body": body, "ETag": self.etag, "LastModified": self.modified, **meta}

    def delete_object(self, **given: Any) -> None:
        if self.body is None:
            raise self._refused("NoSuchKey")
        if given["IfMatch"] != self.etag:
            raise self._refused("PreconditionFailed")
        self.body = None

    def _refused(self, code: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": code}}, "S3")


class Aws:
    """The door to the fake."""

    class endpoint:  # noqa: N801 - as the adapter reads it
        url = None

    def __init__(self, store: Store) -> None:
        self._store = store

    def client(self, _service: str) -> Store:
        return self._store


def lock(store: Store, clock: Clock, owner: Owner, behind: timedelta = timedelta()) -> DeployLock:
    """The lock as a machine sees it whose clock is so much behind that of S3."""
    aws: Any = Aws(store)
    store.clock = clock
    return DeployLock(
        aws, "bucket", owner=owner, sleep=clock.sleep, clock=lambda: clock.now - behind
    )


ANN, BOB, CAY = Owner("ann", "one", 1), Owner("bob", "two", 2), Owner("cay", "three", 3)


def holder(store: Store) -> str | None:
    return json.loads(store.body)["user"] if store.body else None


def test_a_lock_that_is_given_back_is_free() -> None:
    store, clock = Store(), Clock()
    made = lock(store, clock, ANN)
    made.acquire(print)
    assert holder(store) == "ann"
    made.release()
    assert holder(store) is None
    made.release()


def test_an_owner_that_never_comes_back_is_waited_for_until_its_time_is_over() -> None:
    store, clock = Store(), Clock()
    lock(store, clock, ANN).acquire(print)
    said: list[str] = []
    lock(store, clock, BOB).acquire(said.append)
    assert holder(store) == "bob"
    assert clock.now == START + LIFETIME
    assert said == ["ann on one (process 1) deploys; waiting for it, until 05:15:00Z at most"]


@pytest.mark.parametrize("behind", [timedelta(days=-1), timedelta(days=1)])
def test_a_machine_whose_clock_is_wrong_waits_as_long(behind: timedelta) -> None:
    store, clock = Store(), Clock()
    lock(store, clock, ANN).acquire(print)
    lock(store, clock, BOB, behind).acquire(print)
    assert clock.now == START + LIFETIME
    lock(store, clock, CAY).acquire(print)
    assert clock.now == START + 2 * LIFETIME


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"[]", b"[" * 9_999, b"x" * 99_999, b"{}", b'{"user": 1}'),
        b'{"user": "ann", "host": "one", "pid": "1"}',
        b'{"user": "ann", "host": "one", "until": "9999-12-31T00:00:00Z"}',
    ],
)
def test_an_object_that_is_no_lock_is_waited_for_and_replaced(content: bytes) -> None:
    store, clock = Store(), Clock()
    store.body = content
    said: list[str] = []
    lock(store, clock, BOB).acquire(said.append)
    assert holder(store) == "bob"
    assert clock.now == START + LIFETIME
    assert [text.partition(";")[0] for text in said] == [
        "somebody (locks/deploy.json cannot be read) deploys"
    ]


def test_only_one_of_two_takes_over_an_expired_lock() -> None:
    store, clock = Store(), Clock()
    lock(store, clock, ANN).acquire(print)
    expired = store.etag
    clock.now += LIFETIME
    bob, cay = lock(store, clock, BOB), lock(store, clock, CAY)
    bob._etag = cay._etag = expired  # both have seen it, neither has acted
    assert bob._take()
    assert not cay._take()
    assert holder(store) == "bob"
    assert not cay.held


def test_a_renewed_lock_outlives_its_first_term() -> None:
    store, clock = Store(), Clock()
    made = lock(store, clock, ANN)
    made.acquire(print)
    clock.now += LIFETIME / 2
    made.acquire(print)
    assert store.body is not None
    assert json.loads(store.body)["until"].startswith("2026-11-24T05:22:30")


def test_a_lock_that_somebody_took_over_is_not_given_back() -> None:
    store, clock = Store(), Clock()
    late = lock(store, clock, ANN)
    late.acquire(print)
    clock.now += LIFETIME
    lock(store, clock, BOB).acquire(print)
    late.release()
    assert holder(store) == "bob"


def test_the_lock_of_a_process_that_has_died_here_is_taken_at_once() -> None:
    store, clock = Store(), Clock()
    process = subprocess.Popen(["true"])
    process.wait()
    dead = Owner(getpass.getuser(), socket.gethostname(), process.pid)
    if not dead.ended:
        pytest.skip("this system has no /proc to ask")
    assert not Owner(dead.user, dead.host, os.getpid()).ended
    lock(store, clock, dead).acquire(print)
    lock(store, clock, BOB).acquire(print)
    assert clock.now == START
    assert holder(store) == "bob"
