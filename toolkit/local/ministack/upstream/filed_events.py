"""Log events that stand in a file: memory holds where, and from when to when, but none of them.

A line of the file is a batch: a JSON array that ends with when it came, the number of its first
event and its rows, ``[…, ingested, first, [[timestamp, message], …]]``. Times are in milliseconds.
"""

import heapq
import json
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, overload

Event = dict[str, Any]
Row = Sequence[Any]  # timestamp and message
Batch = tuple[int, int, list[Row]]

# What the index says of a batch: how many events end with it, its first and its last timestamp, the
# place of its line in the file and the line's length.
_FIELDS = 5
_END, _FIRST, _LAST, _PLACE, _LENGTH = range(_FIELDS)
# Readers come back for the same batch, one event after the other. A batch is a megabyte at most.
_BATCHES_AT_HAND = 8
_timestamp = itemgetter("timestamp")


class FiledEvents(Sequence[Event]):
    """The events of one stream in the order of time; each is read when it is asked for."""

    __slots__ = ("_forgotten", "_index", "_path")

    def __init__(self, path: Path) -> None:
        self._path = path
        self._index = array("q")
        self._forgotten = 0

    def add(self, rows: Sequence[Row], place: int, length: int) -> bool:
        """Note a batch in the order of time; False, and nothing noted, if older than what is there.

        Other threads may read meanwhile: they see all of the batch, or nothing.
        """
        if not rows:
            return True
        first, last = rows[0][0], rows[-1][0]
        if self._index and self._index[_LAST - _FIELDS] > first:
            return False
        end = self._end(self._batches - 1) + len(rows)
        self._index += array("q", (end, first, last, place, length))
        return True

    def forget(self, count: int) -> None:
        """Leave out so many events, the oldest ones."""
        self._forgotten += count

    def position(self, timestamp: float, *, after: bool = False) -> int:
        """How many events are older than ``timestamp``; with ``after`` also those of that time."""
        bisect = bisect_right if after else bisect_left
        batch = bisect(range(self._batches), timestamp, key=lambda n: self._field(n, _LAST))
        found = self._end(batch - 1)
        if batch < self._batches and self._field(batch, _FIRST) <= timestamp:
            found += bisect(self._read(batch)[2], timestamp, key=itemgetter(0))
        return max(0, found - self._forgotten)

    def since(self, position: int) -> int:
        """A time that no event from there on is older than, without a look into the file."""
        return self._field(self._batch_of(position + self._forgotten), _FIRST)

    def between(self, start: int, stop: int) -> Iterator[Event]:
        """The events from one position to another."""
        at, end = start + self._forgotten, min(stop, len(self)) + self._forgotten
        batch = self._batch_of(at)
        while at < end:
            begin = self._end(batch - 1)
            ingested, first, rows = self._read(batch)
            upto = min(len(rows), end - begin)
            yield from as_events(ingested, first, rows, at - begin, upto)
            at, batch = begin + upto, batch + 1

    def __len__(self) -> int:
        return self._end(self._batches - 1) - self._forgotten

    @overload
    def __getitem__(self, key: int) -> Event: ...
    @overload
    def __getitem__(self, key: slice) -> list[Event]: ...
    def __getitem__(self, key: int | slice) -> Event | list[Event]:
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step != 1:
                raise ValueError("events are read one after the other")
            return list(self.between(start, stop))
        position = range(len(self))[key]
        return next(self.between(position, position + 1))

    def __iter__(self) -> Iterator[Event]:
        return self.between(0, len(self))

    @property
    def _batches(self) -> int:
        return len(self._index) // _FIELDS

    def _field(self, batch: int, field: int) -> int:
        return self._index[batch * _FIELDS + field]

    def _end(self, batch: int) -> int:
        return self._field(batch, _END) if batch >= 0 else 0

    def _batch_of(self, number: int) -> int:
        return bisect_right(range(self._batches), number, key=self._end)

    def _read(self, batch: int) -> Batch:
        return _load(self._path, self._field(batch, _PLACE), self._field(batch, _LENGTH))


@lru_cache(_BATCHES_AT_HAND)
def _load(path: Path, place: int, length: int) -> Batch:
    with path.open("rb", buffering=0) as file:
        file.seek(place)
        *_, ingested, first, rows = json.loads(file.read(length))
    return ingested, first, rows


def forget_files() -> None:
    """Files were deleted: another may come to stand in the place of one."""
    _load.cache_clear()


def as_events(
    ingested: int, first: int, rows: Sequence[Row], start: int = 0, stop: int | None = None
) -> Iterator[Event]:
    """The rows of a batch as events, from one of them to another."""
    for number in range(start, len(rows) if stop is None else stop):
        timestamp, message = rows[number]
        yield {
            "timestamp": timestamp,
            "message": message,
            "ingestionTime": ingested,
            "eventId": f"{first + number:056d}",
        }


def position(events: Sequence[Event], timestamp: float, *, after: bool = False) -> int:
    """How many events of a stream are older than a time; with ``after`` also those of that time."""
    if isinstance(events, FiledEvents):
        return events.position(timestamp, after=after)
    bisect = bisect_right if after else bisect_left
    return bisect(events, timestamp, key=_timestamp)


def merged(
    streams: Mapping[str, Sequence[Event]], first: float, last: float
) -> Iterator[tuple[Event, str]]:
    """The events from one time to another, in the order of time and arrival, with their streams.

    A stream is not read before its time comes: of thousands, a page needs some.
    """
    heap: list[tuple[int, int, int, Event | None, Iterator[Event], str]] = []
    for number, (name, events) in enumerate(streams.items()):
        start, stop = position(events, first), position(events, last, after=True)
        if start >= stop:
            continue
        if isinstance(events, FiledEvents):
            since, rest = events.since(start), events.between(start, stop)
        else:
            since, rest = events[start]["timestamp"], iter(events[start:stop])
        heap.append((since, -1, number, None, rest, name))
    heapq.heapify(heap)
    while heap:
        _time, _came, number, event, rest, name = heap[0]
        if event is not None:
            yield event, name
        following = next(rest, None)
        if following is None:
            heapq.heappop(heap)
        else:
            key = following["timestamp"], following["ingestionTime"], number
            heapq.heapreplace(heap, (*key, following, rest, name))


def in_order(events: Iterable[Event]) -> list[Event]:
    """The events in the order of time; those of one time as they came."""
    return sorted(events, key=_timestamp)
