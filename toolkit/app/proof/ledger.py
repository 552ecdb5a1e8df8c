"""The ledger of an app: what the schedules owed, and what the bucket, ECS and SQS show of it.

What it costs grows with pages, not with runs: the outcome stands in each manifest's key, so a
thousand runs are one LIST. Only what has no manifest is looked into, and that by pages, too.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import frozen

from toolkit.adapters.s3 import Bucket
from toolkit.app.app import App
from toolkit.app.proof import dead_letters
from toolkit.app.proof.tasks import records
from toolkit.app.schedules import history
from toolkit.core.errors import ConfigError
from toolkit.core.proof import ledger
from toolkit.core.proof.dead_letter import DeadLetter
from toolkit.core.proof.evidence import run_of
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.log_digest import parse_event
from toolkit.core.schedules.history import History
from toolkit.core.task import Task
from toolkit.runtime.contract import Outcome, RunId

_FEW = 8
_BEFORE, _AFTER = timedelta(minutes=5), timedelta(days=1)
_COMPACT = "%Y%m%dT%H%M%SZ"


@frozen
class Period:
    """What to look at: the firings after ``since`` and up to ``until`` of some schedules, or all.

    ``ahead`` adds the next firing of each schedule, which is not due yet.
    """

    since: datetime
    until: datetime
    schedules: tuple[str, ...] = ()
    ahead: bool = False


@frozen
class Ledger:
    """The firings in order, read while they are taken, and since when the schedules are known."""

    names: tuple[str, ...]
    firings: Iterator[Firing]
    known_since: datetime | None


def read(app: App, period: Period) -> Ledger:
    """The ledger of a period; raises ConfigError for a schedule that never was."""
    known = history.read(app, period.since)
    names = period.schedules or tuple(known.names)
    for name in names:
        if name not in known.names:
            raise ConfigError(
                f"no schedule {name!r} was deployed in that time",
                hint=f"there are {', '.join(known.names) or 'none'}",
            )
    # What runs is asked first: a run that ends meanwhile has its manifest when that is listed.
    seen = _Seen(app, period)
    streams = [_of_schedule(seen, known, name, period, app.now()) for name in names]
    order = heapq.merge(*streams, key=lambda row: (row.run_id.scheduled_time, row.run_id.schedule))
    return Ledger(tuple(names), order, known.earliest)


def _of_schedule(
    seen: "_Seen", known: History, name: str, period: Period, now: datetime
) -> Iterator[Firing]:
    expected = known.firings(name, period.since, period.until)
    yield from ledger.firings(name, expected, seen.committed(name), seen, now)
    following = known.next(name, max(now, period.until)) if period.ahead else None
    if following is not None:
        yield Firing(RunId(name, following), ledger.State.NOT_YET_DUE)


class _Seen:
    """What AWS shows of runs; each source is read when it is first asked for."""

    def __init__(self, app: App, period: Period) -> None:
        self._app = app
        self._period = period
        self._bucket = app.bucket
        running = app.ecs.describe(app.ecs.running())
        self._running = {run_of(task) for task in running if not task.stopped}
        self._claims: dict[str, _Claims] = {}
        self._letters: dict[RunId, DeadLetter] | None = None
        self._duplicates: set[str] | None = None

    def committed(self, schedule: str) -> Iterator[tuple[RunId, Outcome]]:
        """The manifests of a schedule in the period, from their keys alone."""
        prefix = f"ledger/{schedule}/"
        after = f"{prefix}{schedule}-{self._period.since.strftime(_COMPACT)}~"
        for key in self._bucket.each_key(prefix, after=after):
            found = ledger.outcome_of(key)
            if found is not None and found[0].scheduled_time > self._period.until:
                return
            if found is not None:
                yield found

    def duplicated(self, run_id: RunId) -> bool:
        if self._duplicates is None:
            self._duplicates = set(self._suppressed())
        return str(run_id) in self._duplicates

    def running(self, run_id: RunId) -> bool:
        return run_id in self._running

    def claimed(self, run_id: RunId) -> bool:
        claims = self._claims.setdefault(run_id.schedule, _Claims(self._bucket))
        return claims.has(run_id)

    def dead_letter(self, run_id: RunId) -> DeadLetter | None:
        if self._letters is None:
            since = self._period.since
            found = dead_letters.read(self._app, since)
            self._letters = {each.run_id: each for each in found if each.run_id is not None}
        return self._letters.get(run_id)

    def launched(self, run_ids: Sequence[RunId]) -> Mapping[RunId, Task]:
        """By name while they are few; otherwise all that stopped in their time, by pages."""
        if len(run_ids) <= _FEW:
            found = [task for run_id in run_ids for task in self._records([run_id], _terms(run_id))]
        else:
            found = self._records(run_ids, [run_ids[0].schedule, "STOPPED"])
        wanted = set(run_ids)
        latest: dict[RunId, Task] = {}
        for task in sorted(found, key=lambda task: task.version):
            run_id = run_of(task)
            if run_id is not None and run_id in wanted:
                latest[run_id] = task
        return latest

    def _records(self, run_ids: Sequence[RunId], terms: list[str]) -> list[Task]:
        start = run_ids[0].scheduled_time - _BEFORE
        end = run_ids[-1].scheduled_time + _AFTER
        return list(records(self._app, terms, start, end))

    def _suppressed(self) -> Iterator[str]:
        """The runs of which a duplicate delivery says in its log that it touched nothing."""
        start, end = self._period.since, self._period.until + _AFTER
        logs = self._app.logs
        for group in logs.groups(f"/{self._app.name}/"):
            for message in logs.search(group, ["run.duplicate"], start, end):
                event = parse_event(message)
                if event is not None and event["event"] == "run.duplicate":
                    yield str(event.get("run_id", ""))


def _terms(run_id: RunId) -> list[str]:
    return [run_id.schedule, run_id.scheduled_time.strftime("%Y-%m-%dT%H:%M:%SZ")]


class _Claims:
    """Which runs of a schedule were claimed, asked in order: one page serves up to 1,000 of them.

    A page begins at the run that is asked for, so a single silent firing in a long and healthy
    history costs one call.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._page: set[str] = set()
        self._last = ""
        self._done = False

    def has(self, run_id: RunId) -> bool:
        wanted = run_id.prefix
        if wanted > self._last and not self._done:
            page = self._bucket.folders(f"runs/{run_id.schedule}/", after=wanted.rstrip("/"))
            self._page = set(page)
            self._last = page[-1] if page else ""
            self._done = not page
        return wanted in self._page


def outcomes(
    app: App, schedules: Sequence[str], since: datetime
) -> Iterator[tuple[RunId, Outcome, str]]:
    """Every committed run of some schedules since a time, on demand or not, and when it ended."""
    for name in schedules:
        prefix = f"ledger/{name}/"
        for stored in app.bucket.objects(
            prefix, after=f"{prefix}{name}-{since.strftime(_COMPACT)}"
        ):
            found = ledger.outcome_of(stored.key)
            if found is not None:
                yield *found, stored.modified_at
