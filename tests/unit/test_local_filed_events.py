"""Events in a file read as a list of them would: the list is the oracle."""

import heapq
import json
from bisect import bisect_left, bisect_right
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.local.ministack.upstream import filed_events
from toolkit.local.ministack.upstream.filed_events import Event, FiledEvents

Batches = list[list[int]]
# Timestamps of batches; few of them, so that many are the same.
BATCHES = st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=6)
TIMES = st.one_of(st.integers(-1, 32), st.just(float("inf")))
SETTINGS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
time_of = itemgetter("timestamp")


class Stream:
    """The same events, in a file and in a list; a batch that would be late is left out."""

    def __init__(self, path: Path, batches: Batches, came: int = 0) -> None:
        filed_events.forget_files()
        self.filed = FiledEvents(path)
        self.listed: list[Event] = []
        path.write_bytes(b"something else\n")
        for number, times in enumerate(batches):
            self._add(path, sorted(times), came + number)

    def _add(self, path: Path, times: list[int], came: int) -> None:
        first = 100 * came
        rows = [[time, f"message {came}/{n} ü"] for n, time in enumerate(times)]
        line = json.dumps(["events", "stream", came, first, rows]).encode() + b"\n"
        place = path.stat().st_size
        late = bool(times and self.listed and self.listed[-1]["timestamp"] > times[0])
        assert self.filed.add(rows, place, len(line)) is not late
        if not late:
            with path.open("ab") as file:
                file.write(line)
            self.listed += filed_events.as_events(came, first, rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "group.jsonl"


@SETTINGS
@given(BATCHES, TIMES, st.integers(-40, 40), st.integers(-40, 40), st.integers(0, 5))
def test_filed_events_read_as_a_list(
    path: Path, batches: Batches, time: float, start: int, stop: int, gone: int
) -> None:
    stream = Stream(path, batches)
    gone = min(gone, len(stream.listed))
    stream.filed.forget(gone)
    listed = stream.listed[gone:]
    assert len(stream.filed) == len(listed)
    assert list(stream.filed) == listed
    assert stream.filed[start:stop] == listed[start:stop]
    assert [stream.filed[n] for n in range(-len(listed), len(listed))] == [*listed, *listed]
    assert filed_events.position(stream.filed, time) == bisect_left(listed, time, key=time_of)
    position = filed_events.position(stream.filed, time, after=True)
    assert position == bisect_right(listed, time, key=time_of)
    # ministack looks for times by itself.
    assert bisect_left(stream.filed, time, key=time_of) == bisect_left(listed, time, key=time_of)


@SETTINGS
@given(st.lists(BATCHES, max_size=4), TIMES, TIMES, st.integers(0, 3))
def test_streams_are_merged_as_lists_are(
    path: Path, batches: list[Batches], first: float, last: float, in_memory: int
) -> None:
    streams = [
        Stream(path.with_suffix(f".{number}"), rows, came=number)
        for number, rows in enumerate(batches)
    ]
    events: dict[str, Any] = {
        str(n): stream.listed if n == in_memory else stream.filed
        for n, stream in enumerate(streams)
    }
    ranges = [
        [(event, str(n)) for event in stream.listed if first <= event["timestamp"] <= last]
        for n, stream in enumerate(streams)
    ]
    expected = heapq.merge(
        *ranges, key=lambda pair: (pair[0]["timestamp"], pair[0]["ingestionTime"])
    )
    assert list(filed_events.merged(events, first, last)) == list(expected)


def test_of_many_streams_only_those_are_read_whose_time_has_come(path: Path) -> None:
    streams = {}
    for number in range(100):
        own = path.with_suffix(f".{number}")
        streams[str(number)] = Stream(own, [[number]]).filed
        if number > 10:
            own.unlink()
    events = filed_events.merged(streams, 0, float("inf"))
    found = [next(events)[0]["timestamp"] for _ in range(10)]
    assert found == list(range(10))


def test_events_that_come_while_others_are_read_are_read_the_next_time(path: Path) -> None:
    stream = Stream(path, [[1, 2], [3]])
    reading = iter(stream.filed)
    assert next(reading)["timestamp"] == 1
    stream._add(path, [4], 9)
    assert [event["timestamp"] for event in reading] == [2, 3]
    assert [event["timestamp"] for event in stream.filed] == [1, 2, 3, 4]


def test_memory_holds_five_numbers_of_a_batch(path: Path) -> None:
    small = Stream(path, [[n] for n in range(100)]).filed
    large = Stream(path, [[n] * 50 for n in range(100)]).filed
    assert (len(small), len(large)) == (100, 5000)
    assert len(small._index) == len(large._index) == 100 * 5
