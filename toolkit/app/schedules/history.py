"""The history of deployments: one small object in the bucket after each that changes a schedule."""

from datetime import datetime

from toolkit.app.app import App
from toolkit.core.errors import ToolkitError
from toolkit.core.schedules import history
from toolkit.core.schedules.drift import suspects
from toolkit.core.schedules.history import History, Snapshot


def record(app: App) -> None:
    """Keep how the schedules stand now; a failure is told and fails nothing else.

    What was deployed stands either way, and the next record makes good for a missed one as far as
    the schedules have not changed again.
    """
    try:
        taken = _present(app)
        app.bucket.write(taken.key, taken.to_json(), "application/json")
    except ToolkitError as error:
        app.console.say(f"the deployment was not recorded for the ledger: {error.message}")


def read(app: App, since: datetime) -> History:
    """The timings of all schedules from ``since`` on, the present included."""
    present = _present(app)
    keys = history.needed(app.bucket.keys(history.PREFIX), since)
    contents = app.bucket.read_all(keys)
    return History([*(Snapshot.from_json(contents[key]) for key in sorted(contents)), present])


def _present(app: App) -> Snapshot:
    """What is live: most of it by listing, and whole only where the stack may not say it all."""
    deployed = app.stacks.schedules
    listed = {row.name: row for row in app.scheduler.listed()}
    doubtful = {*suspects(deployed, listed), *(set(listed) - set(deployed))}
    live = app.scheduler.find_all(sorted(doubtful))
    changed = {name: row.changed_at for name, row in listed.items()}
    return history.snapshot(app.now(), deployed, changed, live)
