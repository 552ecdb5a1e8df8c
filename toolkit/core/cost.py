"""What runs cost, and what the schedules ahead will: prices from `prices.toml`."""

import tomllib
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any

from attrs import frozen

from toolkit.core.task import Task
from toolkit.runtime.contract import parse_time

_HOUR = 3600.0
_REFERENCE = "us-east-1"


@frozen
class Prices:
    """Dollars a vCPU-hour, a GB-hour of memory and one of storage in one region.

    ``region`` is the one that they are for, ``wanted`` the one that was asked about.
    """

    region: str
    wanted: str
    vcpu_hour: float
    gb_hour: float
    minimum_seconds: float
    date: str
    source: str
    storage_gb_hour: float
    free_storage_gb: int

    @property
    def borrowed(self) -> bool:
        """Whether they are another region's, because those of the wanted one are not known."""
        return self.region != self.wanted

    def dollars(self, cpu: int, memory: int, billed: timedelta, storage: int = 0) -> float:
        """The price of a task of ``cpu`` units (1,024 a vCPU), MiB of memory, GiB of storage."""
        hours = max(billed.total_seconds(), self.minimum_seconds) / _HOUR
        disk = max(0, storage - self.free_storage_gb) * self.storage_gb_hour
        return hours * (cpu / 1024 * self.vcpu_hour + memory / 1024 * self.gb_hour + disk)


def prices(region: str, architecture: str = "x86") -> Prices:
    """The prices of a region, or those of us-east-1 where the file has none of its own."""
    table = _table()
    known = region if region in table["regions"] else _REFERENCE
    row = table["regions"][known][architecture]
    return Prices(
        known,
        region,
        row["vcpu_hour"],
        row["gb_hour"],
        table["minimum_seconds"],
        table["date"],
        table["source"],
        table["regions"][known]["storage_gb_hour"],
        table["free_storage_gb"],
    )


def billed(task: Task) -> timedelta | None:
    """How long a task is billed: from the start of its image pull to its end.

    None while it runs, or when it never got so far. https://aws.amazon.com/fargate/pricing/
    """
    start = task.times.get("pullStartedAt") or task.times.get("startedAt")
    end = task.times.get("stoppedAt") or task.times.get("executionStoppedAt")
    return parse_time(end) - parse_time(start) if start and end else None


def run_cost(task: Task, table: Prices) -> float | None:
    """What one task cost, in dollars; None when its record does not say."""
    time = billed(task)
    if time is None or not task.cpu or not task.memory:
        return None
    return table.dollars(int(task.cpu), int(task.memory), time)


_AUDIT_CPU, _AUDIT_MEMORY = 256, 512
# A run of the audit with pull and stop.
_AUDIT_RUN = timedelta(seconds=90)
_MONTH = timedelta(days=30)
_MONTH_HOURS = 730.0
# ECS, EventBridge, CloudWatch, Scheduler, SQS, SNS and KMS in two zones.
_ENDPOINTS = 2 * 7


@frozen
class AuditMonth:
    """What an audit costs a month, in dollars; ``borrowed`` says that the prices are others'."""

    interval: timedelta
    tasks: float
    addresses: float
    alarm: float
    metric: float
    key: float
    endpoints: float
    borrowed: bool

    @property
    def dollars(self) -> float:
        """All of it."""
        parts = (self.tasks, self.addresses, self.alarm, self.metric, self.key, self.endpoints)
        return sum(parts)

    def __str__(self) -> str:
        parts = {
            "Fargate": self.tasks,
            "public addresses": self.addresses,
            "alarm": self.alarm,
            "metric": self.metric,
            "signing key": self.key,
            "endpoints": self.endpoints,
        }
        each = ", ".join(f"{name} ${value:.2f}" for name, value in parts.items() if value)
        of = " at the prices of us-east-1" if self.borrowed else ""
        minutes = f"every {self.interval.total_seconds() / 60:g} minutes"
        return f"the audit, {minutes}: about ${self.dollars:.2f} a month{of} ({each})"


def audit_month(
    interval: timedelta, table: Prices, *, key: bool, public_address: bool, endpoints: bool = False
) -> AuditMonth:
    """What the audit costs a month: its runs, their addresses, the alarm and what goes with it.

    Args:
        interval: how often it looks.
        table: the prices of the region.
        key: whether it has a key to sign with.
        public_address: whether its tasks have a public address, which AWS bills by the hour.
        endpoints: whether a private network has endpoints for it.
    """
    runs, row = _MONTH / interval, _table()["audit"]
    hours = runs * _AUDIT_RUN.total_seconds() / _HOUR
    return AuditMonth(
        interval,
        tasks=runs * table.dollars(_AUDIT_CPU, _AUDIT_MEMORY, _AUDIT_RUN),
        addresses=hours * row["address_hour"] if public_address else 0.0,
        alarm=row["alarm_month"],
        metric=row["metric_month"],
        key=row["key_month"] if key else 0.0,
        endpoints=endpoints_month() if endpoints else 0.0,
        borrowed=table.borrowed,
    )


def endpoints_month() -> float:
    """What the endpoints cost a month that let an audit out of a private network."""
    price: float = _table()["audit"]["endpoint_hour"]
    return _ENDPOINTS * _MONTH_HOURS * price


@frozen
class Forecast:
    """A schedule's month ahead; ``seconds`` is of one run, ``bound`` says that it is a maximum.

    ``dollars`` is the price on demand: that of FARGATE_SPOT changes, and is lower.
    """

    schedule: str
    firings: int
    seconds: float
    bound: bool
    dollars: float
    capacity_provider: str = "FARGATE"


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(resources.files("toolkit.core").joinpath("prices.toml").read_text("utf-8"))
