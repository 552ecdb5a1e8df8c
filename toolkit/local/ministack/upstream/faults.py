"""Faults on request: the next matching call, task or delivery goes wrong.

A fault has a kind, and may be limited to a schedule, a service and a number of times. The table
says where each kind strikes; what strikes at a task is decided when the task is placed.
"""

import itertools
import threading
from typing import Any

Json = dict[str, Any]

# kind → (where it strikes, the default of its value, what happens)
KINDS: dict[str, tuple[str, float | None, str]] = {
    "pull-fails": ("task", None, "the image cannot be pulled"),
    "no-route": ("task", None, "the registry cannot be reached: no route, no endpoint"),
    "no-interface": ("task", None, "the task's network interface cannot be set up"),
    "killed": ("task", 1.0, "SIGKILL after this many seconds, as from the kernel"),
    "spot-interruption": ("task", 1.0, "Fargate Spot takes the task back after this many seconds"),
    "task-retirement": ("task", 1.0, "AWS retires the task's host after this many seconds"),
    "network-cut": ("task", 3.0, "a second after the start, it is cut off from its feed so long"),
    "clock-skew": ("task", 3600.0, "the task's clock is ahead by this many seconds"),
    "capacity": ("launch", None, "RunTask answers with a failure: no capacity"),
    "vcpu-quota": ("quota", 6.0, "RunTask answers with a failure beyond so many vCPUs at once"),
    "duplicate": ("delivery", None, "Scheduler delivers the firing twice"),
    "throttling": ("call", None, "the service answers that the rate is exceeded"),
    "error": ("call", None, "the service answers with an internal error"),
    "slow": ("call", 2.0, "the service answers this many seconds late"),
    "lost-answer": ("call", None, "the service does what was asked and answers with an error"),
}

_faults: dict[int, Json] = {}
_numbers = itertools.count(1)
_lock = threading.Lock()


def add(
    kind: str,
    schedule: str | None = None,
    service: str | None = None,
    times: int | None = None,
    value: float | None = None,
) -> Json:
    """Register a fault; without ``times`` it strikes until it is cleared."""
    fault = {
        "kind": kind,
        "schedule": schedule,
        "service": service,
        "times": times,
        "value": KINDS[kind][1] if value is None else value,
        "struck": 0,
    }
    with _lock:
        _faults[next(_numbers)] = fault
    return fault


def listed() -> list[Json]:
    """All faults that may still strike, oldest first."""
    with _lock:
        return [dict(fault) for fault in _faults.values()]


def clear() -> None:
    """Forget them all."""
    with _lock:
        _faults.clear()


def strike(kind: str, schedule: str | None, service: str | None = None) -> Json | None:
    """The oldest fault of a kind that fits, used up by one; None when there is none."""
    with _lock:
        for number, fault in _faults.items():
            if fault["kind"] == kind and _fits(fault, schedule, service):
                fault["struck"] += 1
                if fault["times"] is not None and fault["struck"] >= fault["times"]:
                    del _faults[number]
                return fault
    return None


def quota(kind: str) -> float | None:
    """The lowest limit of a kind that is in force; a limit is never used up."""
    with _lock:
        return min((row["value"] for row in _faults.values() if row["kind"] == kind), default=None)


def for_task(schedule: str | None) -> dict[str, float | None]:
    """What is going to happen to a task that is placed now: kind → value."""
    struck = {kind: strike(kind, schedule) for kind, row in KINDS.items() if row[0] == "task"}
    return {kind: fault["value"] for kind, fault in struck.items() if fault is not None}


def for_call(schedule: str | None, service: str) -> Json | None:
    """What is going to happen to a call that arrives now."""
    struck = (strike(kind, schedule, service) for kind, row in KINDS.items() if row[0] == "call")
    return next(filter(None, struck), None)


def _fits(fault: Json, schedule: str | None, service: str | None) -> bool:
    return fault["schedule"] in (None, schedule) and fault["service"] in (None, service)
