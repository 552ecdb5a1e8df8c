"""An account in memory for `benchmarks/busy_month.py`: schedules that fire every minute.

Nothing is stored but what is written: each answer is made when it is asked for, of the runs that
are over by then. An audit has a quarter of a vCPU: the account's clock goes on by four times the
CPU that the toolkit takes, without that of the answers, and by what its calls would wait.
"""

import io
import re
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

from benchmarks.copied_runs import MINUTE, RECORD_BYTES, START, Template
from benchmarks.usage import cpu_seconds
from toolkit.core.names import log_stream
from toolkit.runtime.contract import Outcome, RunId, catalog_key, parse_time
from toolkit.runtime.layout import sealed

APP, LIFECYCLE = "app", "lifecycle"
DAY = timedelta(days=1)
# The seconds that a call waits, and how many calls go side by side.
WAITS = {"S3": (0.025, 32), "Logs": (0.4, 4), "Ecs": (0.05, 1), "Other": (0.05, 1)}
# A vCPU, in the parts that the task of an audit has.
SHARE = 4
# The first schedule misses every so many firings.
MISSING = 14
_PAGE, _LOG_PAGE_BYTES = 1000, 1_000_000
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
    def template(self) -> Template:
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
        return self._pages(self._records(asked), _LOG_PAGE_BYTES // RECORD_BYTES)

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
