"""The lock of a deployment, on a fake of S3 with conditional writes."""

import getpass
import io
import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from toolkit.adapters.bucket.lock import LIFETIME, DeployLock, Owner
from toolkit.runtime.layout import DEPLOY_LOCK

START = datetime(2026, 11, 24, 5, tzinfo=UTC)


class Store:
    """One key of S3; every write has an ETag of its own."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.writes = 0

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
        self.body = Body
        self.writes += 1
        return {"ETag": self.etag}

    def get_object(self, **_: Any) -> dict[str, Any]:
        if self.body is None:
            raise self._refused("NoSuchKey")
        return {"Body": io.BytesIO(self.body), "ETag": self.etag}

    def delete_object(self, **given: Any) -> None:
        if self.body is None:
            raise self._refused("NoSuchKey")
        if given["IfMatch"] != self.etag:
            raise self._refused("PreconditionFailed")
        self.body = None

    def _refused(self, code: str) -> ClientError:
        return ClientError({"Error": {"Code": code, "Message": code}}, "S3")


class Clock:
    """A clock that a sleep moves on."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=60)


class Aws:
    """The door to the fake."""

    class endpoint:  # noqa: N801 - as the adapter reads it
        url = None

    def __init__(self, store: Store) -> None:
        self._store = store

    def client(self, _service: str) -> Store:
        return self._store


def lock(store: Store, clock: Clock, owner: Owner) -> DeployLock:
    aws: Any = Aws(store)
    return DeployLock(aws, "bucket", owner=owner, sleep=clock.sleep, clock=clock)


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
