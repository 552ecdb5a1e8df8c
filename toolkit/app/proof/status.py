"""What runs now, what became of the latest run, what fires next; and the runs of a period."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.deploying import prune
from toolkit.app.proof.ledger import (
    LedgerSources,
    Period,
    committed_of,
    latest_of,
    running_tasks,
)
from toolkit.app.proof.sealed_runs import SealedRuns
from toolkit.app.proof.tasks import records
from toolkit.app.schedules.history import Deployments
from toolkit.core.deploying.retired import Retired
from toolkit.core.proof.ledger import OUTCOMES, Committed, State, became, firings
from toolkit.core.schedules.history import History
from toolkit.core.schedules.timing import Pause
from toolkit.core.task import Task
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import Outcome, RunId

# Most schedules ran within the last two days, which is one page; the others are looked for further.
_NEAR, _FAR = timedelta(days=2), timedelta(days=62)
# Of a schedule that fires often, its last firings are enough.
_FIRINGS = 3
_TICK = timedelta(microseconds=1)
_AHEAD = frozenset({State.NOT_YET_DUE, State.LATE})
_FADED = frozenset({State.WITNESS_EXPIRED, State.UNWITNESSED})
_NO_RUN = frozenset({State.MISSED, State.DEAD_LETTERED, State.PAUSED})


@frozen
class RunSummary:
    """A run, or a firing that became none; ``outcome`` and ``finished_at`` are its manifest's."""

    run_id: RunId
    state: State
    outcome: Outcome | None = None
    finished_at: str = ""
    task: Task | None = None


@frozen
class ScheduleStatus:
    """One schedule: what became of it last, and its next firing in UTC.

    ``spent`` says why it fires no more although it is enabled, ``disabled`` since when it is so
    although it was deployed enabled; ``next`` lies after the ``pause``.
    """

    name: str
    last: RunSummary | None
    next: datetime | None
    spent: str = ""
    pause: Pause | None = None
    disabled: datetime | None = None


@frozen
class AppStatus:
    """The app at this moment; what is ``retired`` is deployed, but not in the project any more."""

    now: datetime
    running: list[RunSummary]
    schedules: list[ScheduleStatus]
    retired: list[Retired]


class WithoutDuplicates(LedgerSources):
    """A run that was delivered twice is one run: here nobody asks for the second delivery."""

    def duplicated(self, run_id: RunId) -> bool:  # noqa: ARG002 - as the sources have it
        """No."""
        return False


def status(app: App) -> AppStatus:
    """What runs, what became of each schedule's latest firing or run, and what fires next."""
    now = app.now()
    deployments = Deployments(app, now)
    running = running_tasks(app)
    latest = latest_runs(app, deployments, running, now)
    known = deployments.since(now - _NEAR)
    schedules = [
        ScheduleStatus(
            name,
            latest.get(name),
            known.next(name, now),
            known.spent(name, now),
            known.pause_at(name, now),
            known.disabled.get(name),
        )
        for name in deployments.names
    ]
    retired = [] if app.kept_bucket else prune.listed(app)
    return AppStatus(now, _summaries(running), schedules, retired)


def latest_runs(
    app: App, deployments: Deployments, running: Mapping[RunId, Task], now: datetime
) -> dict[str, RunSummary]:
    """By schedule, what became of its latest firing or run that is over."""
    latest: dict[str, RunSummary] = {}
    # A deleted app may have been silent for years.
    for back in (now - EPOCH,) if app.kept_bucket else (_NEAR, _FAR):
        known = deployments.since(now - back)
        names = [name for name in deployments.names if name not in latest]
        since = {name: max(now - back, _recent(known, name, now)) for name in names}
        # Records of two days are few; of two months, only those of silent firings are searched.
        stopped = _stopped(app, min(since.values()), now) if back is _NEAR and since else None
        for run in _runs(app, since, known, running, stopped, now):
            if run.state is not State.RUNNING:
                latest.setdefault(run.run_id.schedule, run)
        if latest.keys() >= set(deployments.names):
            break
    return latest


def runs(
    app: App,
    since: datetime,
    schedules: tuple[str, ...] = (),
    outcome: Outcome | None = None,
) -> list[RunSummary]:
    """The runs of a period, firings and on demand, the latest first.

    A run that left no manifest is one of them; a firing that was missed, dead-lettered
    or paused is none.
    """
    now = app.now()
    known = Deployments(app, now).since(since)
    names = schedules or tuple(dict.fromkeys((*known.names, *app.project.catalog.workloads)))
    running = running_tasks(app)
    stopped = _stopped(app, since, now)
    rows = _runs(app, dict.fromkeys(names, since), known, running, stopped, now)
    if outcome is not None:
        return [run for run in rows if run.outcome is outcome]
    return [run for run in rows if run.state not in _NO_RUN]


def _runs(
    app: App,
    since: Mapping[str, datetime],
    known: History,
    running: Mapping[RunId, Task],
    stopped: Mapping[RunId, Task] | None,
    now: datetime,
) -> list[RunSummary]:
    """Every run and every firing that was due since a time for each schedule, the latest first.

    What runs was asked for first and manifests come last: a run either still ran when the tasks
    were asked for, or has left its manifest by then. A run on demand whose task nobody saw is known
    by its claim.
    """
    if not since:
        return []
    claimed = {run_id for runs in app.archive.claimed_of(since).values() for run_id in runs}
    asked_for = {run_id for run_id in claimed if run_id.token is not None}
    if asked_for - {*running, *(stopped or ())}:
        # One of them may have begun after the tasks were listed.
        running = {**running_tasks(app), **running}
    rows = _without_manifest(since, asked_for, running, stopped or {})
    commits = app.archive.commits_of(since)
    period = Period(min(since.values()), now)
    sources = WithoutDuplicates(
        app, period, running, stopped, known=known, now=now, claimed=claimed
    )
    for name, time in since.items():
        committed = [committed_of(commit) for commit in commits[name]]
        on_demand = [row for row in committed if row.run_id.token is not None]
        expected = known.firings(name, time - _TICK, now)
        due = firings(name, expected, committed, sources, now, known.paused)
        states = _states_on_demand(on_demand, sources, now)
        states |= _with_seals(app, {row.run_id: row.state for row in due}, now)
        for run_id, state in states.items():
            if run_id.token is None and state not in _AHEAD:
                rows.setdefault(run_id, RunSummary(run_id, state))
        for commit in commits[name]:
            before = rows.get(commit.run_id)
            if before is None or before.outcome in {None, Outcome.SKIPPED, Outcome.SUCCEEDED}:
                rows[commit.run_id] = RunSummary(
                    commit.run_id,
                    states.get(commit.run_id, OUTCOMES[commit.outcome]),
                    commit.outcome,
                    commit.finished_at,
                )
    return _latest_first(rows.values())


def _states_on_demand(
    runs: Sequence[Committed], sources: LedgerSources, now: datetime
) -> dict[RunId, State]:
    """What became of runs on demand that were committed."""
    witnesses = sources.witnesses([row for row in runs if row.good])
    return {row.run_id: became(row, witnesses.get(row.run_id), sources, now)[0] for row in runs}


def _with_seals(app: App, states: Mapping[RunId, State], now: datetime) -> Mapping[RunId, State]:
    """The same; where no witness knows a firing any more, as its seal has it, as in the ledger."""
    faded = [run_id for run_id, state in states.items() if state in _FADED]
    if not faded:
        return states
    sealed = SealedRuns(app)
    sealed.read(faded, now)
    known = {run_id: state for run_id in faded if (state := sealed.state(run_id)) is not None}
    return {**states, **known}


def _without_manifest(
    since: Mapping[str, datetime],
    claimed: Iterable[RunId],
    running: Mapping[RunId, Task],
    stopped: Mapping[RunId, Task],
) -> dict[RunId, RunSummary]:
    """What claims and tasks show of the runs that were due since a time for each schedule."""
    rows = {run_id: RunSummary(run_id, State.NO_ARTIFACT) for run_id in claimed}
    for tasks, state in ((stopped, State.NO_ARTIFACT), (running, State.RUNNING)):
        for run_id, task in tasks.items():
            if run_id.schedule in since and run_id.scheduled_time >= since[run_id.schedule]:
                rows[run_id] = RunSummary(run_id, state, task=task)
    return rows


def _stopped(app: App, since: datetime, now: datetime) -> dict[RunId, Task]:
    """The tasks of runs that were due in a period and have stopped, by run."""
    tasks = records(app, ["STOPPED"], since, now)
    return latest_of(task for task in tasks if task.stopped)


def _recent(known: History, name: str, now: datetime) -> datetime:
    """When a schedule fired some firings ago, or long ago."""
    time = now
    for _ in range(_FIRINGS):
        before = known.latest(name, time - _TICK)
        if before is None:
            return now - _FAR
        time = before
    return time


def _summaries(running: Mapping[RunId, Task]) -> list[RunSummary]:
    rows = [RunSummary(run_id, State.RUNNING, task=task) for run_id, task in running.items()]
    return _latest_first(rows)[::-1]


def _latest_first(rows: Iterable[RunSummary]) -> list[RunSummary]:
    return sorted(rows, key=lambda run: run.run_id.scheduled_time, reverse=True)
