"""What became of runs on demand: those that `toolkit run` started, and no schedule."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.proof.ledger import Period, committed_of, running_tasks
from toolkit.app.proof.status import WithoutDuplicates
from toolkit.app.proof.tasks import find_tasks
from toolkit.app.schedules.history import Deployments
from toolkit.core.causes.diagnosis import diagnose
from toolkit.core.proof.ledger import Committed, Firing, State, became
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId

# ECS forgets a stopped task after an hour; until its record is there, the claim names it.
_REMEMBERED = timedelta(hours=2)


def on_demand(app: App, names: Iterable[str], since: datetime, most: int) -> list[Firing]:
    """The latest ``most`` runs on demand of each schedule or workload since a time, in order.

    It takes a LIST of manifests and one of claims a thousand runs, those of firings included, and a
    search of the records for each run. One whose task never claimed it is known while it runs only.
    """
    now = app.now()
    # What runs is asked first: a run that ends meanwhile has its manifest when that is listed.
    running = running_tasks(app)
    found = side_by_side(lambda name: _latest(app, name, since, running, most), list(names))
    committed = {run_id: row for each in found for run_id, row in each.items()}
    run_ids = sorted(committed, key=lambda run_id: (run_id.scheduled_time, str(run_id)))
    if not run_ids:
        return []
    lately = [run_id for run_id in run_ids if now - run_id.scheduled_time < _REMEMBERED]
    claims = app.archive.claims(lately).claims if lately else {}
    arns = {run_id: claim.task_arn for run_id, claim in claims.items()}
    tasks = find_tasks(app, run_ids, arns).found
    known = Deployments(app, now).now
    sources = WithoutDuplicates(app, Period(since, now), running, known=known, now=now)
    return [
        _firing(run_id, committed[run_id], _owner(tasks[run_id]), sources, now)
        for run_id in run_ids
    ]


def _latest(
    app: App, name: str, since: datetime, running: Mapping[RunId, Task], most: int
) -> dict[RunId, Committed | None]:
    """The latest runs on demand; what each committed, the worst of several, or None."""
    claimed = deque(app.archive.claimed_on_demand(name, since), maxlen=most)
    commits = deque(_on_demand(map(committed_of, app.archive.commits(name, since))), maxlen=most)
    found: dict[RunId, Committed | None] = dict.fromkeys(claimed)
    found |= {run_id: None for run_id in running if run_id.schedule == name and run_id.token}
    for row in commits:
        before = found.get(row.run_id)
        found[row.run_id] = row if before is None or before.good else before
    latest = sorted(found, key=lambda run_id: run_id.scheduled_time)[-most:]
    return {run_id: found[run_id] for run_id in latest}


def _on_demand(committed: Iterable[Committed]) -> Iterator[Committed]:
    return (row for row in committed if row.run_id.token is not None)


def _owner(tasks: Sequence[Task]) -> Task | None:
    """Of several tasks, one that ended well, or the last."""
    return next((task for task in tasks if task.exit_code == 0), tasks[-1] if tasks else None)


def _firing(
    run_id: RunId,
    committed: Committed | None,
    task: Task | None,
    sources: WithoutDuplicates,
    now: datetime,
) -> Firing:
    if committed is not None:
        state, detail = became(committed, task, sources, now)
    elif task is not None and not task.stopped:
        state, detail = State.RUNNING, ""
    elif task is not None:
        why = diagnose(task)
        state, detail = State.NO_ARTIFACT, why.summary if why else "the task ended with exit code 0"
    else:
        state, detail = State.NO_ARTIFACT, "claimed, and never committed"
    return Firing(run_id, state, detail, task=task)
