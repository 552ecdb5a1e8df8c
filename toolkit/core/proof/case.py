"""One run before the judge: its evidence, what is expected of it, and what every check asks."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.core.checks import Status
from toolkit.core.proof.evidence import Evidence
from toolkit.core.proof.seal import Sealed
from toolkit.core.proof.seal_witness import SEAL
from toolkit.core.task import Task
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import RunId, parse_time

# CloudWatch Logs and the state-change record arrive a little later than the task's end.
_SETTLING = timedelta(seconds=60)
# How late a launch may come where nobody recorded it: what version 0.1 deployed, and a minute.
LAUNCH_WINDOW_SECONDS = 960.0
_PASS = "PASS"  # noqa: S105 - a ruling, no secret


@frozen
class Case:
    """The evidence of a run, and the time of judging."""

    evidence: Evidence
    now: datetime

    @property
    def workload(self) -> Workload | None:
        """The workload as the run was to find it; None when nothing tells."""
        expectation = self.evidence.expectation
        return expectation.workload if expectation is not None else None

    @property
    def is_current(self) -> bool:
        """Whether all is there that a run of today leaves: version 0.1 left less."""
        expectation = self.evidence.expectation
        return expectation is not None and not expectation.assumed

    @property
    def run_id(self) -> RunId:
        """The run that is judged."""
        return RunId.parse(self.evidence.run_id)

    @property
    def launch_window(self) -> timedelta:
        """How late Scheduler may deliver the launch, as the schedule was deployed."""
        window = self.evidence.launch_window
        return timedelta(seconds=LAUNCH_WINDOW_SECONDS if window is None else window)

    @property
    def owner(self) -> Task | None:
        """The task that owns the run."""
        return self.evidence.owner

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that were launched for the run, by whatever witness tells of them."""
        return self.evidence.known_tasks

    @property
    def launch(self) -> Mapping[str, str] | None:
        """What the owner was launched with; None where nobody tells, and a seal does not."""
        known = self.owner is not None and self.owner.source != SEAL
        return self.owner.environment if known and self.owner is not None else None

    @property
    def witness(self) -> str:
        """Who tells of the owner."""
        return "the seal" if self.owner is not None and self.owner.source == SEAL else "ECS"

    @property
    def passed_when_sealed(self) -> Sealed | None:
        """The seal that says that the run passed while its record and its log were there."""
        sealed = self.evidence.seal_witness
        return sealed if sealed is not None and sealed.row.ruling == _PASS else None

    @property
    def due(self) -> datetime:
        """The firing that the run answers for."""
        return self.run_id.scheduled_time

    @property
    def running(self) -> bool:
        """Whether a task of this run still runs."""
        return any(not task.stopped for task in self.tasks)

    @property
    def over(self) -> bool:
        """Whether tasks of this run are known and all of them have stopped."""
        return bool(self.tasks) and not self.running

    @property
    def started(self) -> bool:
        """Whether the owner's container ever started."""
        return self.owner is not None and "startedAt" in self.owner.times

    @property
    def settled(self) -> bool:
        """Whether everything that the task left behind must have arrived by now."""
        end = self.owner.times.get("stoppedAt") if self.owner else None
        return end is not None and self.now - parse_time(end) > _SETTLING

    @property
    def expired(self) -> bool:
        """Whether the log's group may have dropped lines by now because of their age."""
        end = self.owner.times.get("stoppedAt") if self.owner else None
        days = self.evidence.log_days
        if days == 0:
            return True
        if end is None or days is None:
            return False
        return self.now - parse_time(end) > timedelta(days=days)

    @property
    def traceless(self) -> bool:
        """Whether nothing at all is known of the run."""
        found = self.evidence
        return not (self.tasks or found.claim or found.manifests or found.dead_letters)

    def nothing(self) -> tuple[Status, str, str | None]:
        """What it means that there is nothing: status, words and the finding that explains it."""
        if self.due > self.now:
            return Status.UNKNOWN, f"not due before {self.due:%Y-%m-%d %H:%M:%S}Z", None
        if self.over:
            return Status.FAIL, "the task ended before it could claim the run", None
        if self.running:
            return Status.UNKNOWN, "the task has not claimed the run yet", None
        if self.evidence.dead_letters:
            return Status.FAIL, "the launch was given up, so nothing ran", None
        expected = self.evidence.expected
        if expected in _UNEXPECTED:
            return Status.UNKNOWN, f"no trace of this run: {_UNEXPECTED[expected]}", expected
        overdue = self.now - self.due > self.launch_window
        if expected == "due" and overdue and self.run_id.token is None:
            return Status.FAIL, "no trace of this run, although its schedule was to fire", "missed"
        if expected == "due":
            until = self.due + self.launch_window
            text = f"no trace of this run yet; its launch may come until {until:%H:%M:%S}Z"
            return Status.UNKNOWN, text, "not-launched-yet"
        return Status.UNKNOWN, "no trace of this run", None


_UNEXPECTED = {
    "schedule-disabled": "its schedule was disabled then",
    "outside-window": "it lies outside its schedule's start and end",
    "paused": "its schedule was paused then",
    "not-a-firing": "its schedule does not fire at that time",
    "not-deployed": "no such schedule was deployed then",
}
