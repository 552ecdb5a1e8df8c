"""The decision over a virtual year: clock changes, pauses and faults, and no false message."""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from attrs import evolve, field, frozen

from tests.thorough import THOROUGH
from toolkit.core.changes.change import Change, ScheduleState, Told
from toolkit.core.changes.decision import (
    NEUTRAL,
    OPEN,
    STATES,
    Seen,
    changes,
    open_troubles,
    seen_of,
    settled_until,
)
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import RunId, format_time

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
BEAT = timedelta(minutes=30)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
WINDOW = 16 * MINUTE
# The third is paused in July; both clock changes of both zones lie in the year.
TIMINGS = [
    Timing("berlin", "cron(30 2 * * ? *)", "Europe/Berlin", "ENABLED", "", "", format_time(BEGIN)),
    Timing("york", "cron(30 * * * ? *)", "America/New_York", "ENABLED", "", "", format_time(BEGIN)),
    Timing("rate", "rate(6 hours)", "UTC", "ENABLED", "", "", format_time(BEGIN)),
    Timing("first", "cron(0 0 1 * ? *)", "UTC", "ENABLED", "", "", format_time(BEGIN)),
]
FAULTS = ("missed", "failed", "told", "lost", "late-record", "late-launch")


def history() -> History:
    july, august = datetime(2026, 7, 1, 7, tzinfo=UTC), datetime(2026, 8, 1, 7, tzinfo=UTC)

    def taken(time: datetime, state: str) -> Snapshot:
        rows = [
            evolve(row, state=state, changed_at=format_time(time)) if row.name == "rate" else row
            for row in TIMINGS
        ]
        return Snapshot(format_time(time), tuple(rows))

    return History([taken(BEGIN, "ENABLED"), taken(july, "DISABLED"), taken(august, "ENABLED")])


@frozen
class Fate:
    """A firing, when its run ended, and what went wrong, if anything."""

    run_id: RunId
    ended: datetime
    fault: str = ""

    def state(self, now: datetime) -> State:
        due = self.run_id.scheduled_time
        if self.fault == "missed":
            return State.LATE if now <= due + WINDOW else State.MISSED
        if self.fault == "late-launch" and now < due + 3 * HOUR:
            return State.LATE
        if now < due + 2 * MINUTE:
            return State.LATE
        if now < self.ended:
            return State.RUNNING
        if self.fault in {"failed", "told"}:
            return State.FAILED
        recorded = self.ended + MINUTE
        if self.fault == "lost":
            recorded = END + HOUR
        elif self.fault == "late-record":
            recorded = self.ended + 2 * HOUR
        if now >= recorded:
            return State.OK
        return State.SETTLING if now < self.ended + 15 * MINUTE else State.UNWITNESSED

    def seen(self, now: datetime) -> Seen:
        row = Firing(self.run_id, self.state(now))
        return seen_of(row, now, mailed=self.fault == "told")

    @property
    def kind(self) -> ScheduleState | None:
        """What is to be told of it, if anything."""
        return {
            "missed": ScheduleState.MISSED,
            "failed": ScheduleState.FAILED,
            "told": ScheduleState.REPORTED,
            "lost": ScheduleState.UNWITNESSED,
            "late-record": ScheduleState.UNWITNESSED,
            "late-launch": ScheduleState.LATE,
        }.get(self.fault)


@frozen
class Year:
    """What became of every firing, by schedule, and every change that was told."""

    fates: dict[str, list[Fate]]
    told: list[Change] = field(factory=list)


def fates(chance: random.Random, known: History) -> Iterator[tuple[str, list[Fate]]]:
    for name in known.names:
        rows: list[Fate] = []
        fault, left = "", 0
        for due in known.firings(name, BEGIN, END):
            if left == 0:
                fault, left = "", chance.randrange(20, 400) if fault else 0
                if left == 0:
                    fault, left = chance.choice(FAULTS), chance.randrange(1, 5)
            left -= 1
            run_id = RunId(name, due)
            rows.append(Fate(run_id, due + chance.randrange(3, 50) * MINUTE, fault))
        rows[-1] = Fate(rows[-1].run_id, rows[-1].run_id.scheduled_time + 5 * MINUTE)
        yield name, rows


def live_through(seed: int) -> Year:
    """A year of audits, each with what the last one left to look at."""
    year = Year(dict(fates(random.Random(seed), history())))
    times = {
        name: [fate.run_id.scheduled_time for fate in rows] for name, rows in year.fates.items()
    }
    since, now, told = BEGIN, BEGIN, list[Told]()
    while now < END + 2 * HOUR:
        now += BEAT
        seen = []
        troubles = open_troubles(told)
        for name, rows in year.fates.items():
            first, last = bisect_right(times[name], since), bisect_right(times[name], now)
            seen += [fate.seen(now) for fate in rows[first:last]]
            trouble = troubles.get(name)
            if trouble is not None and trouble.scheduled_time <= since:
                seen.append(rows[times[name].index(trouble.scheduled_time)].seen(now))
        for change in changes("app", told, seen, now):
            told.append(Told(change.run_id, change.number, change.state, now, sent=True))
            year.told.append(change)
        since = settled_until(seen, now)
    return year


@pytest.fixture(scope="module", params=[1, 2] if THOROUGH else [1])
def year(request: pytest.FixtureRequest) -> Year:
    return live_through(request.param)


def test_every_message_is_true(year: Year) -> None:
    assert len(year.told) > 50
    by_run = {fate.run_id: fate for rows in year.fates.values() for fate in rows}
    for change in year.told:
        fate = by_run[change.run_id]
        if change.state.bad:
            assert change.state is fate.kind, (change, fate)
        else:
            assert change.before.bad
            assert fate.fault in {"", "late-record", "late-launch"}, (change, fate)


def test_trouble_and_recovery_take_turns(year: Year) -> None:
    by_schedule = defaultdict(list)
    for change in year.told:
        by_schedule[change.schedule].append(change)
    for rows in by_schedule.values():
        for before, after in pairwise(rows):
            assert before.state is not after.state, (before, after)
        assert rows[-1].state is ScheduleState.WELL


def test_no_trouble_is_passed_over(year: Year) -> None:
    """A bad firing is told itself, or the schedule was in that state when it was due."""
    told = {(change.run_id, change.state) for change in year.told}
    for rows in year.fates.values():
        before: ScheduleState | None = None
        for fate in rows:
            if fate.kind is not None and (fate.run_id, fate.kind) not in told:
                assert before is fate.kind, fate
            before = fate.kind


def test_every_state_of_the_ledger_has_its_place() -> None:
    """A new state must be given one, so that no firing is passed over by accident."""
    groups = [set(STATES), set(OPEN), set(NEUTRAL)]
    assert set().union(*groups) == set(State)
    assert sum(map(len, groups)) == len(State)
    for state, meaning in STATES.items():
        assert state.bad is meaning.bad


def test_each_change_is_told_once(year: Year) -> None:
    ids = [change.id for change in year.told]
    assert len(ids) == len(set(ids))
