"""What runs now, what ran last and what fires next; and the runs of a period."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.actions import history, ledger
from toolkit.actions.context import Context
from toolkit.adapters.ecs import Ecs
from toolkit.core.evidence import run_of
from toolkit.core.lifecycle import Lifecycle
from workloads.contract import Outcome, RunId, parse_time

# Most schedules ran within the last two days, which is one page; the others are looked for further.
_NEAR, _FAR = timedelta(days=2), timedelta(days=62)


@frozen
class Run:
    """A run that was committed, or one that runs (``outcome`` is None)."""

    run_id: RunId
    outcome: Outcome | None
    task: Lifecycle | None = None
    finished_at: str = ""


@frozen
class ScheduleStatus:
    """One schedule: its latest run, and its next firing in UTC."""

    name: str
    last: Run | None
    next: datetime | None


@frozen
class Status:
    """The app at this moment."""

    now: datetime
    running: list[Run]
    schedules: list[ScheduleStatus]


def status(context: Context) -> Status:
    """What runs, ran last and fires next."""
    now = context.now()
    known = history.read(context, now).history

    def one(name: str) -> ScheduleStatus:
        return ScheduleStatus(name, _last(context, name, now), known.next(name, now))

    with ThreadPoolExecutor(8) as pool:
        schedules = list(pool.map(one, known.names))
    return Status(now, running(context), schedules)


def running(context: Context) -> list[Run]:
    """The runs whose task has not stopped, the oldest first."""
    ecs = Ecs(context.aws, context.platform()["ClusterName"])
    tasks = [task for task in ecs.describe(ecs.running()) if not task.stopped]
    found = [(run_of(task), task) for task in tasks]
    rows = [Run(run_id, None, task) for run_id, task in found if run_id is not None]
    return sorted(rows, key=lambda run: run.run_id.scheduled_time)


def runs(
    context: Context,
    since: datetime,
    schedules: tuple[str, ...] = (),
    outcome: Outcome | None = None,
) -> list[Run]:
    """The runs of a period, firings and on demand, the latest first."""
    names = schedules or tuple(history.read(context, since).history.names)
    names = tuple(dict.fromkeys((*names, *(schedules or context.project.catalog.workloads))))
    found = [
        Run(run_id, how, None, finished)
        for run_id, how, finished in ledger.outcomes(context, names, since)
    ]
    if outcome is not None:
        found = [run for run in found if run.outcome is outcome]
    else:
        done = {run.run_id for run in found}
        found += [
            run
            for run in running(context)
            if run.run_id not in done and run.run_id.schedule in names
        ]
    return sorted(found, key=lambda run: run.run_id.scheduled_time, reverse=True)


def _last(context: Context, name: str, now: datetime) -> Run | None:
    for back in (_NEAR, _FAR):
        found = list(ledger.outcomes(context, [name], now - back))
        if found:
            run_id, outcome, finished = max(found, key=lambda row: parse_time(row[2]))
            return Run(run_id, outcome, None, finished)
    return None
