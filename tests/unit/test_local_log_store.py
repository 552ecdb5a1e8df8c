"""Log events in a database read as a list of them would: the list is the oracle."""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.local.ministack.upstream.log_store import Event, LogStore, Place, Streams

# Few timestamps, so that many are the same; batches come late, and between one another.
BATCHES = st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.integers(0, 9), max_size=4)))
BOUNDS = st.one_of(st.integers(-1, 11), st.just(float("inf")))
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Listed = list[tuple[Event, str]]


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[], Streams]:
    """A group of a store that is empty whenever it is opened, in a folder of its own."""

    def open_one() -> Streams:
        store = LogStore(Path(tempfile.mkdtemp(dir=tmp_path)) / "logs.sqlite")
        filled(store.group("other"), [("a", [3])])
        return store.group("mine")

    return open_one


def filled(group: Streams, batches: list[tuple[str, list[int]]]) -> Listed:
    """Put batches into a group; returns them as a list, in the order of time and arrival."""
    for name in "ab":
        group[name] = {"creationTime": 5}
    listed: Listed = []
    for came, (name, times) in enumerate(batches, 100):
        rows = [(time, f"message {came}/{n} ü\ud800") for n, time in enumerate(times)]
        group.put(name, came, rows)
        for time, message in sorted(rows, key=lambda row: row[0]):
            listed.append(({"timestamp": time, "message": message, "ingestionTime": came}, name))
    return sorted(listed, key=lambda row: row[0]["timestamp"])


def plain(event: Event) -> Event:
    return {name: value for name, value in event.items() if name != "eventId"}


def searched(rows: Iterator[tuple[Event, str, Place]]) -> Listed:
    return [(plain(event), name) for event, name, _place in rows]


@SETTINGS
@given(BATCHES, BOUNDS, BOUNDS, st.integers(0, 9))
def test_a_search_finds_what_a_list_would(
    opened: Callable[[], Streams],
    batches: list[tuple[str, list[int]]],
    first: float,
    last: float,
    oldest: int,
) -> None:
    group = opened()
    listed = filled(group, batches)
    expected = [row for row in listed if first <= row[0]["timestamp"] <= last]
    assert searched(group.search(first, last)) == expected
    assert searched(group.search(first, last, backward=True)) == expected[::-1]
    for number in range(3):
        mine = [row for row in expected if row[1] in "ab"[:number]] if number else expected
        assert searched(group.search(first, last, names="ab"[:number])) == mine
    ids = [event["eventId"] for event, *_ in group.search(-1, 99)]
    assert len(set(ids)) == len(listed)
    whole = list(expected)
    for _event, _name, place in list(group.search(first, last)):
        expected.pop(0)
        assert searched(group.search(first, last, behind=place)) == expected
        before = searched(group.search(first, last, behind=place, backward=True))
        assert before == whole[: len(whole) - len(expected) - 1][::-1]
    group.forget(oldest)
    kept = [row for row in listed if row[0]["timestamp"] >= oldest]
    assert searched(group.search(-1, 99)) == kept
    assert sorted(group) == ["a", "b"]


@SETTINGS
@given(BATCHES)
def test_a_stream_tells_of_its_events(
    opened: Callable[[], Streams], batches: list[tuple[str, list[int]]]
) -> None:
    group = opened()
    listed = [event for event, name in filled(group, batches) if name == "a"]
    stream = group["a"]
    assert [plain(event) for event in stream["events"]] == listed
    times = [event["timestamp"] for event in listed]
    assert stream["firstEventTimestamp"] == min(times, default=None)
    assert stream["lastEventTimestamp"] == max(times, default=None)
    came = [event["ingestionTime"] for event in listed]
    assert stream["lastIngestionTime"] == max(came, default=None)
    assert stream["creationTime"] == 5


def test_another_store_of_the_same_file_has_what_was_put(tmp_path: Path) -> None:
    """The first is not closed: it might have been killed."""
    path = tmp_path / "logs.sqlite"
    first = LogStore(path)
    listed = filled(first.group("mine"), [("a", [1, 2]), ("b", [1])])
    assert searched(LogStore(path).group("mine").search(0, 9)) == listed


def test_what_is_gone_takes_its_events_along(opened: Callable[[], Streams], tmp_path: Path) -> None:
    group = opened()
    listed = filled(group, [("a", [1]), ("b", [2])])
    del group["a"]
    assert (list(group), len(group)) == (["b"], 1)
    assert searched(group.search(0, 9)) == listed[1:]
    with pytest.raises(KeyError, match="a"):
        group["a"]
    group["a"] = {"creationTime": 6}
    assert list(group["a"]["events"]) == []
    [path] = tmp_path.glob("*/logs.sqlite")
    store = LogStore(path)
    store.drop(["mine"])
    assert store.groups() == {"other"}
    assert list(store.group("mine")) == []
    assert len(searched(store.group("other").search(0, 9))) == 1


def counted(path: Path) -> list[int]:
    """How many rows each table has on disk."""
    with closing(sqlite3.connect(path)) as database:
        tables = ("groups", "streams", "events")
        return [database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]


def forget_some(store: LogStore) -> None:
    store.group("one").forget(50)


def delete_a_stream(store: LogStore) -> None:
    del store.group("one")["s"]


def clear_a_group(store: LogStore) -> None:
    store.group("one").clear()


def drop_a_group(store: LogStore) -> None:
    store.drop(["one"])


@pytest.mark.parametrize(
    ("remove", "left", "on_disk"),
    [
        (forget_some, 50, [2, 2, 150]),
        (delete_a_stream, 0, [2, 1, 100]),
        (clear_a_group, 0, [2, 1, 100]),
        (drop_a_group, 0, [1, 1, 100]),
    ],
)
def test_what_is_removed_is_out_of_sight_at_once_and_goes_in_slices(
    tmp_path: Path,
    remove: Callable[[LogStore], None],
    left: int,
    on_disk: list[int],
) -> None:
    store = LogStore(tmp_path / "logs.sqlite")
    for group in ("one", "two"):
        store.group(group)["s"] = {"creationTime": 1}
        store.group(group).put("s", 1, [(time, "m") for time in range(100)])
    remove(store)
    assert counted(tmp_path / "logs.sqlite")[2] == 200
    pauses: list[None] = []
    store.sweep(lambda: pauses.append(None), size=25)
    assert len(pauses) == (200 - on_disk[2]) // 25
    assert counted(tmp_path / "logs.sqlite") == on_disk
    assert len(list(store.group("two").search())) == 100
    assert len(list(store.group("one").search())) == left
    store.group("one")["s"] = {"creationTime": 2}
    store.group("one").put("s", 2, [(60, "again")])
    assert store.group("one")["s"]["creationTime"] == 2


def test_what_is_removed_is_not_found_before_it_is_swept(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "logs.sqlite")
    group = store.group("one")
    for name in ("old", "young"):
        group[name] = {"creationTime": 1}
    group.put("old", 1, [(1, "m"), (60, "m")])
    group.put("young", 1, [(70, "m")])
    group.forget(50)
    assert [event["timestamp"] for event, *_ in group.search()] == [60, 70]
    assert group["old"]["firstEventTimestamp"] == 60
    del group["young"]
    assert [event["timestamp"] for event, *_ in group.search()] == [60]
    assert list(group) == ["old"]
    assert "young" not in group
    group.clear()
    assert list(group) == []
    assert list(group.search()) == []
    assert store.groups() == {"one"}
    store.drop(["one"])
    assert store.groups() == set()


def test_what_was_removed_before_a_kill_is_swept_after_it(tmp_path: Path) -> None:
    path = tmp_path / "logs.sqlite"
    store = LogStore(path)
    store.group("one")["s"] = {"creationTime": 1}
    store.group("one").put("s", 1, [(1, "m")])
    store.drop(["one"])
    LogStore(path).sweep(lambda: None)
    assert counted(path) == [0, 0, 0]
