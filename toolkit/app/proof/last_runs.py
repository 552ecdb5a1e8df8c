"""The last run of each schedule, from the keys of the manifests alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice

from attrs import frozen

from toolkit.adapters.s3 import Bucket
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.schedules.firings import Timetable
from toolkit.runtime.contract import RunId

_BACK = timedelta(days=30)
_FIRINGS = 20


@frozen
class LastRun:
    """The latest run that has left a manifest."""

    run_id: RunId
    outcome: str


def last_runs(app: App, timetables: Mapping[str, Timetable]) -> dict[str, LastRun]:
    """By name, for the schedules that ran within the last month: about one LIST each."""
    store = app.bucket
    now = app.now()

    def latest(name: str) -> LastRun | None:
        # A schedule of every minute has 43,200 keys a month; its last firings are enough.
        recent, oldest = _recent(timetables[name], now), now - _BACK
        found = _latest(store, name, recent)
        return found if found or recent <= oldest else _latest(store, name, oldest)

    found = dict(zip(timetables, side_by_side(latest, timetables), strict=True))
    return {name: run for name, run in found.items() if run is not None}


def _recent(timetable: Timetable, now: datetime) -> datetime:
    if not timetable.enabled:
        return now - _BACK
    times = timetable.expression.firings_before(
        now, timetable.zone, now - _BACK, start=timetable.start, anchor=timetable.anchor
    )
    return min(islice(times, _FIRINGS), default=now - _BACK)


def _latest(store: Bucket, name: str, since: datetime) -> LastRun | None:
    after = f"ledger/{name}/{name}-{since:%Y%m%dT%H%M%SZ}"
    keys = store.keys(f"ledger/{name}/", after=after)
    if not keys:
        return None
    run_id, outcome = keys[-1].rpartition("/")[2].rsplit(".", 2)[:2]
    return LastRun(RunId.parse(run_id), outcome)
