"""The ledger of a year from seals, and from the runs themselves: calls, seconds and memory.

    python benchmarks/sealed_ledger.py

AWS is in memory and answers at once, so the seconds are those of the toolkit: reading, checking the
chain, merging, adding up. Calls are counted as AWS would have got them, and pages are as large as
AWS makes them. Each reading has a process of its own.
"""

import hashlib
import io
import json
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import define, field, frozen

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.synthetic_runs import DIGEST, Made
from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.core.platform import Platform
from toolkit.core.proof.ledger import State, Summary
from toolkit.core.proof.seal import Link, Seal, SealedRow, in_parts
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, format_time

DAY = timedelta(days=1)
COMMITTED = timedelta(seconds=50)  # after the firing
START = datetime(2025, 1, 1, tzinfo=UTC)
GROUP = "lifecycle"
_PAGE = 1000
_RECORD_BYTES, _LOG_PAGE_BYTES = 2_600, 1_000_000
_SHA = "5e" * 32


@frozen
class Year:
    """Some schedules that all fire every so many minutes, for a year or for more days."""

    schedules: int
    every: int
    days: int = 365

    @property
    def end(self) -> datetime:
        return START + self.days * DAY

    @property
    def names(self) -> list[str]:
        return [f"weather-{number}" for number in range(self.schedules)]

    @property
    def firings(self) -> int:
        return self.schedules * len(self.times(START, self.end))

    def times(self, since: datetime, until: datetime) -> list[datetime]:
        """When each schedule fires from ``since`` to before ``until``."""
        step = timedelta(minutes=self.every)
        first = -((START - since) // step)
        return [START + number * step for number in range(first, -((START - until) // step))]

    @property
    def history_shot(self) -> Snapshot:
        """The record of the deployment."""
        at = format_time(START)
        expression = f"rate({self.every} minute{'s' if self.every > 1 else ''})"
        rows = (Timing(name, expression, "UTC", "ENABLED", "", "", at) for name in self.names)
        return Snapshot(at, tuple(rows))

    @property
    def history(self) -> History:
        return History([self.history_shot])


@define
class Client:
    """What the ledger asks of S3, CloudWatch Logs and ECS; each page is made when it is read."""

    year: Year
    folder: Path
    calls: Counter[str] = field(factory=Counter)
    exceptions = SimpleNamespace(ClusterNotFoundException=KeyError)

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: ARG002, N803
        self.calls["GetObject"] += 1
        return {"Body": io.BytesIO((self.folder / Key).read_bytes())}

    def list_objects_v2(self, Prefix: str, StartAfter: str) -> Iterator[list[Any]]:  # noqa: N803
        if Prefix == "seals/":
            paths = sorted(self.folder.glob("seals/*"))
            sizes = ((f"seals/{path.name}", path.stat().st_size) for path in paths)
            written = ((START + number * DAY, *row) for number, row in enumerate(sizes))
            rows = [listed(key, size, at) for at, key, size in written if key > StartAfter]
        else:
            rows = []
        yield from paged(rows, _PAGE)
        if Prefix.startswith("ledger/"):
            yield from self.manifests(Prefix.split("/")[1])

    def manifests(self, name: str) -> Iterator[list[Any]]:
        times = self.year.times(START, self.year.end)
        for start in range(0, len(times), _PAGE):
            runs = [RunId(name, due) for due in times[start : start + _PAGE]]
            due = [(run.manifest_key(Outcome.SUCCEEDED), run.scheduled_time) for run in runs]
            yield [listed(key, 2000, time + COMMITTED) for key, time in due]

    def filter_log_events(
        self,
        logGroupName: str,  # noqa: N803
        startTime: int = 0,  # noqa: N803
        **_: Any,
    ) -> Iterator[list[Any]]:
        if logGroupName != GROUP:
            return iter([[]])
        since = max(START, datetime.fromtimestamp(startTime / 1000, UTC))
        return paged(self.records(since), _LOG_PAGE_BYTES // _RECORD_BYTES)

    def records(self, since: datetime) -> Iterator[dict[str, Any]]:
        """The ends of all tasks from a time on, each as large as ECS's own."""
        made = Made(RunId("name", START), load().workload("weather"), "")
        template = made.records()[-1]["message"].ljust(_RECORD_BYTES)
        for due in self.year.times(since, self.year.end):
            end = f"{due + timedelta(minutes=1):%Y-%m-%dT%H:%M:}"
            text = template.replace("2025-01-01T00:01:", end)
            text = text.replace("2025-01-01T00:00:", f"{due:%Y-%m-%dT%H:%M:}")
            for name in self.year.names:
                yield {"message": text.replace('"name"}', f'"{name}"}}')}

    def describe_log_groups(self, **_: Any) -> Iterator[list[Any]]:
        return iter([[{"logGroupName": GROUP}]])

    def list_tasks(self, **_: Any) -> Iterator[list[Any]]:
        return iter([[]])


_ROWS = {
    "list_objects_v2": "Contents",
    "filter_log_events": "events",
    "describe_log_groups": "logGroups",
    "list_tasks": "taskArns",
    "list_schedules": "Schedules",
}


@frozen
class Pages:
    """A paginator as botocore has it."""

    client: Client
    operation: str

    def paginate(self, Bucket: str = "", **arguments: Any) -> Iterator[dict[str, Any]]:  # noqa: ARG002, N803
        for rows in getattr(self.client, self.operation)(**arguments):
            self.client.calls[self.operation] += 1
            yield {_ROWS[self.operation]: rows}


def paged(rows: Any, size: int) -> Iterator[list[Any]]:
    """The rows in pages; one page, and empty, where there are none."""
    page: list[Any] = []
    for row in rows:
        if len(page) == size:
            yield page
            page = []
        page.append(row)
    yield page


def listed(key: str, size: int, at: datetime) -> dict[str, Any]:
    return {"Key": key, "Size": size, "LastModified": at}


@frozen(slots=False)
class YearOnAws:
    """An account in which every firing of a year went well."""

    year: Year
    folder: Path

    @cached_property
    def everything(self) -> Client:
        return Client(self.year, self.folder)

    def client(self, _service: str) -> Client:
        return self.everything


def seal_year(year: Year, folder: Path) -> int:
    """Write a chain of seals with all facts of runs with three artifacts; returns their bytes."""
    size = 0
    (folder / "seals").mkdir()
    links: tuple[Link, ...] = ()
    for number in range(year.days):
        start = START + number * DAY
        sealed_at = format_time(start + 2 * DAY)
        times = year.times(start, start + DAY)
        parts = list(in_parts(row(name, due) for due in times for name in year.names))
        for part, rows in enumerate(parts):
            whole = part == len(parts) - 1
            day = f"{start:%Y-%m-%d}"
            seal = Seal("app", "bucket", day, sealed_at, links, rows, part, whole)
            content = seal.to_json()
            (folder / seal.key).write_bytes(content)
            links = (Link(seal.key, hashlib.sha256(content).hexdigest()),)
            size += len(content)
    return size


def row(name: str, due: datetime) -> SealedRow:
    run_id, at, committed = RunId(name, due), format_time(due), format_time(due + COMMITTED)
    artifact = {"bytes": 400, "sha256": _SHA, "media_type": "text/csv"}
    task = {
        "task_arn": f"arn:aws:ecs:us-east-1:000000000000:task/app/{_SHA[:32]}",
        "task_definition": "arn:aws:ecs:us-east-1:000000000000:task-definition/app-weather:1",
        "image": f"weather@{DIGEST}",
        "image_digest": DIGEST,
        "exit_code": 0,
        "stop_code": "EssentialContainerExited",
        "times": dict.fromkeys(("createdAt", "startedAt", "stoppedAt"), at),
        "sha256": _SHA,
    }
    key = run_id.manifest_key(Outcome.SUCCEEDED)
    facts = {
        "claim": _SHA,
        "manifests": [{"key": key, "bytes": 2000, "sha256": _SHA, "modified_at": committed}],
        "artifacts": dict.fromkeys(("data.csv", "plot.png", "report.json"), artifact),
        "catalog": _SHA,
        "tasks": [task],
        "task_definition": _SHA,
        "log": {"lines": 30, "sha256": _SHA},
        "dead_letters": [],
        "due": None,
        "launch_window": None,
    }
    return SealedRow(str(run_id), State.OK, facts=facts)


@frozen
class Reading:
    """What one reading of the ledger cost."""

    calls: Counter[str]
    cpu: float
    wall: float
    mb: float


def read(year: Year, folder: Path, *, sealed: bool) -> Reading:
    outputs = {"ClusterName": "cluster", "BucketName": "bucket", "LifecycleLogGroupName": GROUP}
    aws: Any = YearOnAws(year, folder)
    console: Any = None
    now = year.end + 30 * DAY
    app = App.of_platform("app", Platform("app", outputs), aws, console, lambda: now)
    tick = timedelta(microseconds=1)
    period = ledger.Period(START - tick, year.end - tick)
    history, summary = year.history, Summary()
    before, wall, cpu = peak_mb(), time.perf_counter(), cpu_seconds()
    found = ledger.read(app, period, history, sealed=sealed)
    for _ in summary.through(found.firings):
        pass
    cpu, wall, mb = cpu_seconds() - cpu, time.perf_counter() - wall, peak_mb() - before
    assert dict(summary.total) == {State.OK: year.firings}, summary.total
    assert found.problems == []
    return Reading(aws.everything.calls, cpu, wall, mb)


def made_anew(year: Year) -> float:
    """CPU seconds that the answers themselves take, which AWS would have made."""
    client, cpu = Client(year, Path()), cpu_seconds()
    for _ in client.filter_log_events(GROUP):
        pass
    for name in year.names:
        for _ in client.manifests(name):
            pass
    return cpu_seconds() - cpu


def measure(year: Year) -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, context.Pool(1, maxtasksperchild=1) as pool:
        size = pool.apply(seal_year, (year, Path(folder)))
        sealed = pool.apply(read, (year, Path(folder)), {"sealed": True})
        live = pool.apply(read, (year, Path(folder)), {"sealed": False})
        answers = pool.apply(made_anew, (year,))
    live = Reading(live.calls, live.cpu - answers, live.wall - answers, live.mb)
    for name, found in (("seals", sealed), ("runs", live)):
        print(line(year, name, found))
    calls, cpu = live.calls.total() / sealed.calls.total(), live.cpu / sealed.cpu
    print(
        f"  {size / 1e6:,.0f} MB of seals; the runs take {calls:.1f}x the calls, {cpu:.1f}x the CPU"
    )
    print(f"  {json.dumps({'seals': sealed.calls, 'runs': live.calls})}", flush=True)


def line(year: Year, name: str, found: Reading) -> str:
    calls = found.calls.total()
    return (
        f"{year.firings:10,} {name:6} {calls:8,} {found.cpu:8.1f} {found.wall:8.1f} {found.mb:8.0f}"
    )


def main() -> None:
    print(f"{'firings':>10} {'from':6} {'calls':>8} {'CPU s':>8} {'wall s':>8} {'peak MB':>8}")
    for year in (Year(1, 52), Year(2, 1)):
        measure(year)


if __name__ == "__main__":
    main()
