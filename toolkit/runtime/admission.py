"""Whether a run is this task's to do: its claim, and the lease of a schedule that skips overlaps.

The claim is decided once, by S3: whoever writes `claim.json` first owns the run. Only its owner
looks for the lease.
"""

import threading
from collections.abc import Callable
from typing import Any

from toolkit.runtime.contract import (
    EXIT_DUPLICATE,
    Claim,
    Json,
    LeaseReport,
    LeaseState,
    Outcome,
    OverlapPolicy,
)
from toolkit.runtime.lease import HeldLease, Lease, LeaseStore, new_lease
from toolkit.runtime.sink import Sink, SinkError, write_once
from toolkit.runtime.task import RunInput


class Admission:
    """What was decided of a run, from any thread; nothing of it is decided before `decide`.

    Attributes:
        decided: set once the claim is decided, one way or the other.
        refusal: why the run is not ours, as the name and the fields of a line of the log.
        barred: why a run that is ours does no work, as it will be committed.
        sink: the store of the run, once it was opened.

    Args:
        task: the run.
        arn: the task that wants it.
        store: opens the store of a bucket.
        now: the time, as documents have it.
        lost: called once if another run takes the lease, with that lease where it is known.
    """

    def __init__(
        self,
        task: RunInput,
        arn: str,
        store: Callable[[str], Sink],
        now: Callable[[], str],
        lost: Callable[[Lease | None], None],
    ) -> None:
        self._task = task
        self._arn = arn
        self._store = store
        self._now = now
        self._lost = lost
        self._lease: HeldLease | None = None
        self.decided = threading.Event()
        self.refusal: tuple[str, dict[str, Any]] | None = None
        self.barred: tuple[Outcome, dict[str, Json]] | None = None
        self.sink: Sink

    @property
    def denied(self) -> bool:
        """Whether the run does no work here."""
        return self.refusal is not None or self.barred is not None

    @property
    def lease(self) -> LeaseReport | None:
        """How the run stands to its schedule's lease; None where it needs none."""
        return self._lease.report if self._lease is not None else None

    def decide(self) -> None:
        """Claim the run, and take the lease where its schedule skips overlaps."""
        try:
            self.sink = self._store(self._task.bucket)
            owner = self._claim()
            if owner is not None:
                self.refusal = ("run.duplicate", {"owner": owner, "exit_code": EXIT_DUPLICATE})
            elif self._task.overlap is OverlapPolicy.SKIP:
                self.barred = self._take_lease()
        except Exception as error:  # noqa: BLE001 - the boundary of a thread: others wait for it
            code = Outcome.FAILED.exit_code
            self.refusal = ("claim.failed", {"error": str(error), "exit_code": code})

    def check_lease(self) -> None:
        """Renew the lease once more, so that one that was lost unnoticed is reported as lost."""
        if self._lease is not None:
            self._lease.check()

    def release_lease(self) -> None:
        """Give the lease back."""
        if self._lease is not None:
            self._lease.release()

    def _claim(self) -> str | None:
        """None when the run is ours, else the ARN of the task that owns it."""
        claim = Claim(
            run_id=str(self._task.run_id),
            task_arn=self._arn,
            claimed_at=self._now(),
            execution_id=self._task.execution_id,
            attempt=self._task.attempt,
        )
        key = self._task.run_id.claim_key
        content = claim.to_json()
        if write_once(self.sink, key, content):
            return None
        # The claim that stands there may be our own: its first answer can have been lost.
        owner = Claim.from_json(self.sink.read(key)).task_arn
        return None if owner == self._arn else owner

    def _take_lease(self) -> tuple[Outcome, dict[str, Json]] | None:
        """Take the schedule's lease; what bars the run where it cannot have it."""
        if not isinstance(self.sink, LeaseStore):
            return Outcome.FAILED, {"type": "LeaseFailed", "message": "the store keeps no leases"}
        run_id = self._task.run_id
        lease = new_lease(str(run_id), self._arn, self._now())
        held = HeldLease(self.sink, run_id.lease_key, lease, self._lost)
        try:
            report = held.take()
        except (SinkError, OSError) as error:
            return Outcome.FAILED, {"type": "LeaseFailed", "message": str(error)}
        self._lease = held
        if report.state is LeaseState.REFUSED:
            text = f"{report.holder or 'something else'} holds the lease of the schedule"
            return Outcome.SKIPPED, {"type": "Skipped", "message": text}
        held.keep()
        return None
