"""The verdict on a run: artifacts first, then exit and stop code, then logs.

Pure: the same evidence gives the same verdict, today or years later. Missing evidence is never
success: a check without it is UNKNOWN, and a verdict with an UNKNOWN check is INCONCLUSIVE.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from attrs import asdict, frozen

from toolkit.core.diagnosis import Diagnosis, diagnose
from toolkit.core.evidence import Evidence
from toolkit.core.lifecycle import Lifecycle
from workloads.catalog import ExpectedArtifact, Workload
from workloads.contract import Artifact, Manifest, Outcome, RunId, parse_time

# CloudWatch Logs and the state-change record arrive a little later than the task's end.
_SETTLING = timedelta(seconds=60)


class Status(StrEnum):
    """How one check ended."""

    OK = "OK"
    NG = "NG"
    UNKNOWN = "??"


class Ruling(StrEnum):
    """The whole."""

    PASS = "PASS"  # noqa: S105 - a ruling, no secret
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """The exit code of `toolkit validate`."""
        return {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 4}[self]


@frozen
class Check:
    """One line of the tree; its own status already counts its children's."""

    name: str
    status: Status
    detail: str
    children: tuple["Check", ...] = ()


@frozen
class Verdict:
    """The ruling, the checks it rests on, and why it went wrong where it did."""

    run_id: str
    ruling: Ruling
    checks: tuple[Check, ...]
    diagnosis: Diagnosis | None = None

    def to_json(self) -> dict[str, Any]:
        """The verdict as a JSON object."""
        return {**asdict(self), "exit_code": self.ruling.exit_code}


def judge(evidence: Evidence, workload: Workload, now: datetime) -> Verdict:
    """Judge what was gathered against what the catalog expects of the workload."""
    case = _Case(evidence, workload, now)
    checks = (
        case.manifest(),
        case.artifacts(),
        case.gates(),
        case.launch(),
        case.lifecycle(),
        case.logs(),
        *case.unread(),
    )
    kept = tuple(check for check in checks if check is not None)
    ruling = {
        Status.OK: Ruling.PASS,
        Status.NG: Ruling.FAIL,
        Status.UNKNOWN: Ruling.INCONCLUSIVE,
    }[worst(check.status for check in kept)]
    diagnosis = None if ruling is Ruling.PASS else case.diagnosis()
    return Verdict(evidence.run_id, ruling, kept, diagnosis)


def worst(statuses: Iterable[Status]) -> Status:
    """NG before UNKNOWN before OK."""
    found = set(statuses)
    for status in (Status.NG, Status.UNKNOWN):
        if status in found:
            return status
    return Status.OK


class _Case:
    """One run before the judge; every method is one check."""

    def __init__(self, evidence: Evidence, workload: Workload, now: datetime) -> None:
        self._evidence = evidence
        self._workload = workload
        self._now = now
        self._owner = evidence.owner

    def manifest(self) -> Check:
        name = "manifest"
        found = self._evidence.manifests
        if len(found) > 1:
            outcomes = ", ".join(manifest.outcome for manifest in found)
            return Check(name, Status.NG, f"more than one was committed: {outcomes}")
        if not found:
            if self._running():
                return Check(name, Status.UNKNOWN, "not written yet: the task still runs")
            if self._owner is None and self._evidence.claim is None:
                return Check(name, *self._nothing())
            return Check(name, Status.NG, "missing: the run was claimed but never committed")
        manifest = found[0]
        if manifest.outcome is Outcome.SUCCEEDED:
            return Check(name, Status.OK, f"succeeded, committed {manifest.finished_at}")
        error = manifest.error or {}
        return Check(
            name, Status.NG, f"{manifest.outcome}: {error.get('message', 'no reason recorded')}"
        )

    def artifacts(self) -> Check:
        manifest = self._evidence.manifest
        if manifest is None:
            status = Status.NG if self._over() else Status.UNKNOWN
            return Check("artifacts", status, "no manifest lists them")
        checks = {artifact.name: self._artifact(artifact) for artifact in manifest.artifacts}
        if manifest.outcome is Outcome.SUCCEEDED:
            for expected in self._workload.artifacts:
                shortfall = _shortfall(expected, manifest)
                if shortfall is not None:
                    checks[expected.name] = Check(expected.name, Status.NG, shortfall)
        if not checks:
            return Check("artifacts", Status.NG, "the run left none")
        good = sum(check.status is Status.OK for check in checks.values())
        detail = f"{good} of {len(checks)}, checksums match the manifest"
        if good < len(checks):
            detail = f"{good} of {len(checks)} as the manifest says"
        status = worst(check.status for check in checks.values())
        return Check("artifacts", status, detail, tuple(checks.values()))

    def gates(self) -> Check | None:
        manifest = self._evidence.manifest
        if manifest is None or not manifest.gates:
            return None
        children = tuple(
            Check(
                gate.name,
                Status.OK if gate.passed else Status.NG,
                f"{gate.value:.4g} {gate.op} {gate.limit:.4g}",
            )
            for gate in manifest.gates
        )
        good = sum(check.status is Status.OK for check in children)
        return Check(
            "quality",
            worst(check.status for check in children),
            f"{good} of {len(children)} gates",
            children,
        )

    def launch(self) -> Check:
        evidence = self._evidence
        if evidence.dead_letters:
            letter = evidence.dead_letters[0]
            text = f"dead-lettered: {letter.error_code}: {letter.error_message}"
            return Check("launch", Status.NG, text)
        if not evidence.tasks:
            return Check("launch", *self._nothing())
        late = self._lateness()
        lateness = "" if late is None else f", {late:.1f} s late"
        if len(evidence.tasks) == 1:
            return Check("launch", Status.OK, f"one task for this firing{lateness}")
        if self._owner is None:
            return Check("launch", Status.UNKNOWN, f"{len(evidence.tasks)} tasks, none claimed it")
        others = [task for task in evidence.tasks if task is not self._owner]
        bad = [task for task in others if task.stopped and task.exit_code != 0]
        text = f"{len(evidence.tasks)} tasks for this firing{lateness}; "
        if bad:
            return Check("launch", Status.NG, text + f"duplicate exited with {bad[0].exit_code}")
        return Check("launch", Status.OK, text + "duplicates suppressed by the claim")

    def lifecycle(self) -> Check:
        name, task = "lifecycle", self._owner
        if task is None:
            return Check(name, Status.UNKNOWN, "neither ECS nor the state-change log has the task")
        if not task.stopped:
            return Check(name, Status.UNKNOWN, f"{task.last_status}: the task still runs")
        found = diagnose(task)
        text = f"STOPPED, {task.stop_code}, {_exit(task)}"
        duration = task.duration()
        if duration is not None:
            text += f", {duration.total_seconds():.1f} s"
        if found is None:
            return Check(name, Status.OK, text)
        reason = task.container_reason or task.stopped_reason or found.summary
        return Check(name, Status.NG, f"{text}: {reason}")

    def logs(self) -> Check:
        name, logs, manifest = "logs", self._evidence.logs, self._evidence.manifest
        if logs is None or logs.numbered == 0:
            settled = self._settled() and self._owner is not None and self._started()
            status = Status.NG if settled else Status.UNKNOWN
            return Check(name, status, "no numbered line was found")
        expected = manifest.log_lines if manifest else logs.last_seq
        lost = max(expected, logs.last_seq) - logs.numbered
        if lost:
            status = Status.NG if self._settled() else Status.UNKNOWN
            return Check(name, status, f"{lost} of {expected} lines are missing")
        if logs.errors:
            return Check(name, Status.NG, logs.errors[0])
        wanted = ("run.started", "run.finished", *self._workload.events)
        absent = [event for event in dict.fromkeys(wanted) if event not in logs.events]
        if absent:
            status = Status.NG if self._settled() else Status.UNKNOWN
            return Check(name, status, f"{logs.numbered} lines, without {', '.join(absent)}")
        text = f"run.started … run.finished, {logs.numbered} lines, none lost"
        return Check(name, Status.OK, text)

    def unread(self) -> Sequence[Check]:
        return [Check("evidence", Status.UNKNOWN, text) for text in self._evidence.problems]

    def diagnosis(self) -> Diagnosis | None:
        if self._owner is not None:
            return diagnose(self._owner)
        failed = [task for task in self._evidence.tasks if task.stopped and task.exit_code != 0]
        return diagnose(failed[0]) if failed else None

    # What the checks share.

    def _artifact(self, artifact: Artifact) -> Check:
        stored = self._evidence.objects.get(artifact.key)
        if stored is None:
            return Check(artifact.name, Status.NG, "listed in the manifest, not in the bucket")
        if stored.bytes != artifact.bytes:
            text = f"{stored.bytes:,} bytes in the bucket, {artifact.bytes:,} in the manifest"
            return Check(artifact.name, Status.NG, text)
        if stored.sha256 is None:
            return Check(artifact.name, Status.NG, "S3 holds no SHA-256: written by someone else")
        if stored.sha256 != artifact.sha256:
            return Check(artifact.name, Status.NG, "its SHA-256 is not the manifest's: altered")
        rows = f", {artifact.rows:,} rows" if artifact.rows is not None else ""
        return Check(artifact.name, Status.OK, f"{artifact.bytes:,} bytes{rows}")

    def _nothing(self) -> tuple[Status, str]:
        due = RunId.parse(self._evidence.run_id).scheduled_time
        if due > self._now:
            return Status.UNKNOWN, f"not due before {due:%Y-%m-%d %H:%M:%S}Z"
        if any(task.stopped for task in self._evidence.tasks):
            return Status.NG, "the task ended before it could claim the run"
        return Status.UNKNOWN, "no trace of this run"

    def _running(self) -> bool:
        return any(not task.stopped for task in self._evidence.tasks)

    def _over(self) -> bool:
        return bool(self._evidence.tasks) and not self._running()

    def _started(self) -> bool:
        return self._owner is not None and "startedAt" in self._owner.times

    def _settled(self) -> bool:
        """Whether everything that the task left behind must have arrived by now."""
        end = self._owner.times.get("stoppedAt") if self._owner else None
        return end is not None and self._now - parse_time(end) > _SETTLING

    def _lateness(self) -> float | None:
        task = self._owner or self._evidence.tasks[0]
        run_id = RunId.parse(self._evidence.run_id)
        created = task.times.get("createdAt")
        if created is None or run_id.token is not None:
            return None
        return (parse_time(created) - run_id.scheduled_time).total_seconds()


def _shortfall(expected: ExpectedArtifact, manifest: Manifest) -> str | None:
    """How the run fell short of what the catalog expects of one artifact; None if it did not."""
    made = next((a for a in manifest.artifacts if a.name == expected.name), None)
    if made is None:
        return "the catalog expects it, the run did not make it"
    if made.bytes < expected.min_bytes:
        return f"{made.bytes:,} bytes, expected {expected.min_bytes:,}"
    if expected.min_rows is not None and (made.rows or 0) < expected.min_rows:
        return f"{made.rows} rows, expected {expected.min_rows:,}"
    return None


def _exit(task: Lifecycle) -> str:
    return "no exit code" if task.exit_code is None else f"exit {task.exit_code}"
