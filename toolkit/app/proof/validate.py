"""Validate runs: gather their evidence, judge it, and show where their artifacts are."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from attrs import evolve, frozen

from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.evidence import Gatherer, download
from toolkit.app.proof.tasks import records
from toolkit.app.schedules.history import Deployments
from toolkit.core.errors import RunError
from toolkit.core.names import task_id
from toolkit.core.proof.evidence import Evidence, run_of
from toolkit.core.proof.ledger import State
from toolkit.core.proof.verdict import Ruling, Verdict, judge
from toolkit.core.time_words import EPOCH
from toolkit.runtime.contract import RunId, parse_time

# Seconds between two looks at a run that is waited for: at first, and at most. In between they are
# a twentieth of what was waited, so that a stream of hours is not asked for thousands of times.
_POLL_SECONDS, _LOCAL_POLL_SECONDS = (5.0, 30.0), (0.3, 2.0)
_POLL_PART = 20
_AT_ONCE = 1000
_UNJUDGED = frozenset({State.RUNNING, State.SETTLING, State.LATE, State.NOT_YET_DUE, State.PAUSED})
# The platform keeps its state-change records longer; a task that is asked for by name is recent.
_TASK_BACK = timedelta(days=90)


@frozen
class Validation:
    """A verdict with the evidence under it, and the artifacts that were downloaded."""

    verdict: Verdict
    evidence: Evidence
    files: tuple[Path, ...] = ()


def validate(app: App, run_id: RunId, *, wait: float = 0.0) -> Validation:
    """The verdict on one run; see `validate_all`."""
    return next(validate_all(app, [run_id], wait=wait))


def validate_all(
    app: App,
    run_ids: Sequence[RunId],
    *,
    wait: float = 0.0,
    deep: bool = False,
    directory: Path | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Validation]:
    """The verdicts on runs in the order given, each as of when its evidence was gathered.

    Inconclusive ones are asked again for up to ``wait`` seconds, and those whose task still runs: a
    manifest may tell of a failure before ECS tells why. A thousand are read at a time, so the
    memory that it takes does not grow with their number. With a ``directory`` the artifacts of each
    are downloaded into ``directory/<run-id>``.
    """
    began = clock()
    deadline = began + wait
    gatherer = Gatherer(app)
    for start in range(0, len(run_ids), _AT_ONCE):
        chunk = run_ids[start : start + _AT_ONCE]
        found: dict[RunId, Validation] = {}
        wanted = list(dict.fromkeys(chunk))
        while wanted:
            for run_id, evidence in gatherer.gather_all(wanted, deep=deep).items():
                as_of = parse_time(evidence.gathered_at)
                verdict = judge(evidence, as_of)
                found[run_id] = Validation(verdict, evidence)
            wanted = [run_id for run_id in wanted if _may_change(found[run_id])]
            if not wanted or clock() >= deadline:
                break
            first, most = _LOCAL_POLL_SECONDS if app.local else _POLL_SECONDS
            now = clock()
            poll = min(max(first, (now - began) / _POLL_PART), most)
            sleep(min(poll, max(0.1, deadline - now)))
            gatherer = Gatherer(app)
        for run_id in chunk:
            files = _fetch(app, found[run_id].evidence, directory) if directory else ()
            yield evolve(found[run_id], files=files)


@frozen
class Over:
    """The firings of a period to judge, and how many are not, by their state.

    ``problems`` is what is wrong with the seals of the period.
    """

    run_ids: list[RunId]
    left_out: Counter[State]
    known_since: datetime | None
    problems: Sequence[str] = ()


def over_since(app: App, since: datetime, schedules: tuple[str, ...] = ()) -> Over:
    """Every firing since a time that has come to an end: what ran, failed, or never came to be.

    The ledger says which those are; what still runs, may yet be launched or was paused is left out.
    """
    found = ledger.read(app, ledger.Period(since, app.now(), schedules))
    run_ids, left_out = [], Counter[State]()
    for firing in found.firings:
        if firing.state in _UNJUDGED:
            left_out[firing.state] += 1
        else:
            run_ids.append(firing.run_id)
    return Over(run_ids, left_out, found.known_since, found.problems)


def _may_change(found: Validation) -> bool:
    running = any(not task.stopped for task in found.evidence.tasks)
    return running or found.verdict.ruling is Ruling.INCONCLUSIVE


def latest(app: App, schedule: str) -> RunId:
    """The latest run of a schedule: what fired last, or was to fire since and did not."""
    now = app.now()
    deployments = Deployments(app, now, schedule)
    # Only where the schedule has not fired since it was changed, earlier deployments are looked at.
    due = deployments.now.latest(schedule, now) or deployments.since(EPOCH).latest(schedule, now)
    claimed = app.archive.latest_claimed(schedule, now)
    runs = [RunId(schedule, due)] if due is not None else []
    runs += [claimed] if claimed is not None else []
    if not runs:
        raise RunError(
            f"schedule {schedule} has no run and no past firing", hint="toolkit schedules"
        )
    return max(runs, key=lambda run_id: run_id.scheduled_time)


def run_of_task(app: App, task: str) -> RunId:
    """The run that a task was launched for, from its ARN or its id."""
    known = app.ecs.describe([task])
    if not known:
        now = app.now()
        since = EPOCH if app.kept_bucket else now - _TASK_BACK
        known = list(records(app, [task_id(task)], since, now))
    for each in known:
        run_id = run_of(each)
        if run_id is not None:
            return run_id
    raise RunError(
        f"task {task} is not a run of this app, or ECS and its records no longer know it",
        hint="toolkit runs lists the runs that are known",
    )


def _fetch(app: App, evidence: Evidence, directory: Path) -> tuple[Path, ...]:
    if evidence.manifest is None:
        return ()
    target = directory / evidence.run_id
    target.mkdir(parents=True, exist_ok=True)
    artifacts = evidence.manifest.artifacts
    return tuple(path for _, path in download(app.archive, evidence, artifacts, target))
