"""The shell of every run: environment → claim → workload → artifacts → manifest → exit code.

Order matters. Nothing is written before the claim, and nothing but the release of a lease after the
manifest: the claim says that this task owns the run, the manifest commits it. A task is never
restarted, so whatever goes wrong is told once, in the log and (if the store can be reached) in the
manifest.
"""

import gc
import hashlib
import operator
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from toolkit.runtime import contract
from toolkit.runtime.admission import Admission
from toolkit.runtime.catalog import Catalog, image_catalog
from toolkit.runtime.contract import (
    EXIT_CONFIGURATION,
    EXIT_UNAVAILABLE,
    Artifact,
    ContractError,
    Interrupted,
    Json,
    Manifest,
    Outcome,
    Result,
    format_time,
    jsonable,
)
from toolkit.runtime.failure import described_failure, so_far
from toolkit.runtime.lease import Lease
from toolkit.runtime.log import Log
from toolkit.runtime.sink import Sink, SinkError, open_sink, write_once
from toolkit.runtime.stop import StopFlag, Watchdog
from toolkit.runtime.task import (
    METADATA_PATIENCE_SECONDS,
    MetadataError,
    RunInput,
    read_task,
    task_arn,
)
from toolkit.runtime.work import Work, work_of

# ECS kills 120 s after SIGTERM (`stopTimeout`). The workload gets the first half to save what is
# worth keeping; the manifest is written in what is left.
_GRACE_SECONDS = 60.0


def main(*, catalog: Catalog | None = None, grace: float = _GRACE_SECONDS) -> int:
    """Run the workload that the environment names, then leave; returns the exit code.

    Signals are ignored from the end of the run to the end of the process: once the manifest is
    written, a late SIGTERM must not make the exit code contradict it.
    """
    return execute(os.environ, sys.stdout, catalog=catalog, grace=grace, afterwards=signal.SIG_IGN)


def execute(
    environment: Mapping[str, str],
    stdout: IO[str],
    *,
    catalog: Catalog | None = None,
    clock: Callable[[], float] = time.time,
    grace: float = _GRACE_SECONDS,
    metadata_patience: float = METADATA_PATIENCE_SECONDS,
    store: Callable[[str], Sink] = open_sink,
    afterwards: signal.Handlers | None = None,
) -> int:
    """One run, whole. Must be called in the main thread (it handles SIGTERM).

    ``afterwards`` handles the signals once the run has ended; None restores their handlers.
    """
    log = Log(stdout, clock)
    stop = StopFlag()
    watchdog = Watchdog(stop, grace=grace, afterwards=afterwards)
    try:
        try:
            task = read_task(environment, catalog or image_catalog())
            log.run_id = str(task.run_id)
            arn = task_arn(environment, patience=metadata_patience, wait=stop.wait)
            scratch = Path(tempfile.mkdtemp(prefix="run-"))
        except MetadataError as error:
            log.event("metadata.failed", error=str(error), exit_code=EXIT_UNAVAILABLE)
            return EXIT_UNAVAILABLE
        except (ContractError, OSError) as error:
            log.event("run.refused", problems=str(error).splitlines(), exit_code=EXIT_CONFIGURATION)
            return EXIT_CONFIGURATION
        execution = _Execution(
            task, arn, scratch, log, stop, clock, store, work_of(task, environment, grace)
        )
        watchdog.guard(task.max_runtime_seconds, execution.overdue)
        return execution.run()
    finally:
        watchdog.close()


class _Execution:
    """One run from its claim to its manifest; also the `Run` that the workload sees."""

    def __init__(
        self,
        task: RunInput,
        arn: str,
        scratch: Path,
        log: Log,
        stop: StopFlag,
        clock: Callable[[], float],
        store: Callable[[str], Sink],
        work: Work,
    ) -> None:
        self.scratch = scratch
        self._task = task
        self._arn = arn
        self._log = log
        self._stop = stop
        self._clock = clock
        self._job = work
        # Held for the whole commit, and for each line and artifact of the workload, so that none
        # of them falls between the manifest's count and its writing.
        self._lock = threading.Lock()
        self._admission = Admission(task, arn, store, self._now, self._lease_lost)
        self._exit_code: int | None = None  # not None: committed
        self._artifacts: dict[str, Artifact] = {}
        self._started_at = self._now()

    # What the workload may do (contract.Run).

    @property
    def run_id(self) -> str:
        return str(self._task.run_id)

    @property
    def scheduled_time(self) -> datetime:
        return self._task.run_id.scheduled_time

    @property
    def origin(self) -> str:
        return contract.origin_of(self._arn)

    def event(self, name: str, /, **fields: Json) -> None:
        with self._lock:
            if self._exit_code is None:
                shown = {key: self._task.redacted(jsonable(value)) for key, value in fields.items()}
                self._log.event(name, **shown)

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        self._refuse_after_commit()
        key = self._task.run_id.artifact_key(name)
        count = None if rows is None else operator.index(rows)
        if not isinstance(media_type, str) or not media_type:
            raise TypeError(f"the media type of {name} is {media_type!r}")
        self._admission.decided.wait()
        if self._admission.denied:
            raise Interrupted
        size, digest = _measure(content)
        self._admission.sink.put(key, content, media_type=media_type, sha256=digest)
        artifact = Artifact(name, key, size, digest.hex(), media_type, count)
        with self._lock:
            self._refuse_after_commit()
            self._artifacts[name] = artifact
            self._log.event(
                "artifact.saved", name=name, bytes=size, sha256=artifact.sha256, rows=count
            )
        return artifact

    def stopping(self) -> bool:
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        return self._stop.wait(seconds)

    # The run itself.

    def run(self) -> int:
        """Claim, work, commit.

        A stream claims while it already connects and reads, because its minutes do not come
        again and the AWS client takes a while to load; a batch workload claims first. Either way
        nothing is saved before the run is known to be ours.
        """
        try:
            claiming = threading.Thread(target=self._decide_admission, name="claim", daemon=True)
            claiming.start()
            if self._task.workload.kind != "stream":
                claiming.join()
                if self._admission.refusal is not None:
                    return self._refuse()
            self._announce()
            _collect_garbage()
            # A stream may see only later that it is barred: its work is asked to stop then.
            ended = self._work() if self._admission.barred is None else None
            claiming.join()
            if self._admission.refusal is not None:
                return self._refuse()
            if self._admission.barred is not None or ended is None:
                return self._commit_barred()
            return self._commit(*ended)
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def overdue(self, outcome: Outcome) -> int:
        """Commit in place of a workload that did not end in time; called by the watchdog."""
        self._job.kill()
        message = f"the run did not end within its grace period: {outcome}"
        error: dict[str, Json] = {"type": "Overdue", "message": message}
        if self._admission.decided.is_set() and self._admission.refusal is not None:
            return self._refuse()
        if not self._admission.decided.is_set():
            self.event("claim.failed", error=message, exit_code=outcome.exit_code)
            return outcome.exit_code
        if self._admission.barred is not None:
            code = self._commit_barred()
        else:
            code = self._commit(outcome, Result(), error)
        shutil.rmtree(self.scratch, ignore_errors=True)
        return code

    def _decide_admission(self) -> None:
        """Claim the run; where it does no work here, ask what has begun of it to stop."""
        self._admission.decide()
        if self._admission.denied:
            self._stop.request(Outcome.INTERRUPTED)
        self._admission.decided.set()

    def _lease_lost(self, holder: Lease | None) -> None:
        """Say so and go on: what the run has done so far is not undone by ending it."""
        self.event("lease.lost", holder=holder.run_id if holder else "")

    def _commit_barred(self) -> int:
        """The end of a run that is ours and did no work."""
        assert self._admission.barred is not None
        outcome, error = self._admission.barred
        return self._commit(outcome, Result(), error)

    def _refuse(self) -> int:
        """The end of a run that is not ours: one line, no object."""
        assert self._admission.refusal is not None
        name, fields = self._admission.refusal
        self.event(name, **fields)
        return int(fields["exit_code"])

    def _announce(self) -> None:
        self.event(
            "run.started",
            workload=self._task.workload.name,
            schedule=self._task.run_id.schedule,
            scheduled_time=format_time(self.scheduled_time),
            task_arn=self._arn,
            image=self._task.image,
            settings=self._task.shown_settings,
            max_runtime_seconds=self._task.max_runtime_seconds,
        )

    def _work(self) -> tuple[Outcome, Result, dict[str, Json] | None]:
        """Run the workload; its every ending becomes an outcome, a result and an error."""
        try:
            if self._stop.is_set():
                raise Interrupted
            result = self._job.run(self)
        except Interrupted as interruption:
            outcome = self._stop.outcome or Outcome.FAILED
            message = f"asked to stop: {outcome}"
            return outcome, so_far(interruption), {"type": "Interrupted", "message": message}
        except BaseException as error:  # noqa: BLE001 - the boundary: any failure must reach the manifest
            return Outcome.FAILED, so_far(error), described_failure(error, self._task)
        failed = [gate for gate in result.gates if not gate.passed]
        if failed:
            text = "; ".join(f"{g.name} = {g.value:.6g}, wanted {g.op} {g.limit:g}" for g in failed)
            return Outcome.FAILED, result, {"type": "GateFailed", "message": text}
        with self._lock:
            artifacts = list(self._artifacts.values())
        short = self._task.workload.shortfalls(artifacts, result.gates)
        if short:
            text = "; ".join(short)
            told: dict[str, Json] = {"type": "Incomplete", "message": text, "hint": _TOO_MUCH}
            return Outcome.FAILED, result, told
        return Outcome.SUCCEEDED, result, None

    def _commit(self, outcome: Outcome, result: Result, error: dict[str, Json] | None) -> int:
        """Commit the run, once; whoever comes second gets the same exit code."""
        self._admission.check_lease()
        code = self._write_manifest(outcome, result, error)
        self._admission.release_lease()
        return code

    def _write_manifest(
        self, outcome: Outcome, result: Result, error: dict[str, Json] | None
    ) -> int:
        """Write the manifest and the last line."""
        with self._lock:
            if self._exit_code is not None:
                return self._exit_code
            try:
                jsonable(result.metrics)
            except (TypeError, ValueError, RecursionError) as failure:  # changed since it was made
                outcome, result = Outcome.FAILED, Result()
                error = described_failure(failure, self._task)
            if error is not None:
                self._log.event(_ENDINGS.get(outcome, "run.stopped"), **error)
            self._exit_code = outcome.exit_code
            key = self._task.run_id.manifest_key(outcome)
            content = self._manifest(outcome, result, error).to_json()
            try:
                if not write_once(self._admission.sink, key, content):
                    raise SinkError(f"{key}: another manifest stands there")
            except (SinkError, OSError) as failure:
                # Without its manifest a run is not committed, whatever the workload did.
                self._exit_code = self._exit_code or Outcome.FAILED.exit_code
                self._log.event("manifest.failed", error=str(failure), exit_code=self._exit_code)
                return self._exit_code
            self._log.event(
                "run.finished",
                outcome=outcome.value,
                exit_code=self._exit_code,
                artifacts=len(self._artifacts),
                seconds=round(self._seconds(), 3),
            )
            return self._exit_code

    def _manifest(
        self, outcome: Outcome, result: Result, error: dict[str, Json] | None
    ) -> Manifest:
        task = self._task
        return Manifest(
            run_id=self.run_id,
            workload=task.workload.name,
            schedule=task.run_id.schedule,
            outcome=outcome,
            scheduled_time=format_time(self.scheduled_time),
            started_at=self._started_at,
            finished_at=self._now(),
            task_arn=self._arn,
            image=task.image,
            image_digest=task.image_digest,
            environment=task.environment,
            settings=task.shown_settings,
            artifacts=tuple(self._artifacts.values()),
            metrics=result.metrics,
            gates=result.gates,
            error=error,
            log_lines=self._log.lines + 1,  # the line that says "run.finished" follows
            execution_id=task.execution_id,
            attempt=task.attempt,
            lease=self._admission.lease,
            made_good=task.made_good(contract.parse_time(self._started_at)),
        )

    def _refuse_after_commit(self) -> None:
        if self._exit_code is not None:
            raise Interrupted

    def _now(self) -> str:
        return format_time(datetime.fromtimestamp(self._clock(), UTC))

    def _seconds(self) -> float:
        return self._clock() - contract.parse_time(self._started_at).timestamp()


_TOO_MUCH = "correct the workload, or workloads/catalog.toml if it asks too much"
# The log's event of a run that did not succeed.
_ENDINGS = {Outcome.FAILED: "run.failed", Outcome.SKIPPED: "run.skipped"}


def _collect_garbage() -> None:
    """Collect from here on, where `__main__` paused it; what was imported before stays as it is."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _measure(content: bytes | Path) -> tuple[int, bytes]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        return content.stat().st_size, digest
    return len(content), hashlib.sha256(content).digest()
