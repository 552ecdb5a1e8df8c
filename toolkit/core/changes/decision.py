"""Which changes of state are news: a pure function of what was told and what is seen.

A schedule's state is that of its firings, one after the other: the first firing of a trouble is a
change, the following ones are not, and the first good firing after it is one again. A firing that
is still open (it runs, its launch may yet come) changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import field, frozen

from toolkit.core.changes.change import Change, ScheduleState, Told
from toolkit.core.proof.ledger import Firing, State
from toolkit.runtime.contract import RunId, format_time

# What the ledger calls a firing, and what it means for its schedule. Those that are missing here
# are OPEN or NEUTRAL.
STATES: Mapping[State, ScheduleState] = {
    State.OK: ScheduleState.WELL,
    State.DUPLICATE: ScheduleState.WELL,
    State.MADE_GOOD: ScheduleState.WELL,
    State.WITNESS_EXPIRED: ScheduleState.WELL,
    State.MISSED: ScheduleState.MISSED,
    State.DEAD_LETTERED: ScheduleState.MISSED,
    State.FAILED: ScheduleState.FAILED,
    State.INTERRUPTED: ScheduleState.FAILED,
    State.TIMED_OUT: ScheduleState.FAILED,
    State.NO_ARTIFACT: ScheduleState.FAILED,
    State.UNWITNESSED: ScheduleState.UNWITNESSED,
}
OPEN = frozenset({State.LATE, State.RUNNING, State.SETTLING, State.NOT_YET_DUE})
# Over, and as it was meant to be: neither trouble nor a sign of health.
NEUTRAL = frozenset({State.SKIPPED, State.PAUSED})
# A launch that may come for hours yet is told when it is an hour behind its flexible window.
LATE_AFTER = timedelta(hours=1)


@frozen
class Seen:
    """A firing as it is seen now.

    ``state`` is None where it says nothing about its schedule, and ``open`` while that may change.
    """

    run_id: RunId
    state: ScheduleState | None
    detail: str = ""
    cause: str = ""
    open: bool = False


def seen_of(
    firing: Firing, now: datetime, *, flexible: timedelta = timedelta(), mailed: bool = False
) -> Seen:
    """What a firing of the ledger says about its schedule.

    Args:
        firing: the row of the ledger.
        now: the present.
        flexible: the flexible window of its schedule.
        mailed: whether a rule of the platform sent a mail about it.
    """
    state = STATES.get(firing.state)
    if firing.state is State.LATE:
        behind = now - firing.run_id.scheduled_time - flexible
        state = ScheduleState.LATE if behind >= LATE_AFTER else None
    if mailed and state is not None and state.bad:
        state = ScheduleState.REPORTED
    return Seen(firing.run_id, state, firing.detail, open=firing.state in OPEN)


def changes(app: str, told: Iterable[Told], seen: Iterable[Seen], now: datetime) -> list[Change]:
    """The changes that nobody has written yet, schedule by schedule in the order of time.

    Args:
        app: the app's name.
        told: every change that was written, read before ``seen`` was.
        seen: firings, in any order; each schedule's without gaps from some time on.
        now: the present.
    """
    schedules: dict[str, _Schedule] = {}
    for row in told:
        of = schedules.setdefault(row.run_id.schedule, _Schedule())
        of.told.setdefault(row.run_id.scheduled_time, []).append(row)
    for firing in seen:
        of = schedules.setdefault(firing.run_id.schedule, _Schedule())
        of.seen[firing.run_id.scheduled_time] = firing
    return [
        Change(
            app=app,
            schedule=row.seen.run_id.schedule,
            scheduled_time=format_time(row.seen.run_id.scheduled_time),
            number=row.number,
            state=row.state,
            before=row.before,
            noticed_at=format_time(now),
            detail=row.seen.detail,
            cause=row.seen.cause,
        )
        for name in sorted(schedules)
        for row in schedules[name].news()
    ]


def open_troubles(told: Iterable[Told]) -> dict[str, RunId]:
    """The schedules that were told to be in trouble last, and since which firing."""
    latest: dict[str, Told] = {}
    for row in told:
        known = latest.get(row.run_id.schedule)
        if known is None or _order(row) > _order(known):
            latest[row.run_id.schedule] = row
    return {name: row.run_id for name, row in latest.items() if row.state.trouble}


def settled_until(seen: Iterable[Seen], now: datetime) -> datetime:
    """The time up to which no firing is open: where the next look begins."""
    times = [row.run_id.scheduled_time for row in seen if row.open]
    return min(times, default=now) - timedelta(seconds=1)


def _order(row: Told) -> tuple[datetime, int, bool]:
    return row.run_id.scheduled_time, row.number, row.state.bad


@frozen
class _News:
    seen: Seen
    number: int
    state: ScheduleState
    before: ScheduleState


@frozen
class _Schedule:
    """The firings of one schedule, by time: what was told of them, and what is seen."""

    told: dict[datetime, list[Told]] = field(factory=dict)
    seen: dict[datetime, Seen] = field(factory=dict)

    def news(self) -> Iterator[_News]:
        state = ScheduleState.WELL
        well = self._last_told_well()
        last = max((time for time, row in self.seen.items() if row.state), default=None)
        for time in sorted({*self.told, *self.seen}):
            rows = self.told.get(time, [])
            number, known = _latest(rows)
            seen = self.seen.get(time)
            before = state
            if known:
                state = _worst(known)
            if seen is None or seen.state is None:
                continue
            if seen.state in known:
                state = seen.state
                continue
            if seen.state is ScheduleState.WELL:
                # What follows decides, unless this is the latest firing that is known.
                over = not known or time == last
                if not state.bad or not over or (well is not None and time <= well):
                    continue
            elif not known and seen.state is before:
                continue
            yield _News(seen, number + 1, seen.state, state)
            state = seen.state

    def _last_told_well(self) -> datetime | None:
        """The latest firing at which the schedule was told to be well again."""
        times = (time for time, rows in self.told.items() if ScheduleState.WELL in _latest(rows)[1])
        return max(times, default=None)


def _latest(rows: Sequence[Told]) -> tuple[int, frozenset[ScheduleState]]:
    """The highest number among the changes of a firing, and the states that have it.

    Two audits that looked at one firing at different moments may both have written that number.
    """
    number = max((row.number for row in rows), default=0)
    return number, frozenset(row.state for row in rows if row.number == number)


def _worst(states: frozenset[ScheduleState]) -> ScheduleState:
    return next((state for state in reversed(ScheduleState) if state in states), ScheduleState.WELL)
