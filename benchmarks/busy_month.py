"""50 schedules that fire every minute, for a month: what audits must do until all of it is sealed.

    python benchmarks/busy_month.py                          # 50 schedules, 30 days
    python benchmarks/busy_month.py --schedules 5 --days 3   # fewer

First audits seal one day, with the evidence of every run. Then all days of the month are sealed
alike, some of their missed firings are made good, and audits look at the month again until nothing
of it is left to amend.

AWS is in memory and makes each answer when it is asked. An audit has a quarter of a vCPU: its clock
goes on by four times the CPU that the toolkit takes, without that of the answers, and by what its
calls would wait. Every audit begins anew, as a task does, and stops sealing after eight minutes.
"""

import argparse
import base64
import io
import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, wraps
from hashlib import sha256
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import define, field, frozen
from botocore.exceptions import ClientError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.synthetic_runs import Made
from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.app.app import App, Quiet
from toolkit.app.proof.seal_writer import SealingLimits
from toolkit.app.proof.seals import SealsWritten, seal_due_days
from toolkit.core.names import log_stream
from toolkit.core.platform import Platform
from toolkit.core.schedules.history import Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Outcome, RunId, catalog_key, format_time, parse_time
from toolkit.runtime.layout import sealed

START = datetime(2026, 10, 1, tzinfo=UTC)
APP, LIFECYCLE = "app", "lifecycle"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
EVERY, SEALING = timedelta(minutes=30), timedelta(minutes=8)
# The seconds that a call waits, and how many calls go side by side.
WAITS = {"S3": (0.025, 32), "Logs": (0.4, 4), "Ecs": (0.05, 1), "Other": (0.05, 1)}
# A vCPU, in the parts that the task of an audit has.
SHARE = 4
# The first schedule misses every so many firings.
MISSING = 14
_PAGE, _LOG_PAGE_BYTES, _RECORD_BYTES = 1000, 1_000_000, 2_600
_TIME = re.compile(r"(\d{8}T\d{6}Z)")

Row = dict[str, Any]


def counted(call: Callable[..., Any]) -> Callable[..., Any]:
    """Count a call, and the CPU that making its answer takes."""

    @wraps(call)
    def answered(self: "Service", *words: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return call(self, *words, **named)
        finally:
            self.account.note(type(self).__name__, call.__name__, time.thread_time() - began)

    return answered


@define(slots=False)
class Account:
    """An account in which every run went well, but for those that were missed.

    What is written is kept in ``folder``. With ``made_good`` the missed firings have run.
    """

    schedules: int
    folder: Path
    at: datetime
    made_good: bool = False
    alike: int = 0  # so many days are sealed as the first one is
    calls: Counter[str] = field(factory=Counter)
    kinds: Counter[str] = field(factory=Counter)
    answering: float = 0.0
    lock: Any = field(factory=threading.Lock)
    begun: float = field(factory=cpu_seconds)
    endpoint = SimpleNamespace(url="memory", region="us-east-1")

    def note(self, kind: str, operation: str, cpu: float) -> None:
        with self.lock:
            self.calls[operation] += 1
            self.kinds[kind] += 1
            self.answering += cpu

    def client(self, service: str) -> "Service":
        known = {"s3": S3, "logs": Logs, "ecs": Ecs}
        return known.get(service, Other)(self)

    @property
    def cpu(self) -> float:
        """What the toolkit took, without the answers."""
        return cpu_seconds() - self.begun - self.answering

    @property
    def waited(self) -> float:
        rows = ((self.kinds[kind], *WAITS[kind]) for kind in WAITS)
        return sum(count * wait / at_once for count, wait, at_once in rows)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=SHARE * self.cpu + self.waited)

    @cached_property
    def names(self) -> list[str]:
        return [f"weather-{number:03}" for number in range(self.schedules)]

    def ran(self, run_id: RunId) -> bool:
        minute = (run_id.scheduled_time - START) // MINUTE
        missed = run_id.schedule == self.names[0] and minute % MISSING == 0
        return run_id.scheduled_time < self.at and (self.made_good or not missed)

    @cached_property
    def template(self) -> "Template":
        return Template(self.names[0])

    def runs(self, name: str, first: datetime) -> Iterator[RunId]:
        """The runs of a schedule from a time on."""
        due = START + -((START - max(first, START)) // MINUTE) * MINUTE
        while due < self.at:
            run_id = RunId(name, due)
            if self.ran(run_id):
                yield run_id
            due += MINUTE

    # Seals of the days that are alike are made from those of the first day.

    @cached_property
    def first_day(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "first").iterdir())

    def sealed_alike(self, day: date, number: int) -> bytes:
        text = (self.folder / "first" / f"{number:06}").read_text()
        first = START.date()
        text = text.replace(first.isoformat(), day.isoformat())
        text = text.replace(f"-{first:%Y%m%d}T", f"-{day:%Y%m%d}T")
        if number:
            before = self.digest(first, number - 1), self.digest(day, number - 1)
            text = text.replace(*before, 1)
        return text.encode()

    def digest(self, day: date, number: int) -> str:
        if (day, number) not in self.digests:
            self.digests[day, number] = sha256(self.sealed_alike(day, number)).hexdigest()
        return self.digests[day, number]

    @cached_property
    def digests(self) -> dict[tuple[date, int], str]:
        return {}


@frozen(slots=False)
class Template:
    """What one run left behind, made into that of any other by exchanging names and times."""

    name: str

    @cached_property
    def made(self) -> Made:
        return Made(RunId(self.name, START), load().workload("weather"), "")

    def of(self, text: str, run_id: RunId) -> str:
        due = run_id.scheduled_time
        text = text.replace(str(self.made.run_id), str(run_id))
        text = text.replace(f"{START + MINUTE:%Y-%m-%dT%H:%M:}", f"{due + MINUTE:%Y-%m-%dT%H:%M:}")
        text = text.replace(f"{START:%Y-%m-%dT%H:%M:}", f"{due:%Y-%m-%dT%H:%M:}")
        text = text.replace(self.made.arn, self.arn(run_id))
        return text.replace(f'"{self.name}"', f'"{run_id.schedule}"')

    def arn(self, run_id: RunId) -> str:
        number = int(run_id.schedule.rpartition("-")[2])
        minute = (run_id.scheduled_time - START) // MINUTE
        return f"{self.made.arn.rpartition('/')[0]}/{number:08x}{minute:024x}"

    def run_of_stream(self, stream: str) -> RunId:
        token = stream.rpartition("/")[2]
        number, minute = int(token[:8], 16), int(token[8:], 16)
        return RunId(f"weather-{number:03}", START + minute * MINUTE)

    @cached_property
    def objects(self) -> dict[str, str]:
        named = self.made.objects().items()
        return {key.removeprefix(self.made.run_id.prefix): text.decode() for key, text in named}

    @cached_property
    def heads(self) -> dict[str, Row]:
        return {
            artifact.name: {
                "ContentLength": artifact.bytes,
                "ContentType": artifact.media_type,
                "ChecksumSHA256": base64.b64encode(bytes.fromhex(artifact.sha256)).decode(),
            }
            for artifact in self.made.artifacts()
        }

    @cached_property
    def log(self) -> list[Row]:
        return self.made.log()

    @cached_property
    def records(self) -> list[Row]:
        rows = self.made.records()
        return [{**row, "message": row["message"].ljust(_RECORD_BYTES)} for row in rows]


@define
class Service:
    """A client of botocore, as far as an audit that seals asks one."""

    account: Account
    exceptions = SimpleNamespace(ClusterNotFoundException=KeyError)

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


class Other(Service):
    @counted
    def list_schedules(self, **_: Any) -> Row:
        return {"Schedules": []}

    @counted
    def receive_message(self, **_: Any) -> Row:
        return {"Messages": []}


class Ecs(Service):
    @counted
    def describe_tasks(self, **_: Any) -> Row:
        return {"tasks": []}  # it has forgotten them

    @counted
    def list_tasks(self, **_: Any) -> Row:
        return {"taskArns": []}

    @counted
    def describe_task_definition(self, **_: Any) -> Row:
        return {"taskDefinition": self.account.template.made.definition()}


class S3(Service):
    @counted
    def get_object(self, Bucket: str, Key: str) -> Row:  # noqa: ARG002, N803
        return {"Body": io.BytesIO(self._content(Key))}

    def _content(self, key: str) -> bytes:
        account, template = self.account, self.account.template
        if key.startswith(("runs/", "ledger/")):
            run_id = RunId.parse(key.split("/")[2].removesuffix(".succeeded.json"))
            name = key.removeprefix(run_id.prefix)
            name = template.made.run_id.manifest_key(Outcome.SUCCEEDED) if name == key else name
            if account.ran(run_id) and name in template.objects:
                return template.of(template.objects[name], run_id).encode()
        elif key == catalog_key(template.made.workload.digest):
            return template.made.workload.row()
        elif (seal := sealed(key)) and seal[1] < len(self._alike) and self._is_alike(seal[0]):
            return account.sealed_alike(*seal)
        elif (path := account.folder / key).is_file():
            return path.read_bytes()
        raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")

    @property
    def _alike(self) -> list[str]:
        return self.account.first_day if self.account.alike else []

    def _is_alike(self, day: date) -> bool:
        return START.date() <= day < START.date() + self.account.alike * DAY

    @counted
    def head_object(self, Key: str, **_: Any) -> Row:  # noqa: N803
        return self.account.template.heads[Key.rpartition("/")[2]]

    @counted
    def put_object(self, Key: str, Body: bytes, **_: Any) -> Row:  # noqa: N803
        path = self.account.folder / Key
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(Body)
        return {}

    @counted
    def list_objects_v2(
        self,
        Prefix: str,  # noqa: N803
        StartAfter: str = "",  # noqa: N803
        MaxKeys: int = _PAGE,  # noqa: N803
        ContinuationToken: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        **_: Any,
    ) -> Row:
        after = ContinuationToken or StartAfter
        if Prefix.count("/") > 2:
            return {"IsTruncated": False}  # of a run that never was
        if Prefix.startswith(("ledger/", "runs/")):
            return self._runs(Prefix, after, MaxKeys, folders=bool(Delimiter))
        rows = sorted(self._written(Prefix)) + list(self._days(Prefix))
        keys = sorted(row for row in rows if row[0] > after)
        page = [_listed(*row) for row in keys[:MaxKeys]]
        more = {"NextContinuationToken": page[-1]["Key"]} if len(keys) > MaxKeys else {}
        return {"Contents": page, "IsTruncated": len(keys) > MaxKeys, **more}

    def _written(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        for path in self.account.folder.glob(f"{prefix}*"):
            key = path.relative_to(self.account.folder).as_posix()
            if path.is_file():
                yield key, path.stat().st_size, self.account.at

    def _days(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        if prefix != "seals/" or not self.account.alike:
            return
        for number in range(self.account.alike):
            day = START.date() + number * DAY
            for part, name in enumerate(self.account.first_day):
                size = (self.account.folder / "first" / name).stat().st_size
                key = f"seals/{day}{f'.{part}' if part else ''}.json"
                yield key, size, START + (number + 2) * DAY + part * MINUTE

    def _runs(self, prefix: str, after: str, limit: int, *, folders: bool) -> Row:
        name = prefix.split("/")[1]
        found = _TIME.search(after)
        since = parse_time(found[1]) if found else START
        page: list[RunId] = []
        for run_id in self.account.runs(name, since):
            key = run_id.prefix if folders else run_id.manifest_key(Outcome.SUCCEEDED)
            if key > after and (not folders or run_id.prefix.rstrip("/") != after):
                page.append(run_id)
            if len(page) > limit:
                break
        more, page = len(page) > limit, page[:limit]
        if folders:
            return {
                "CommonPrefixes": [{"Prefix": row.prefix} for row in page],
                "IsTruncated": more,
            }
        rows = [
            _listed(run_id.manifest_key(Outcome.SUCCEEDED), 2000, run_id.scheduled_time + MINUTE)
            for run_id in page
        ]
        token = {"NextContinuationToken": rows[-1]["Key"]} if more else {}
        return {"Contents": rows, "IsTruncated": more, **token}


class Logs(Service):
    @counted
    def describe_log_groups(self, logGroupNamePrefix: str) -> Row:  # noqa: N803
        names = (LIFECYCLE, f"/{APP}/weather")
        rows = [{"logGroupName": name, "retentionInDays": 3653} for name in names]
        return {"logGroups": [r for r in rows if r["logGroupName"].startswith(logGroupNamePrefix)]}

    def filter_log_events(self, **asked: Any) -> Iterator[list[Row]]:
        """The pages of a search, each made when it is asked for."""
        if asked["logGroupName"] != LIFECYCLE:
            rows = self._lines(asked.get("logStreamNames", []))
            return self._pages(rows, _LOG_PAGE_BYTES // 200)
        return self._pages(self._records(asked), _LOG_PAGE_BYTES // _RECORD_BYTES)

    def _pages(self, rows: Iterator[Row], size: int) -> Iterator[list[Row]]:
        more = True
        while more:
            page = self._page(rows, size)
            more = len(page) == size
            yield page

    @counted
    def _page(self, rows: Iterator[Row], size: int) -> list[Row]:
        return list(islice(rows, size))

    def _lines(self, streams: list[str]) -> Iterator[Row]:
        template = self.account.template
        for stream in streams:
            run_id = template.run_of_stream(stream)
            assert stream == log_stream(template.arn(run_id))
            for row in template.log:
                yield {"logStreamName": stream, "message": template.of(row["message"], run_id)}

    def _records(self, asked: Row) -> Iterator[Row]:
        """Those of one schedule, or the ends of all tasks, in the order of the firings."""
        pattern, template = asked["filterPattern"], self.account.template
        since = datetime.fromtimestamp(asked["startTime"] / 1000, UTC)
        until = datetime.fromtimestamp(asked["endTime"] / 1000, UTC)
        term = re.search(r'"(weather-\d+)"', pattern)
        names = [term[1]] if term else self.account.names
        rows = template.records[-1:] if "STOPPED" in pattern else template.records
        due = START + max(timedelta(), (since - START) // MINUTE * MINUTE)
        exact = re.search(r'"(\d{4}-[^"]+)"', pattern)
        if exact:
            due = until = parse_time(exact[1])
        while due <= until and due < self.account.at:
            for run_id in (RunId(name, due) for name in names):
                if self.account.ran(run_id):
                    for row in rows:
                        yield {"message": template.of(row["message"], run_id)}
            due += MINUTE


def _listed(key: str, size: int, at: datetime) -> Row:
    return {"Key": key, "Size": size, "LastModified": at}


_ROWS = {"filter_log_events": "events"}
_TOKENS = {"list_objects_v2": ("NextContinuationToken", "ContinuationToken")}


@frozen
class Pages:
    """A paginator as botocore has it."""

    service: Any
    operation: str

    def paginate(self, **asked: Any) -> Iterator[Row]:
        if self.operation in _ROWS:
            for rows in getattr(self.service, self.operation)(**asked):
                yield {_ROWS[self.operation]: rows}
            return
        given, taken = _TOKENS.get(self.operation, ("nextToken", "nextToken"))
        page: Row = {given: ""}
        while given in page:
            more = {taken: page[given]} if page[given] else {}
            page = getattr(self.service, self.operation)(**asked, **more)
            yield page


@define
class Audits:
    """Audits one after the other, each anew, and what they took together."""

    account: Account
    amended: datetime | None = None
    done: int = 0
    seals: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    cpu: float = 0.0

    def audit(self) -> SealsWritten:
        account = self.account
        account.kinds.clear()
        account.begun, account.answering = cpu_seconds(), 0.0
        outputs = {
            "BucketName": "bucket",
            "ClusterName": "cluster",
            "DeadLetterQueueUrl": "queue",
            "LifecycleLogGroupName": LIFECYCLE,
            "ScheduleGroupName": APP,
        }
        aws: Any = account
        app = App.of_platform(APP, Platform(APP, outputs), aws, Quiet(print), account.now)
        limits = SealingLimits(account.at + SEALING)
        written = seal_due_days(app, account.at, None, limits, self.amended)
        took = (account.now() - account.at).total_seconds()
        self.amended = written.amended
        self.done += 1
        self.seals += len(written.keys)
        self.seconds += took
        self.longest = max(self.longest, took)
        self.cpu += account.cpu
        account.at += EVERY
        return written

    def report(self, what: str) -> None:
        calls = sum(self.account.calls.values())
        print(
            f"{what}: {self.done} audits, {self.seals} seals, {self.seconds:,.0f} s in all, "
            f"{self.longest:.0f} s at most, {self.cpu:.1f} CPU s, {calls:,} calls, "
            f"{peak_mb():.0f} MB"
        )
        print(f"  {json.dumps(self.account.calls)}", flush=True)


def deployed(account: Account) -> None:
    """The record of the deployment that made the schedules."""
    at = format_time(START)
    rows = (Timing(name, "rate(1 minute)", "UTC", "ENABLED", "", "", at) for name in account.names)
    taken = Snapshot(at, tuple(rows))
    (account.folder / "deployments").mkdir()
    (account.folder / taken.key).write_bytes(taken.to_json())


def seal_a_day(schedules: int, folder: Path) -> None:
    """Audits that seal the first day, from its evidence."""
    account = Account(schedules, folder, START + 2 * DAY)
    deployed(account)
    audits = Audits(account)
    due = START.date()
    while True:
        written = audits.audit()
        print(f"  audit {audits.done}: {written.keys}", file=sys.stderr, flush=True)
        seals = [json.loads(_head(path)) for path in sorted((folder / "seals").glob(f"{due}*"))]
        if any(seal["complete"] for seal in seals) or not written.keys:
            break
    audits.report("a day sealed")
    (folder / "first").mkdir()
    for path in (folder / "seals").glob(f"{due}*"):
        _, number = sealed(f"seals/{path.name}") or (due, 0)
        path.rename(folder / "first" / f"{number:06}")


def _head(path: Path) -> str:
    with path.open() as file:
        return file.readline().rstrip(",\n") + "}"


def look_again(schedules: int, folder: Path, days: int) -> None:
    """Audits that look at a sealed month again, in which missed firings were made good."""
    for path in (folder / "seals").glob("*"):
        path.unlink()
    account = Account(schedules, folder, START + (days + 1) * DAY + DAY - EVERY, alike=days)
    account.made_good = True
    audits = Audits(account, amended=START)
    while audits.amended is not None:
        audits.audit()
        print(f"  audit {audits.done}: up to {audits.amended}", file=sys.stderr, flush=True)
    audits.report(f"{days} days looked at again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=50)
    parser.add_argument("--days", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        seal_a_day(arguments.schedules, Path(name))
        look_again(arguments.schedules, Path(name), arguments.days)


if __name__ == "__main__":
    main()
