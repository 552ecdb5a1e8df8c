"""The lease of a schedule: never two holders within its time, whatever gets lost on the way."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define, field
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from toolkit.runtime.contract import LeaseReport, LeaseState
from toolkit.runtime.lease import STALE_SECONDS, HeldLease, Lease, new_lease
from toolkit.runtime.sink import DirectorySink, SinkError, StoredLease

KEY = "running/weather.json"


@define
class Store:
    """S3 as far as a lease sees it, with a clock of its own; writes are lost as ``faults`` say."""

    faults: Iterator[str] = field(factory=lambda: iter(()))
    now: int = 0
    content: bytes | None = None
    modified: int = 0
    version: int = 0

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    def look(self, key: str) -> StoredLease | None:
        if next(self.faults, "") == "unreachable":
            raise SinkError(key)
        if self.content is None:
            return None
        return StoredLease(self.content, self.etag, float(self.now - self.modified))

    def replace(self, key: str, content: bytes, etag: str | None) -> str | None:
        fault = next(self.faults, "")
        if fault == "unreachable":
            raise SinkError(key)
        known = self.etag if self.content is not None else None
        if etag != known:
            return None
        self.content, self.modified, self.version = content, self.now, self.version + 1
        if fault == "answer lost":
            # The sink tried again, and its own write stood in the way.
            return None
        return self.etag


@define
class Runner:
    """A run that takes the lease, and what it was told."""

    number: int
    store: Store
    lease: HeldLease = field(init=False)
    lost: list[Lease | None] = field(factory=list)
    report: LeaseReport | None = None
    confirmed: int = -1  # by the store's clock: when a write of ours last surely arrived
    over: bool = False

    def __attrs_post_init__(self) -> None:
        mine = new_lease(f"weather-{self.number}", f"arn:{self.number}", "")
        self.lease = HeldLease(self.store, KEY, mine, self.lost.append)

    @property
    def holds(self) -> bool:
        """Whether it goes on in the belief that the lease is its own, and in its time."""
        held = self.report is not None and self.lease.report.state is LeaseState.HELD
        fresh = self.store.now - self.confirmed <= STALE_SECONDS
        return held and fresh and not self.over

    def step(self, action: str) -> None:
        if self.report is None:
            if action == "take":
                self._take()
        elif action in ("renew", "release") and not self.over:
            before = self.store.version
            self.lease.check() if action == "renew" else self.lease.release()
            if self.store.version != before:
                self.confirmed = self.store.now
            self.over = action == "release"

    def _take(self) -> None:
        try:
            self.report = self.lease.take()
        except SinkError:
            return
        self.confirmed = self.store.now


STEPS = st.one_of(
    st.tuples(st.integers(0, 3), st.sampled_from(["take", "renew", "release"])),
    st.tuples(st.just(-1), st.integers(1, 400)),
)
FAULTS = st.lists(st.sampled_from(["", "", "", "answer lost", "unreachable"]), max_size=30)


@settings(max_examples=examples(1500), deadline=None)
@example([(0, "take"), (-1, 302), (0, "take"), (1, "take")], ["answer lost", "unreachable"])
@given(steps=st.lists(STEPS, max_size=40), faults=FAULTS)
def test_never_two_hold_it_within_its_time(
    steps: list[tuple[int, str | int]], faults: list[str]
) -> None:
    store = Store(iter(faults))
    runs = [Runner(number, store) for number in range(4)]
    for number, action in steps:
        if isinstance(action, int):
            store.now += action
        else:
            runs[number].step(action)
        holders = [run.number for run in runs if run.holds]
        assert len(holders) <= 1, (number, action, holders)


@given(faults=FAULTS)
def test_a_holder_whose_lease_was_taken_is_told_once_and_never_writes_again(
    faults: list[str],
) -> None:
    store = Store()
    first, second = Runner(1, store), Runner(2, store)
    first.step("take")
    store.now += STALE_SECONDS + 2
    second.step("take")
    assert second.lease.report.state is LeaseState.HELD
    store.faults = iter(faults)
    for _ in range(20):
        first.lease.check()
    store.faults = iter(())
    first.lease.check()
    taken = store.content
    first.lease.release()
    assert (first.lease.report.state, first.lease.report.holder) == (LeaseState.LOST, "weather-2")
    assert len(first.lost) == 1
    assert store.content == taken


@pytest.mark.parametrize(
    ("age", "state"),
    [
        (0, LeaseState.REFUSED),
        (STALE_SECONDS + 1, LeaseState.REFUSED),
        (STALE_SECONDS + 2, LeaseState.HELD),
    ],
)
def test_the_lease_of_a_holder_that_was_killed_is_free_when_it_is_stale(
    age: int, state: LeaseState
) -> None:
    store = Store()
    Runner(1, store).step("take")
    store.now += age
    second = Runner(2, store)
    second.step("take")
    assert second.lease.report.state is state
    assert second.lease.report.holder == ("" if state is LeaseState.HELD else "weather-1")


def test_a_lease_that_was_released_is_free_at_once() -> None:
    store = Store()
    for number in range(5):
        run = Runner(number, store)
        run.step("take")
        assert run.lease.report.state is LeaseState.HELD
        run.step("renew")
        run.step("release")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"format": "lease/2"}'])
def test_a_lease_that_cannot_be_read_counts_as_held_until_it_is_stale(content: bytes) -> None:
    store = Store(content=content)
    first, second = Runner(1, store), Runner(2, store)
    first.step("take")
    assert first.lease.report == LeaseReport(LeaseState.REFUSED)
    store.now += STALE_SECONDS + 2
    second.step("take")
    assert second.lease.report.state is LeaseState.HELD


def test_a_store_that_does_not_answer_grants_nothing() -> None:
    run = Runner(1, Store(iter(["unreachable"])))
    with pytest.raises(SinkError):
        run.lease.take()


def test_a_directory_keeps_leases_as_a_bucket_does(tmp_path: Path) -> None:
    sink = DirectorySink(tmp_path)
    first = sink.replace(KEY, b"1", None)
    assert first is not None
    assert sink.replace(KEY, b"2", None) is None
    second = sink.replace(KEY, b"2", first)
    assert second is not None
    assert sink.replace(KEY, b"3", first) is None
    found = sink.look(KEY)
    assert found is not None
    assert (found.content, found.etag) == (b"2", second)
    assert sink.look("running/other.json") is None
