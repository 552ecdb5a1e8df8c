"""The ledger: every firing that was expected, and what became of it.

Expected firings and committed manifests come in order, are merged as they come and are forgotten
again, so a million of them take no more memory than a thousand. Only a firing without a manifest
is looked into, a few hundred at a time.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Protocol

from attrs import define, field, frozen

from toolkit.core.causes.diagnosis import diagnose, diagnose_launch
from toolkit.core.proof.case import LAUNCH_WINDOW_SECONDS
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.make_good import made_good_of, told
from toolkit.core.task import Task
from toolkit.runtime.contract import MADE_GOOD_BY, OVERLAP, Outcome, OverlapPolicy, RunId

_CHUNK = 500


class State(StrEnum):
    """What became of a firing."""

    OK = "ok"
    LATE = "late"  # due, not launched, and still within its grace
    RUNNING = "running"
    SETTLING = "settling"  # committed a moment ago; ECS has not told of its end yet
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    TIMED_OUT = "timed-out"
    DUPLICATE = "duplicate-suppressed"  # ok, and delivered more than once
    SKIPPED = "skipped"  # another run of the schedule held its lease
    MADE_GOOD = "ok (made good)"  # run later, because a person asked for it
    WITNESS_EXPIRED = "ok (witness expired)"  # older than the records are kept
    UNWITNESSED = "unwitnessed"  # it says that it succeeded, and nobody saw it
    NO_ARTIFACT = "launched-but-no-artifact"
    DEAD_LETTERED = "dead-lettered"
    MISSED = "missed"
    PAUSED = "paused"  # its schedule was paused then, and it did not run
    NOT_YET_DUE = "not-yet-due"

    @property
    def bad(self) -> bool:
        """Whether somebody should look."""
        return self not in _GOOD


# By the words that seals have for them.
STATES = {str(state): state for state in State}
_GOOD = frozenset(
    {
        State.OK,
        State.LATE,
        State.RUNNING,
        State.SETTLING,
        State.DUPLICATE,
        State.MADE_GOOD,
        State.SKIPPED,
        State.PAUSED,
        State.WITNESS_EXPIRED,
        State.NOT_YET_DUE,
    }
)
# How long the record of a task's end may take to arrive.
SETTLING = timedelta(minutes=15)
OUTCOMES = {
    Outcome.SUCCEEDED: State.OK,
    Outcome.FAILED: State.FAILED,
    Outcome.INTERRUPTED: State.INTERRUPTED,
    Outcome.TIMED_OUT: State.TIMED_OUT,
    Outcome.SKIPPED: State.SKIPPED,
}


@frozen
class Firing:
    """One row; ``expected`` is False for a run that no deployed schedule accounts for.

    ``task`` is the one that a witness saw, as far as it had to be asked for. Of a sealed firing,
    ``seal`` is the seal's key and ``catalog`` the digest of the catalog row that was deployed.
    """

    run_id: RunId
    state: State
    detail: str = ""
    expected: bool = True
    task: Task | None = field(default=None, eq=False, repr=False)
    seal: str = field(default="", eq=False)
    catalog: str = field(default="", eq=False, repr=False)


@frozen
class Committed:
    """A manifest as its key tells it; ``at`` is when S3 took it, None where nobody asked."""

    run_id: RunId
    outcome: Outcome
    at: datetime | None = None

    @property
    def good(self) -> bool:
        """Whether the run says that it succeeded, or that it had to be skipped."""
        return self.outcome.exit_code == 0


class Sightings(Protocol):
    """What witnesses know of firings."""

    def witnesses(self, committed: Sequence[Committed]) -> Mapping[RunId, Task]:
        """The tasks behind some runs that were committed, by run."""

    def record_days(self) -> int | None:
        """How long the records of tasks are kept; None is for ever."""

    def launch_window(self, run_id: RunId) -> float | None:
        """For how many seconds after a firing its launch may come; None where nobody recorded."""

    def duplicated(self, run_id: RunId) -> bool:
        """Whether a duplicate delivery was suppressed."""

    def running(self, run_id: RunId) -> bool:
        """Whether a task of it runs."""

    def claimed(self, run_id: RunId) -> bool:
        """Whether a task claimed it; asked in the order of the run ids of a schedule."""

    def dead_letter(self, run_id: RunId) -> DeadLetter | None:
        """The dead letter of its launch."""

    def launched(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Task]:
        """The tasks that were launched for some of them, by run."""


def firings(
    schedule: str,
    expected: Iterable[datetime],
    committed: Iterable[Committed],
    sightings: Sightings,
    now: datetime,
    paused: Callable[[RunId], str] = lambda _run_id: "",
) -> Iterator[Firing]:
    """The firings of one schedule in their order.

    Args:
        schedule: its name.
        expected: when it was to fire, in order.
        committed: the manifests of its runs in order; runs on demand are no firings.
        sightings: what witnesses know.
        now: the present.
        paused: until when a schedule was paused at a firing, by whom and why; empty if it was not.
    """
    fired = (row for row in committed if row.run_id.token is None)
    matched = _match(schedule, iter(expected), fired)
    while chunk := list(islice(matched, _CHUNK)):
        silent = [row.run_id for row in chunk if row.committed is None]
        ended = [row.committed for row in chunk if row.committed]
        witnesses = sightings.witnesses(ended) if ended else {}
        claimed = {
            run_id
            for run_id in silent
            if run_id.scheduled_time <= now and sightings.claimed(run_id)
        }
        unclear = [
            run_id
            for run_id in silent
            if run_id.scheduled_time <= now
            and run_id not in claimed
            and not sightings.running(run_id)
            and sightings.dead_letter(run_id) is None
        ]
        launched = sightings.launched(unclear) if unclear else {}
        found = _Found(sightings, now, claimed, launched, witnesses, paused)
        for row in chunk:
            yield found.firing(row)


@frozen
class _Match:
    run_id: RunId
    committed: Committed | None
    expected: bool


def _match(
    schedule: str, expected: Iterator[datetime], committed: Iterator[Committed]
) -> Iterator[_Match]:
    """Merge the two orders; of several manifests of one run the worst outcome counts."""
    due, run = next(expected, None), next(committed, None)
    while due is not None or run is not None:
        first = run.run_id.scheduled_time if run is not None else None
        time = min(t for t in (due, first) if t is not None)
        worst: Committed | None = None
        while run is not None and run.run_id.scheduled_time == time:
            worst = run if worst is None or worst.good else worst
            run = next(committed, None)
        was_due = due == time
        while due == time:
            due = next(expected, None)
        yield _Match(RunId(schedule, time), worst, was_due)


@frozen
class _Found:
    """Turns matches into rows with all that was seen."""

    sightings: Sightings
    now: datetime
    claimed: set[RunId]
    launched: Mapping[RunId, Task]
    witnesses: Mapping[RunId, Task]
    paused: Callable[[RunId], str]

    def firing(self, row: _Match) -> Firing:
        """One row of the ledger."""
        if row.committed is not None:
            witness = self.witnesses.get(row.run_id)
            state, detail = became(row.committed, witness, self.sightings, self.now)
            return Firing(row.run_id, state, detail, row.expected, witness)
        state, detail = self._silent(row.run_id)
        task = self.launched.get(row.run_id)
        return Firing(row.run_id, state, detail, row.expected, task)

    def _silent(self, run_id: RunId) -> tuple[State, str]:
        pause = self.paused(run_id)
        if run_id.scheduled_time > self.now:
            return (State.PAUSED, pause) if pause else (State.NOT_YET_DUE, "")
        if self.sightings.running(run_id):
            return State.RUNNING, ""
        task = self.launched.get(run_id)
        if task is not None and not task.stopped:
            return State.RUNNING, ""
        if task is not None:
            why = diagnose(task)
            return State.NO_ARTIFACT, why.summary if why else "the task ended with exit code 0"
        letter = self.sightings.dead_letter(run_id)
        if letter is not None:
            why = diagnose_launch(letter.error_code, letter.error_message)
            return State.DEAD_LETTERED, f"{letter.error_code}: {why.summary}"
        if run_id in self.claimed:
            return State.NO_ARTIFACT, "claimed, and never committed"
        if pause:
            return State.PAUSED, pause
        window = self.sightings.launch_window(run_id)
        window = LAUNCH_WINDOW_SECONDS if window is None else window
        if self.now - run_id.scheduled_time <= timedelta(seconds=window):
            return State.LATE, "not launched yet"
        return State.MISSED, "no task, no claim, no dead letter"


def told_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What of a task's environment the ledger asks for."""
    overlap = {name: environment[name] for name in (OVERLAP,) if name in environment}
    return {**overlap, **made_good_of(environment)}


def became(
    committed: Committed, witness: Task | None, sightings: Sightings, now: datetime
) -> tuple[State, str]:
    """What became of a committed run: `ok` only where a witness saw its task end with 0.

    The manifest is the run's own word. ECS's record of the task, or ECS itself, is the witness.
    """
    if not committed.good:
        return OUTCOMES[committed.outcome], ""
    says = committed.outcome
    if witness is not None and witness.stopped and witness.exit_code == 0:
        if says is Outcome.SKIPPED:
            return _skipped(witness)
        if MADE_GOOD_BY in witness.environment:
            return State.MADE_GOOD, told(witness)
        if sightings.duplicated(committed.run_id):
            return State.DUPLICATE, "delivered twice"
        return State.OK, ""
    if witness is not None and witness.stopped:
        why = diagnose(witness)
        return State.FAILED, f"it says {says}; ECS: {why.summary if why else 'no exit code'}"
    if witness is not None:
        return State.RUNNING, ""
    if committed.at is not None and now - committed.at < SETTLING:
        return State.SETTLING, "ECS has not reported its end yet"
    days = sightings.record_days()
    if days is not None and now - committed.run_id.scheduled_time > timedelta(days=days):
        return State.WITNESS_EXPIRED, f"the records of tasks are kept for {days} days"
    return State.UNWITNESSED, f"it says {says}; neither ECS nor its records know its task"


def _skipped(witness: Task) -> tuple[State, str]:
    """A run may skip itself only where its launch told it to."""
    if witness.environment.get(OVERLAP) == OverlapPolicy.SKIP:
        return State.SKIPPED, "another run of the schedule held its lease"
    return State.FAILED, "it says skipped, and its schedule lets runs overlap"


@define
class Summary:
    """Counts, filled while the firings pass by."""

    total: Counter[State] = field(factory=Counter)
    by_schedule: dict[str, Counter[State]] = field(factory=dict)

    def through(self, rows: Iterable[Firing]) -> Iterator[Firing]:
        """The same firings, counted."""
        for row in rows:
            self.total[row.state] += 1
            self.by_schedule.setdefault(row.run_id.schedule, Counter())[row.state] += 1
            yield row

    @property
    def bad(self) -> int:
        """How many firings somebody should look at."""
        return sum(count for state, count in self.total.items() if state.bad)

    def __str__(self) -> str:
        """The period in one line: what was due, and what is to come."""
        ahead = self.total[State.NOT_YET_DUE]
        due, to_come = self.total.total() - ahead, f"; {ahead:,} to come" if ahead else ""
        firings = "1 firing" if due == 1 else f"{due:,} firings"
        if not due:
            return f"no firing was expected{to_come}"
        if self.bad:
            need = "needs" if self.bad == 1 else "need"
            return f"{self.bad:,} of {firings} {need} a look{to_come}"
        return f"{firings}, none missed, none failed{to_come}"
