"""The ledger of an app: what the schedules owed, and what the bucket, ECS and SQS show of it.

What it costs grows with pages, not with runs: the outcome stands in each manifest's key, so a
thousand runs are one LIST. Only what has no manifest is looked into, and that by pages, too.
"""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial

from attrs import evolve, field, frozen

from toolkit.adapters.bucket.archive import Commit
from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.proof.sealed_days import DayFromSeals, SealedDays
from toolkit.app.proof.tasks import ends, records, terms_of
from toolkit.app.schedules.history import Deployments
from toolkit.core.errors import ConfigError
from toolkit.core.proof import ledger
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import run_of
from toolkit.core.proof.ledger import Committed, Firing, told_of
from toolkit.core.proof.log_digest import parse_event
from toolkit.core.proof.seal_chain import DAY, start_of
from toolkit.core.schedules.history import History
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId, parse_time

_FEW = 8
_AFTER = timedelta(days=1)
# ECS forgets a stopped task after an hour; a record may come minutes late.
_REMEMBERED, _ASKED = timedelta(hours=2), 100
_SLACK = timedelta(minutes=15)
_LONGEST = timedelta(days=16)
_TICK = timedelta(microseconds=1)


@frozen
class Period:
    """What to look at: the firings after ``since`` and up to ``until`` of some schedules, or all.

    ``ahead`` adds the next firing of each schedule, which is not due yet. With ``tasks``, sealed
    firings come with their tasks, too, which takes time and memory.
    """

    since: datetime
    until: datetime
    schedules: tuple[str, ...] = ()
    ahead: bool = False
    tasks: bool = False


@frozen
class Ledger:
    """The firings in order, read while they are taken, and since when the schedules are known.

    ``problems`` says what is wrong with the seals of the period, once the firings were taken.
    """

    names: tuple[str, ...]
    firings: Iterator[Firing]
    known: History
    problems: list[str] = field(factory=list)

    @property
    def known_since(self) -> datetime | None:
        """When the first deployment was recorded."""
        return self.known.earliest

    def coming(self, after: datetime, until: datetime) -> Iterator[Firing]:
        """The firings that the schedules, as they are deployed now, owe in a time to come."""
        for name in self.names:
            for time in self.known.firings(name, after, until):
                run_id = RunId(name, time)
                pause = self.known.paused(run_id)
                state = ledger.State.PAUSED if pause else ledger.State.NOT_YET_DUE
                yield Firing(run_id, state, pause)


def read(app: App, period: Period, known: History | None = None, *, sealed: bool = True) -> Ledger:
    """The ledger of a period; raises ConfigError for a schedule that never was.

    ``known`` is when the schedules were to fire, if not as they are live now. Days that were sealed
    are read from their seals, unless ``sealed`` is false.
    """
    now = app.now()
    known = known or Deployments(app, now).since(period.since)
    names = period.schedules or tuple(known.names)
    for name in names:
        if name not in known.names:
            raise ConfigError(
                f"no schedule {name!r} was deployed in that time",
                hint=f"there are {', '.join(known.names) or 'none'}",
            )
    days = SealedDays(app, period.since, period.until, now, tasks=period.tasks) if sealed else None
    live = partial(_live, app, known, names, now)
    if not days:
        return Ledger(tuple(names), live(period), known)
    return Ledger(tuple(names), _with_seals(days, period, live), known, days.problems)


def _live(
    app: App, known: History, names: Sequence[str], now: datetime, period: Period
) -> Iterator[Firing]:
    """The firings of a period from the runs themselves and their witnesses."""
    # What runs is asked first: a run that ends meanwhile has its manifest when that is listed.
    seen = LedgerSources(app, period, running_tasks(app), known=known, now=now)
    commits = app.archive.commits_each(names, period.since, period.until)
    streams = [_of_schedule(seen, known, name, commits[name], period, now) for name in names]
    return heapq.merge(*streams, key=_order)


def _with_seals(
    days: SealedDays, period: Period, live: Callable[[Period], Iterator[Firing]]
) -> Iterator[Firing]:
    """The firings of sealed days from their seals, and what lies between them live."""
    reached = period.since
    for found in days.days():
        begin = start_of(found.day) - _TICK
        end = begin + DAY
        if reached < begin:
            yield from live(evolve(period, since=reached, until=begin, ahead=False))
        within = evolve(period, since=max(begin, period.since), until=min(end, period.until))
        yield from _of_day(found, within, live)
        reached = end
    if reached < period.until or period.ahead:
        yield from live(evolve(period, since=min(reached, period.until)))


def _of_day(
    found: DayFromSeals, period: Period, live: Callable[[Period], Iterator[Firing]]
) -> Iterator[Firing]:
    """The firings of a sealed day within a period: those that no seal vouches for are read live."""
    sealed = (
        row
        for row in found.firings
        if not period.schedules or row.run_id.schedule in period.schedules
        if period.since < row.run_id.scheduled_time <= period.until
    )
    if not found.unconfirmed or period.since >= period.until:
        return sealed
    others = live(evolve(period, ahead=False))
    unconfirmed = (row for row in others if row.run_id in found.unconfirmed)
    return heapq.merge(sealed, unconfirmed, key=_order)


def _order(row: Firing) -> tuple[datetime, str]:
    return row.run_id.scheduled_time, row.run_id.schedule


def _of_schedule(
    seen: "LedgerSources",
    known: History,
    name: str,
    commits: Iterable[Commit],
    period: Period,
    now: datetime,
) -> Iterator[Firing]:
    expected = known.firings(name, period.since, period.until)
    committed = (
        committed_of(commit) for commit in commits if commit.run_id.scheduled_time > period.since
    )
    yield from ledger.firings(name, expected, committed, seen, now, known.paused)
    following = known.next(name, max(now, period.until)) if period.ahead else None
    if following is not None:
        yield Firing(RunId(name, following), ledger.State.NOT_YET_DUE)


def running_tasks(app: App) -> dict[RunId, Task]:
    """The tasks that have not stopped, by the run that they were launched for."""
    tasks = [task for task in app.ecs.describe(app.ecs.running()) if not task.stopped]
    runs = [(run_of(task), task) for task in tasks]
    return {run_id: task for run_id, task in runs if run_id is not None}


class LedgerSources:
    """What AWS shows of the runs of a period; each source is read when it is first asked for.

    Args:
        app: the app.
        period: the firings in question.
        running: the tasks that run.
        stopped: the tasks that stopped in the period, where all of them are known already.
        known: when the schedules were to fire, and how late.
        now: the present.
        claimed: the runs that claimed their folders, where all of them are known already.
    """

    def __init__(
        self,
        app: App,
        period: Period,
        running: Mapping[RunId, Task],
        stopped: Mapping[RunId, Task] | None = None,
        *,
        known: History,
        now: datetime,
        claimed: Collection[RunId] | None = None,
    ) -> None:
        self._app = app
        self._all_claimed = claimed
        self._period = period
        self._running = running
        self._stopped = stopped
        self._known = known
        self._now = now
        self._claimed = app.archive.claimed_runs()
        self._ends = TaskEnds(app, period.since, period.until)

    def duplicated(self, run_id: RunId) -> bool:
        """Whether a duplicate delivery was suppressed.

        Its log says so; where the logs went with the app, that two of its tasks ended does.
        """
        if self._app.kept_bucket:
            return run_id in self._ends.repeated
        return str(run_id) in self._duplicates

    def running(self, run_id: RunId) -> bool:
        """Whether a task of it runs."""
        return run_id in self._running

    def claimed(self, run_id: RunId) -> bool:
        """Whether a task claimed it."""
        if self._all_claimed is not None:
            return run_id in self._all_claimed
        return self._claimed.has(run_id)

    def dead_letter(self, run_id: RunId) -> DeadLetter | None:
        """The dead letter of its launch."""
        return self._letters.get(run_id)

    def launched(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Task]:
        """The tasks that were launched for some runs.

        They are searched for by name while they are few; otherwise all that stopped in their time.
        """
        if self._stopped is not None:
            return {run_id: self._stopped[run_id] for run_id in run_ids if run_id in self._stopped}
        if len(run_ids) <= _FEW:
            tasks = [task for run_id in run_ids for task in self._records([run_id])]
        else:
            tasks = self._records(run_ids)
        return latest_of(tasks, set(run_ids))

    def launch_window(self, run_id: RunId) -> float | None:
        """How late the launch of a firing may come, as its schedule was deployed then."""
        return self._known.launch_window(run_id)

    def record_days(self) -> int | None:
        """How long the app's records of tasks are kept."""
        return self._record_days

    def witnesses(self, committed: Sequence[Committed]) -> Mapping[RunId, Task]:
        """The tasks behind some runs: from the records of their ends, then from ECS itself.

        ECS is asked for those that ended so lately that it has not forgotten them.
        """
        known = self._running if self._stopped is None else {**self._running, **self._stopped}
        found = {row.run_id: known[row.run_id] for row in committed if row.run_id in known}
        over = {run_id for run_id, task in found.items() if task.stopped}
        rest = [row for row in committed if row.run_id not in over]
        found |= self._ends.of(rest)
        since = self._now - _REMEMBERED
        lost = [row for row in rest if row.run_id not in found and row.at and row.at > since]
        found |= self._remembered([row.run_id for row in lost][:_ASKED])
        return found | self._app.kept_tasks.of(
            row.run_id for row in rest if row.run_id not in found
        )

    def _remembered(self, run_ids: Sequence[RunId]) -> dict[RunId, Task]:
        """What ECS itself still knows of runs whose record has not arrived."""
        if not run_ids:
            return {}
        claims = self._app.archive.claims(run_ids).claims
        arns = [claim.task_arn for claim in claims.values() if claim.task_arn.startswith("arn:")]
        return latest_of(self._app.ecs.describe(arns), set(run_ids)) if arns else {}

    @cached_property
    def _record_days(self) -> int | None:
        if self._app.kept_bucket:
            return None  # the copies stay as long as the bucket
        group = self._app.platform.lifecycle_log_group_name
        return self._app.logs.groups(group).get(group)

    def _records(self, run_ids: Sequence[RunId]) -> list[Task]:
        first, last = run_ids[0], run_ids[-1]
        terms = terms_of(first) if len(run_ids) == 1 else [first.schedule, "STOPPED"]
        return list(records(self._app, terms, first.scheduled_time, last.scheduled_time))

    @cached_property
    def _letters(self) -> dict[RunId, DeadLetter]:
        letters = dead_letters.read(self._app, self._period.since)
        return {letter.run_id: letter for letter in letters if letter.run_id is not None}

    @cached_property
    def _duplicates(self) -> set[str]:
        """The runs of which a duplicate delivery says in its log that it touched nothing."""
        start, end = self._period.since, self._period.until + _AFTER
        duplicates = set()
        for group in self._app.logs.groups(f"/{self._app.name}/"):
            for message in self._app.logs.search(group, ["run.duplicate"], start, end):
                event = parse_event(message)
                if event is not None and event["event"] == "run.duplicate":
                    duplicates.add(str(event.get("run_id", "")))
        return duplicates


class TaskEnds:
    """The ends of tasks in the order of time, each read once, as far as somebody asks.

    A page of records serves every schedule. What nobody has asked for yet is remembered.
    ``repeated`` are the runs of which more than one task ended.
    """

    def __init__(self, app: App, since: datetime, until: datetime) -> None:
        self._app = app
        self._since = since - _SLACK
        self._until = until + _LONGEST
        self._known: dict[RunId, Task] = {}
        self.repeated: set[RunId] = set()
        self._records: Iterator[Task] | None = None
        self._read_to = self._since

    def of(self, committed: Sequence[Committed]) -> dict[RunId, Task]:
        """The task of each of these runs whose end was recorded."""
        times = [row.at or row.run_id.scheduled_time + _LONGEST for row in committed]
        if times:
            self._read(max(times) + _SLACK)
        return {
            row.run_id: self._known.pop(row.run_id)
            for row in committed
            if row.run_id in self._known
        }

    def _read(self, until: datetime) -> None:
        if self._records is None:
            self._records = ends(self._app, self._since, self._until)
        while self._read_to <= until:
            task = next(self._records, None)
            if task is None:
                self._read_to = datetime.max.replace(tzinfo=UTC)
                return
            stopped = task.times.get("stoppedAt")
            self._read_to = parse_time(stopped) if stopped else self._read_to
            run_id = run_of(task)
            before = self._known.get(run_id) if run_id is not None else None
            if run_id is not None and before is not None and before.task_arn != task.task_arn:
                self.repeated.add(run_id)
            # Of two deliveries the one that ended well is the run's.
            if run_id is not None and (before is None or before.exit_code != 0):
                self._known[run_id] = evolve(task, environment=told_of(task.environment))


def committed_of(commit: Commit) -> Committed:
    """A commit as the ledger takes it."""
    at = parse_time(commit.finished_at) if commit.finished_at else None
    return Committed(commit.run_id, commit.outcome, at)


def latest_of(tasks: Iterable[Task], wanted: set[RunId] | None = None) -> dict[RunId, Task]:
    """The latest state of a task of each run, of all runs or of the wanted ones."""
    latest: dict[RunId, Task] = {}
    for task in sorted(tasks, key=lambda task: task.version):
        run_id = run_of(task)
        if run_id is not None and (wanted is None or run_id in wanted):
            latest[run_id] = task
    return latest
