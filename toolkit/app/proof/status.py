"""What runs now, what became of the latest run, what fires next; and the runs of a period."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.adapters.s3 import Bucket
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.schedules import history
from toolkit.core.proof.evidence import run_of
from toolkit.core.proof.ledger import OUTCOMES, State
from toolkit.core.schedules.history import History
from toolkit.core.task import Task
from toolkit.runtime.contract import ContractError, Outcome, RunId

# Most schedules ran within the last two days, which is one page; the others are looked for further.
_NEAR, _FAR = timedelta(days=2), timedelta(days=62)
_AHEAD = frozenset({State.NOT_YET_DUE, State.LATE})
_NO_RUN = frozenset({State.MISSED, State.DEAD_LETTERED})


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

    ``spent`` says why it fires no more although it is enabled.
    """

    name: str
    last: RunSummary | None
    next: datetime | None
    spent: str = ""


@frozen
class AppStatus:
    """The app at this moment."""

    now: datetime
    running: list[RunSummary]
    schedules: list[ScheduleStatus]


def status(app: App) -> AppStatus:
    """What runs, what became of each schedule's latest firing or run, and what fires next."""
    now = app.now()
    known = history.read(app, now)
    latest: dict[str, RunSummary] = {}
    for back in (_NEAR, _FAR):
        silent = [name for name in known.names if name not in latest]
        for run in _all(app, silent, now - back, known) if silent else ():
            if run.state is not State.RUNNING:
                latest.setdefault(run.run_id.schedule, run)
    schedules = [
        ScheduleStatus(name, latest.get(name), known.next(name, now), known.spent(name, now))
        for name in known.names
    ]
    return AppStatus(now, running(app), schedules)


def running(app: App) -> list[RunSummary]:
    """The runs whose task has not stopped, the oldest first."""
    tasks = [task for task in app.ecs.describe(app.ecs.running()) if not task.stopped]
    found = [(run_of(task), task) for task in tasks]
    rows = [
        RunSummary(run_id, State.RUNNING, task=task) for run_id, task in found if run_id is not None
    ]
    return sorted(rows, key=lambda run: run.run_id.scheduled_time)


def runs(
    app: App,
    since: datetime,
    schedules: tuple[str, ...] = (),
    outcome: Outcome | None = None,
) -> list[RunSummary]:
    """The runs of a period, firings and on demand, the latest first.

    A run that left no manifest is one of them; a firing that was missed or dead-lettered is none.
    """
    known = history.read(app, since)
    names = schedules or tuple(dict.fromkeys((*known.names, *app.project.catalog.workloads)))
    found = _all(app, names, since, known)
    if outcome is not None:
        return [run for run in found if run.outcome is outcome]
    return [run for run in found if run.state not in _NO_RUN]


def _all(app: App, names: Sequence[str], since: datetime, known: History) -> list[RunSummary]:
    """Every run and every firing that was due, the latest first.

    Claims are asked for first, manifests last: a run that was claimed either still runs when the
    tasks are asked for, or has left its manifest by then.
    """
    rows = {
        each: RunSummary(each, State.NO_ARTIFACT) for each in _claimed(app.bucket, names, since)
    }
    rows |= {run.run_id: run for run in running(app) if run.run_id.schedule in names}
    scheduled = tuple(name for name in names if name in known.names)
    if scheduled:
        period = ledger.Period(since, app.now(), scheduled)
        for firing in ledger.read(app, period).firings:
            if firing.state not in _AHEAD:
                rows.setdefault(firing.run_id, RunSummary(firing.run_id, firing.state))
    for run_id, outcome, finished in ledger.outcomes(app, names, since):
        before = rows.get(run_id)
        if before is None or before.outcome in {None, Outcome.SUCCEEDED}:
            rows[run_id] = RunSummary(run_id, OUTCOMES[outcome], outcome, finished)
    return sorted(rows.values(), key=lambda run: run.run_id.scheduled_time, reverse=True)


def _claimed(bucket: Bucket, names: Sequence[str], since: datetime) -> Iterator[RunId]:
    for name in names:
        prefix = f"runs/{name}/"
        for folder in bucket.each_folder(prefix, after=f"{prefix}{name}-{since:%Y%m%dT%H%M%SZ}"):
            try:
                yield RunId.parse(folder.rstrip("/").rpartition("/")[2])
            except ContractError:
                continue  # somebody else's folder
