"""Which firings may be made good, and that of two tasks of one run one commits."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.core.errors import ConfigError
from toolkit.core.proof.make_good import (
    Known,
    check,
    check_alone,
    check_text,
    made_good_of,
    told,
    variables,
)
from toolkit.core.task import Task
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import Manifest, Result, Run, RunId
from toolkit.runtime.log import Log
from toolkit.runtime.runtime import _Execution
from toolkit.runtime.sink import SinkError
from toolkit.runtime.stop import StopFlag
from toolkit.runtime.task import read_task

DUE = datetime(2026, 11, 24, 5, tzinfo=UTC)
RUN = RunId("weather", DUE)
LATER = DUE + timedelta(hours=6)
MISSED = Known(RUN, "due", launch_window=960.0)
DEAD = Task("arn:aws:ecs:us-east-1:1:task/app/0a", "STOPPED")


@pytest.mark.parametrize(
    ("known", "now"),
    [
        (MISSED, LATER),
        (evolve(MISSED, launch_window=None), LATER),
        (evolve(MISSED, tasks=(DEAD,)), LATER),
        (evolve(MISSED, tasks=(DEAD,)), DUE + timedelta(minutes=1)),
        (evolve(MISSED, given_up=True), DUE + timedelta(minutes=1)),
    ],
)
def test_a_firing_that_no_task_claims_any_more_may_be_made_good(
    known: Known, now: datetime
) -> None:
    check(known, now)


@pytest.mark.parametrize(
    ("known", "now", "problem"),
    [
        (MISSED, DUE - timedelta(seconds=1), "not due yet"),
        (MISSED, DUE + timedelta(minutes=16), "until 2026-11-24T05:16:00Z"),
        (evolve(MISSED, launch_window=90_000.0), LATER, "until 2026-11-25T06:00:00Z"),
        (evolve(MISSED, expected="not-a-firing"), LATER, "does not fire at that time"),
        (evolve(MISSED, expected="not-deployed"), LATER, "no such schedule"),
        (evolve(MISSED, expected="paused"), LATER, "paused then"),
        (evolve(MISSED, owner="arn:task/7"), LATER, "is claimed by task arn:task/7"),
        (evolve(MISSED, manifests=("ledger/a.json",)), LATER, "has run: ledger/a.json"),
        (evolve(MISSED, tasks=(DEAD, evolve(DEAD, last_status="PENDING"))), LATER, "is PENDING"),
    ],
)
def test_every_other_firing_is_refused_with_the_reason(
    known: Known, now: datetime, problem: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check(known, now)
    assert problem in refused.value.message


def test_a_firing_that_its_schedules_lease_would_skip_is_refused() -> None:
    check_alone(RUN, [RunId("weather-berlin", DUE), RunId("stream", DUE)])
    check_alone(RUN, [])
    on_demand = RunId("weather", LATER, "abc123")
    with pytest.raises(ConfigError, match="would be skipped") as refused:
        check_alone(RUN, [RunId("stream", DUE), on_demand])
    assert str(on_demand) in refused.value.message


def test_a_time_that_is_no_firing_gets_its_neighbours_as_a_hint() -> None:
    with pytest.raises(ConfigError) as refused:
        check(evolve(MISSED, expected="not-a-firing", near=(DUE,)), LATER)
    assert refused.value.hint == "firings near it: 2026-11-24T05:00:00Z"


@pytest.mark.parametrize(
    "why", ["schedule-disabled", "outside-window", "not-deployed", "paused", "something-new"]
)
def test_a_firing_that_was_off_gets_no_other_one_as_a_hint(why: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check(evolve(MISSED, expected=why, near=(DUE,)), LATER)
    assert refused.value.hint is None


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "\x1b[2J", "x" * 201])
def test_a_reason_is_one_printable_line(text: str) -> None:
    with pytest.raises(ConfigError):
        check_text("--why", text)


@given(by=st.text(min_size=1), why=st.text())
def test_who_and_why_come_back_from_the_launch_as_they_were_given(by: str, why: str) -> None:
    launch = {"SCHEDULE": "weather", **variables(by, why)}
    assert made_good_of(launch) == variables(by, why)
    assert by in told(evolve(DEAD, environment=launch))


@define
class Store:
    """A bucket whose answers may get lost, and in whose every call another delivery may happen."""

    faults: Iterator[str]
    others: list[Callable[[], None]]
    objects: dict[str, bytes] = field(factory=dict)

    def create(self, key: str, content: bytes) -> bool:
        fault = next(self.faults, "")
        if "before" in fault and self.others:
            self.others.pop()()
        if fault == "refused":
            raise SinkError(key)
        absent = key not in self.objects
        self.objects.setdefault(key, content)
        if "after" in fault and self.others:
            self.others.pop()()
        if "lost" in fault:
            raise SinkError(key)
        return absent

    def read(self, key: str) -> bytes:
        if key not in self.objects:
            raise SinkError(key)
        return self.objects[key]

    def put(self, key: str, content: bytes | Path, *, media_type: str, sha256: bytes) -> None:
        raise NotImplementedError


@define
class Nothing:
    """Work that is done at once."""

    def run(self, run: Run) -> Result:
        return Result()

    def kill(self) -> None:
        pass


CATALOG = Catalog({"weather": Workload("weather", "", "batch", "a:b", 256, 512, 600, ())})


def deliver(number: int, store: Store, scratch: Path) -> None:
    """One task of the firing; every odd one was started by a person."""
    made = variables("ann", "capacity") if number % 2 else {}
    names = {"WORKLOAD": "weather", "SCHEDULE": "weather", "BUCKET": "b"}
    task = read_task({**names, "SCHEDULED_TIME": "2026-11-24T05:00:00Z", **made}, CATALOG)
    log = Log(io.StringIO(), time.time)
    own = scratch / str(number)
    arn = f"arn:{number}"
    run = _Execution(task, arn, own, log, StopFlag(), time.time, lambda _: store, Nothing())
    run.run()


FAULTS = ["", "before", "after", "before and after", "lost", "after and lost", "refused"]


@settings(max_examples=examples(200), deadline=None)
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=12), tasks=st.integers(1, 4))
def test_of_a_person_and_deliveries_in_any_order_at_most_one_commits(
    faults: list[str], tasks: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(iter(faults), [])
    scratch = tmp_path_factory.getbasetemp() / "scratch"
    store.others = [lambda n=n: deliver(n, store, scratch) for n in range(1, tasks)]  # type: ignore[misc]
    deliver(0, store, scratch)
    while store.others:
        store.others.pop()()
    claims = [key for key in store.objects if key.endswith("claim.json")]
    manifests = [key for key in store.objects if key.startswith("ledger/")]
    assert len(manifests) <= len(claims) <= 1
    if not {"refused", "lost", "after and lost"} & set(faults):
        assert len(manifests) == 1
    for key in manifests:
        manifest = Manifest.from_json(store.objects[key])
        number = int(manifest.task_arn.removeprefix("arn:"))
        assert (manifest.made_good is not None) == (number % 2 == 1)
