"""Run a firing that did not happen, under the run id that it would have had."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.proof.ledger import running_tasks
from toolkit.app.proof.tasks import find_tasks
from toolkit.app.schedules.history import Deployments
from toolkit.app.schedules.run import Started, launch
from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.core.proof import make_good
from toolkit.core.schedules.history import History
from toolkit.core.schedules.target import overlap_of, own_environment
from toolkit.runtime.contract import OverlapPolicy, RunId

_SECOND = timedelta(seconds=1)


@frozen
class Wanted:
    """A firing that may be made good: what its schedule runs, who asks for it, why, how late."""

    run_id: RunId
    target: Mapping[str, Any]
    by: str
    why: str
    late: timedelta


def timezone(app: App, name: str) -> str:
    """The zone in which the times of a schedule are read: its own, as it is deployed.

    Raises:
        ConfigError: there is no such schedule.
    """
    known = app.stacks.schedules.get(name) or app.scheduler.find(name)
    if known is None:
        raise _not_deployed(name)
    return known.timezone or "UTC"


def plan(app: App, name: str, time: datetime, why: str) -> Wanted:
    """Check that a firing may be made good; ConfigError says why not, EvidenceError what is unread.

    ``time`` is when it was due, by the deployments of that time.
    """
    if why:
        make_good.check_text("--why", why)
    now = app.now()
    run_id = RunId(name, time.replace(microsecond=0))
    make_good.check(_known(app, run_id, now), now)
    target = app.scheduler.target(name)
    if target is None:
        raise _not_deployed(name)
    if overlap_of(target.get("Input")) == OverlapPolicy.SKIP:
        make_good.check_alone(run_id, running_tasks(app))
    return Wanted(run_id, target, app.caller, why, now - run_id.scheduled_time)


def _not_deployed(name: str) -> ConfigError:
    return ConfigError(f"schedule {name} is not deployed: nothing says how to run it")


def start(app: App, wanted: Wanted) -> Started:
    """Start the run; if the firing is delivered after all, the claim lets one of both win."""
    return launch(
        app,
        wanted.target,
        wanted.run_id,
        own_environment(wanted.target.get("Input")),
        token=secrets.token_hex(3),
        more=make_good.variables(wanted.by, wanted.why),
    )


def _known(app: App, run_id: RunId, now: datetime) -> make_good.Known:
    """What bucket, records, ECS and queue know of a firing; what cannot be read is an error."""
    history = Deployments(app, now).since(run_id.scheduled_time)
    claims = app.archive.claims([run_id])
    owner = claims.claims[run_id].task_arn if run_id in claims.claims else None
    if run_id in claims.problems:
        raise EvidenceError(claims.problems[run_id])
    letters = dead_letters.read(app, run_id.scheduled_time)
    return make_good.Known(
        run_id,
        history.expects(run_id),
        _near(history, run_id),
        history.launch_window(run_id),
        owner,
        tuple(row.key for row in app.archive.committed([run_id])[run_id]),
        find_tasks(app, [run_id]).of(run_id),
        any(letter.run_id == run_id for letter in letters),
    )


def _near(history: History, run_id: RunId) -> tuple[datetime, ...]:
    """The firings around a time; those that were not due either are left out."""
    before = history.latest(run_id.schedule, run_id.scheduled_time - _SECOND)
    after = history.next(run_id.schedule, run_id.scheduled_time)
    near = (time for time in (before, after) if time is not None)
    return tuple(t for t in near if history.expects(RunId(run_id.schedule, t)) == "due")
