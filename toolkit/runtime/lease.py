"""The lease of a schedule: one run at a time, where `overlap = "skip"` asks for it.

`running/<schedule>.json` says which run holds the lease. It is taken with ``If-None-Match`` where
it is absent and with ``If-Match`` on its ETag where it was released or is stale; it is renewed and
released with ``If-Match``. S3 therefore lets one of any number of runs win, and its answers decide
how old a lease is: the ``Date`` header less ``Last-Modified``, both by S3's own clock.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import json
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, Self, runtime_checkable

from attrs import asdict, evolve, frozen

from toolkit.runtime import documents
from toolkit.runtime.contract import LeaseReport, LeaseState
from toolkit.runtime.documents import FORMAT, DocumentError
from toolkit.runtime.sink import SinkError, StoredLease

# A holder that is alive renews four times before others may take its lease.
RENEW_SECONDS = 60.0
STALE_SECONDS = 300
_TRIES = 20


@frozen
class Lease:
    """What `running/<schedule>.json` holds; ``taken_at`` is by the container's clock."""

    run_id: str
    task_arn: str
    token: str
    taken_at: str
    released: bool = False
    renewals: int = 0

    def to_json(self) -> bytes:
        """The lease as UTF-8 JSON."""
        return json.dumps({FORMAT: "lease/1", **asdict(self)}, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a lease; raises DocumentError when it is none or of a later format."""
        return documents.read(cls, documents.load(content, "lease"), "lease")


@runtime_checkable
class LeaseStore(Protocol):
    """What a lease needs of its store."""

    def look(self, key: str) -> StoredLease | None:
        """The object at ``key``; None where there is none."""

    def replace(self, key: str, content: bytes, etag: str | None) -> str | None:
        """Write ``key`` if it is absent (no ``etag``) or still is as ``etag`` says.

        Returns the new ETag, None where the condition does not hold. None may also mean that our
        own first write arrived and its answer was lost: the caller looks to tell.
        """


class HeldLease:
    """The lease of one run: taken, renewed in a thread of its own, and released.

    Args:
        store: where it is kept.
        key: its key.
        lease: what to write; its token tells it from every other one.
        lost: called once, with the lease that took its place where it is known.
        renew_seconds: how often to renew it.
    """

    def __init__(
        self,
        store: LeaseStore,
        key: str,
        lease: Lease,
        lost: Callable[[Lease | None], None],
        *,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._store = store
        self._key = key
        self._lease = lease
        self._lost = lost
        self._renew_seconds = renew_seconds
        self._etag = ""
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.report = LeaseReport(LeaseState.HELD)

    def take(self) -> LeaseReport:
        """Take the lease, or say which run holds it; SinkError when the store does not answer."""
        holder: Lease | None = None
        content = self._lease.to_json()
        # To look comes second: where a role may not list, S3 answers 403 for a key that is absent.
        etag = self._store.replace(self._key, content, None)
        for _ in range(_TRIES):
            if etag is not None:
                self._etag = etag
                return self.report
            stored = self._store.look(self._key)
            holder = _read(stored)
            # Our own, whose answer was lost, is written again: it may have become stale.
            if stored is not None and not self._is_own(holder) and not _free(stored, holder):
                break
            etag = self._store.replace(self._key, content, stored.etag if stored else None)
        self._over.set()
        self.report = _held_by(holder, LeaseState.REFUSED)
        return self.report

    def keep(self) -> None:
        """Renew it from now on, in a thread."""
        threading.Thread(target=self._renewing, name="lease", daemon=True).start()

    def check(self) -> LeaseReport:
        """Renew it once more, so that a lease that was lost unnoticed is told as lost."""
        with suppress(SinkError):  # then nobody is known to have taken it
            self._write()
        return self.report

    def release(self) -> None:
        """Give it back; where the store does not answer it goes stale."""
        self._over.set()
        with suppress(SinkError):
            self._write(released=True)

    def _renewing(self) -> None:
        while not self._over.wait(self._renew_seconds):
            self.check()

    def _write(self, *, released: bool = False) -> None:
        with self._lock:
            if self.report.state is not LeaseState.HELD or not self._etag:
                return
            renewed = evolve(self._lease, released=released, renewals=self._lease.renewals + 1)
            etag = self._store.replace(self._key, renewed.to_json(), self._etag)
            if etag is not None:
                self._lease, self._etag = renewed, etag
                return
            stored = self._store.look(self._key)
            holder = _read(stored)
            if stored is not None and self._is_own(holder):
                assert holder is not None
                self._lease, self._etag = holder, stored.etag
                return
            self._over.set()
            self.report = _held_by(holder, LeaseState.LOST)
        self._lost(holder)

    def _is_own(self, holder: Lease | None) -> bool:
        return holder is not None and holder.token == self._lease.token


def new_lease(run_id: str, task_arn: str, taken_at: str) -> Lease:
    """The lease that a run is about to take."""
    return Lease(run_id, task_arn, secrets.token_hex(8), taken_at)


def _held_by(holder: Lease | None, state: LeaseState) -> LeaseReport:
    """The report of a run that has no lease, with who has it where that is known."""
    return LeaseReport(state, holder.run_id, holder.task_arn) if holder else LeaseReport(state)


def _read(stored: StoredLease | None) -> Lease | None:
    """The lease; None for content that is none, which counts as held until it is stale."""
    if stored is None:
        return None
    try:
        return Lease.from_json(stored.content)
    except DocumentError:
        return None


def _free(stored: StoredLease, holder: Lease | None) -> bool:
    """Whether anybody may take it: it was released, or nobody has renewed it for long.

    S3 tells both times in whole seconds, so its age may be almost a second less.
    """
    return (holder is not None and holder.released) or stored.age_seconds > STALE_SECONDS + 1
