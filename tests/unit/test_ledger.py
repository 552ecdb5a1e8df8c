"""The ledger: every state of a firing, and that no firing is lost or told twice."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.ledger import Committed, Firing, State, Summary, firings
from toolkit.core.task import Task
from toolkit.runtime.contract import Outcome, RunId

DUE = datetime(2026, 11, 24, 5, tzinfo=UTC)
LATER = DUE + timedelta(hours=6)
RUN = RunId("weather", DUE)
TASK = Task("arn:aws:ecs:us-east-1:1:task/app/0a", "STOPPED", stop_code="EssentialContainerExited")
WELL = evolve(TASK, exit_code=0)


@define
class Seen:
    """Sightings that a test writes down."""

    duplicates: set[RunId] = field(factory=set)
    live: set[RunId] = field(factory=set)
    claims: set[RunId] = field(factory=set)
    letters: dict[RunId, DeadLetter] = field(factory=dict)
    tasks: dict[RunId, Task] = field(factory=dict)
    ended: dict[RunId, Task] | None = None  # None: every run that says so ended with 0
    days: int | None = None
    window: float | None = None
    asked: list[RunId] = field(factory=list)

    def duplicated(self, run_id: RunId) -> bool:
        return run_id in self.duplicates

    def running(self, run_id: RunId) -> bool:
        return run_id in self.live

    def claimed(self, run_id: RunId) -> bool:
        assert not self.asked or self.asked[-1] < run_id.scheduled_time, "asked out of order"  # type: ignore[operator]
        self.asked.append(run_id.scheduled_time)  # type: ignore[arg-type]
        return run_id in self.claims

    def dead_letter(self, run_id: RunId) -> DeadLetter | None:
        return self.letters.get(run_id)

    def launched(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Task]:
        return {run_id: self.tasks[run_id] for run_id in run_ids if run_id in self.tasks}

    def witnesses(self, committed: Sequence[Committed]) -> Mapping[RunId, Task]:
        if self.ended is None:
            return {row.run_id: WELL for row in committed}
        return self.ended

    def record_days(self) -> int | None:
        return self.days

    def launch_window(self, run_id: RunId) -> float | None:
        return self.window


def one(
    seen: Seen,
    *committed: tuple[RunId, Outcome],
    now: datetime = LATER,
    at: datetime | None = None,
) -> Firing:
    rows = [Committed(run_id, outcome, at) for run_id, outcome in committed]
    (row,) = firings("weather", [DUE], rows, seen, now)
    return row


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.SUCCEEDED, State.OK),
        (Outcome.FAILED, State.FAILED),
        (Outcome.INTERRUPTED, State.INTERRUPTED),
        (Outcome.TIMED_OUT, State.TIMED_OUT),
    ],
)
def test_a_manifest_says_how_it_went(outcome: Outcome, state: State) -> None:
    assert one(Seen(), (RUN, outcome)).state is state


GOOD = (RUN, Outcome.SUCCEEDED)
KILLED = evolve(TASK, exit_code=137)
RUNNING = evolve(TASK, last_status="RUNNING")


@pytest.mark.parametrize(
    ("seen", "now", "state"),
    [
        (Seen(ended={RUN: WELL}), LATER, State.OK),
        (Seen(ended={RUN: KILLED}), LATER, State.FAILED),
        (Seen(ended={RUN: RUNNING}), LATER, State.RUNNING),
        (Seen(ended={}), DUE + timedelta(minutes=10), State.SETTLING),
        (Seen(ended={}), LATER, State.UNWITNESSED),
        (Seen(ended={}, days=1), LATER, State.UNWITNESSED),
        (Seen(ended={}, days=1), LATER + timedelta(days=1), State.WITNESS_EXPIRED),
    ],
)
def test_a_run_is_ok_only_where_a_witness_saw_it_end_well(
    seen: Seen, now: datetime, state: State
) -> None:
    row = one(seen, GOOD, now=now, at=DUE + timedelta(minutes=1))
    assert row.state is state
    assert row.state.bad is (state in {State.FAILED, State.UNWITNESSED})


def test_a_run_that_says_that_it_failed_needs_no_witness() -> None:
    assert one(Seen(ended={}), (RUN, Outcome.FAILED)).state is State.FAILED


@pytest.mark.parametrize(("minutes", "state"), [(60, State.LATE), (61, State.MISSED)])
def test_a_firing_is_missed_when_its_launch_window_is_over(minutes: int, state: State) -> None:
    assert one(Seen(window=3600.0), now=DUE + timedelta(minutes=minutes)).state is state


LETTER = DeadLetter("ClusterNotFoundException", "Cluster not found.")


@pytest.mark.parametrize(
    ("seen", "now", "state"),
    [
        (Seen(), DUE - timedelta(minutes=1), State.NOT_YET_DUE),
        (Seen(), DUE + timedelta(minutes=5), State.LATE),
        (Seen(), LATER, State.MISSED),
        (Seen(live={RUN}), LATER, State.RUNNING),
        (Seen(live={RUN}, claims={RUN}), LATER, State.RUNNING),
        (Seen(tasks={RUN: evolve(TASK, last_status="PENDING")}), LATER, State.RUNNING),
        (Seen(claims={RUN}), LATER, State.NO_ARTIFACT),
        (Seen(tasks={RUN: TASK}), LATER, State.NO_ARTIFACT),
        (Seen(tasks={RUN: evolve(TASK, exit_code=0)}), LATER, State.NO_ARTIFACT),
        (Seen(letters={RUN: LETTER}), LATER, State.DEAD_LETTERED),
        (Seen(letters={RUN: LETTER}), DUE + timedelta(seconds=5), State.DEAD_LETTERED),
    ],
)
def test_a_firing_without_a_manifest_is_looked_into(
    seen: Seen, now: datetime, state: State
) -> None:
    row = one(seen, now=now)
    assert row.state is state
    assert row.detail or state in {State.NOT_YET_DUE, State.RUNNING}


def test_the_reason_of_a_silent_task_stands_beside_it() -> None:
    killed = evolve(TASK, exit_code=137)
    assert one(Seen(tasks={RUN: killed})).detail == "the container was killed"
    assert "cluster does not exist" in one(Seen(letters={RUN: LETTER})).detail


def test_a_suppressed_duplicate_is_good_and_told() -> None:
    row = one(Seen(duplicates={RUN}), (RUN, Outcome.SUCCEEDED))
    assert row.state is State.DUPLICATE
    assert not row.state.bad


def test_the_worst_of_two_manifests_counts() -> None:
    for pair in itertools.permutations([Outcome.SUCCEEDED, Outcome.FAILED]):
        assert one(Seen(), *((RUN, outcome) for outcome in pair)).state is State.FAILED


def test_runs_on_demand_are_no_firings_and_unexpected_runs_are_marked() -> None:
    extra = RunId("weather", DUE + timedelta(hours=1))
    on_demand = evolve(RUN, token="abcdef")
    committed = [Committed(run_id, Outcome.SUCCEEDED) for run_id in (RUN, on_demand, extra)]
    rows = list(firings("weather", [DUE], committed, Seen(), LATER))
    assert [(row.run_id, row.expected) for row in rows] == [(RUN, True), (extra, False)]


@settings(max_examples=examples(200), deadline=None)
@given(
    due=st.sets(st.integers(0, 3000)),
    committed=st.dictionaries(st.integers(0, 3000), st.sampled_from(list(Outcome))),
    claimed=st.sets(st.integers(0, 3000)),
)
def test_every_firing_comes_once_and_in_order(
    due: set[int], committed: dict[int, Outcome], claimed: set[int]
) -> None:
    def run(minute: int) -> RunId:
        return RunId("weather", DUE + timedelta(minutes=minute))

    seen = Seen(claims={run(minute) for minute in claimed})
    now = DUE + timedelta(days=9)
    expected = [run(minute).scheduled_time for minute in sorted(due)]
    manifests = [Committed(run(minute), committed[minute]) for minute in sorted(committed)]
    summary = Summary()
    rows = list(summary.through(firings("weather", expected, manifests, seen, now)))
    assert [row.run_id for row in rows] == [run(minute) for minute in sorted(due | set(committed))]
    assert sum(summary.total.values()) == len(rows)
    for row in rows:
        minute = int((row.run_id.scheduled_time - DUE).total_seconds() // 60)
        assert row.expected is (minute in due)
        if minute in committed:
            assert row.state.bad is (committed[minute] is not Outcome.SUCCEEDED)
        else:
            assert row.state is (State.NO_ARTIFACT if minute in claimed else State.MISSED)


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "no firing was expected"),
        ({State.NOT_YET_DUE: 1}, "no firing was expected; 1 to come"),
        ({State.OK: 1}, "1 firing, none missed, none failed"),
        (
            {State.OK: 1200, State.NOT_YET_DUE: 3},
            "1,200 firings, none missed, none failed; 3 to come",
        ),
        ({State.OK: 1, State.MISSED: 1}, "1 of 2 firings needs a look"),
        ({State.FAILED: 2, State.DEAD_LETTERED: 1}, "3 of 3 firings need a look"),
    ],
)
def test_a_period_is_told_in_one_line(counts: dict[State, int], told: str) -> None:
    assert str(Summary(Counter(counts))) == told
