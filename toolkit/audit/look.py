"""Everything that an audit looks at: firings, expired schedules, and why a firing was missed.

What was to happen is what deployments recorded. What is live now does not count: a schedule that
somebody disabled or deleted behind its stack still owes its firings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import evolve, frozen

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.tasks import find_tasks
from toolkit.core.changes.change import Change, ScheduleState, Told
from toolkit.core.changes.decision import Seen, open_troubles, seen_of
from toolkit.core.errors import ToolkitError
from toolkit.core.names import AUDIT
from toolkit.core.proof.ledger import Firing, State
from toolkit.core.schedules.history import History, Snapshot, snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.core.task import StopCode, Task
from toolkit.runtime.contract import RunId, parse_time

# ECS may stop a run after 14 days; what is older is settled.
LONGEST = timedelta(days=16)
_TICK = timedelta(seconds=1)
_UNFINISHED = frozenset({State.FAILED, State.INTERRUPTED, State.TIMED_OUT, State.NO_ARTIFACT})


@frozen
class Expected:
    """What was to happen, by the deployments that were recorded: ``timings`` are the last ones."""

    known: History
    timings: Mapping[str, Timing]

    @property
    def names(self) -> tuple[str, ...]:
        """Every schedule but the audit's own: whether that runs is the alarm's matter."""
        return tuple(name for name in self.known.names if name != AUDIT)

    @property
    def enabled(self) -> frozenset[str]:
        """The schedules that the last deployment left there and enabled."""
        return frozenset(name for name, row in self.timings.items() if row.timetable().enabled)


@frozen
class Sight:
    """What an audit saw of all firings, and which schedules are to fire at all."""

    seen: list[Seen]
    enabled: frozenset[str]


def expected(app: App, since: datetime, now: datetime) -> Expected:
    """What was to happen since a time; where nothing was recorded, by the schedules as they are."""
    snapshots = app.archive.deployments(since) or [_live(app, now)]
    last = {row.name: row for row in snapshots[-1].schedules}
    return Expected(History(snapshots), last)


def _live(app: App, now: datetime) -> Snapshot:
    """The schedules as they are, for an app that the plain AWS CLI has deployed."""
    names = [row.name for row in app.scheduler.listed()]
    return snapshot(now, {}, {}, app.scheduler.find_all(names))


def look(app: App, told: Sequence[Told], since: datetime, now: datetime) -> Sight:
    """The firings after ``since``, those that were told to be bad before it, and expired schedules.

    A run of the audit itself is not among them.
    """
    troubles = {
        name: run_id
        for name, run_id in open_troubles(told).items()
        if run_id.scheduled_time <= since and now - run_id.scheduled_time < LONGEST
    }
    earliest = min((run_id.scheduled_time for run_id in troubles.values()), default=since)
    plan = expected(app, min(since, earliest) - _TICK, now)
    names = plan.names
    rows = list(_firings(app, plan, names, since, now))
    for name, run_id in troubles.items():
        if name in names:
            begin, end = run_id.scheduled_time - _TICK, run_id.scheduled_time
            rows += _firings(app, plan, (name,), begin, end)
    mailed = _mailed(app, rows)
    windows = {name: row.flexible_window_minutes for name, row in plan.timings.items()}
    seen = [
        seen_of(
            row,
            now,
            flexible=timedelta(minutes=windows.get(row.run_id.schedule, 0)),
            mailed=row.run_id in mailed,
        )
        for row in rows
    ]
    return Sight([*seen, *_expired(plan, now)], plan.enabled)


def _firings(
    app: App, plan: Expected, names: tuple[str, ...], since: datetime, until: datetime
) -> Iterator[Firing]:
    # Not from seals: the audit writes them, and what became of a run since (made good, a late
    # record) shows in the bucket alone. Little of what it looks at is old enough to be sealed.
    if names:
        yield from ledger.read(
            app, ledger.Period(since, until, names), plan.known, sealed=False
        ).firings


def _mailed(app: App, rows: Iterable[Firing]) -> set[RunId]:
    """The firings about which a rule of the platform has sent a mail.

    That is so where the state change that the rule looks at has arrived: its record is there.
    """
    failed, mailed = [], set()
    for row in rows:
        if row.state is State.DEAD_LETTERED:
            mailed.add(row.run_id)
        elif row.state in _UNFINISHED:
            failed.append(row.run_id)
    if failed:
        tasks = find_tasks(app, failed).found
        mailed |= {run_id for run_id in failed if any(map(rings, tasks[run_id]))}
    return mailed


def rings(task: Task) -> bool:
    """Whether FailedRunRule of templates/platform.yaml sent a mail about the end of a task."""
    if not task.stopped or task.source != "record":
        return False
    return (
        task.stop_code != StopCode.ESSENTIAL_CONTAINER_EXITED
        or (task.exit_code or 0) != 0
        or (task.container_reason or "").startswith("OutOfMemoryError")
    )


def _expired(plan: Expected, now: datetime) -> Iterator[Seen]:
    """Schedules that are deployed and enabled, and fire no more; a one-time one is just done."""
    for name, timing in plan.timings.items():
        why = plan.known.spent(name, now)
        if not why or name == AUDIT or timing.expression.startswith("at("):
            continue
        end = parse_time(timing.end) if timing.end else None
        last = end if end and end <= now else plan.known.latest(name, now)
        at = (last or parse_time(timing.changed_at)).replace(microsecond=0) + _TICK
        yield Seen(RunId(name, at), ScheduleState.EXPIRED, why)


def with_causes(app: App, changes: Iterable[Change], now: datetime) -> list[Change]:
    """Changes with what is wrong with the schedule itself, where a firing was missed."""
    rows = list(changes)
    missed = {row.schedule for row in rows if row.state is ScheduleState.MISSED}
    timings = expected(app, now, now).timings if missed else {}
    causes = {name: _cause(app, timings[name]) for name in sorted(missed & timings.keys())}
    return [
        evolve(row, cause=causes.get(row.schedule, ""))
        if row.state is ScheduleState.MISSED
        else row
        for row in rows
    ]


def _cause(app: App, timing: Timing) -> str:
    """How a live schedule differs from the deployed one; empty where it does not."""
    try:
        live = app.scheduler.find(timing.name)
    except ToolkitError:
        return ""  # the change counts, whether or not somebody lets us ask
    if live is None:
        return "the schedule was deleted behind its stack"
    if live.state != timing.state:
        return f"the schedule is {live.state}, and was deployed {timing.state}"
    now, then = live.timing, timing
    for word in ("expression", "timezone", "start", "end"):
        if getattr(now, word) != getattr(then, word):
            live_value, deployed = getattr(now, word) or "none", getattr(then, word) or "none"
            return f"the schedule's {word} is {live_value}, and was deployed as {deployed}"
    return ""
