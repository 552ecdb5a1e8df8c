"""Log streams and events in a database: on disk before they are acknowledged, and not in memory.

What was committed survives the end of the process, however it ends; it is written, not flushed.
What was deleted or has expired is out of sight at once, and goes from the disk in slices (`sweep`):
a hundred thousand events take seconds. Times are in milliseconds since the epoch.
"""

import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator, MutableMapping
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Row = tuple[int, str]  # timestamp and message
Place = tuple[int, ...]  # of an event in the order of a group: when it happened, came, its id

_TABLES = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1024;
CREATE TABLE IF NOT EXISTS groups (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE IF NOT EXISTS streams (
    id INTEGER PRIMARY KEY, grp INTEGER, name TEXT, created INTEGER, came INTEGER,
    UNIQUE (grp, name)
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp INTEGER, stream INTEGER, happened INTEGER,
    came INTEGER, message BLOB
);
CREATE INDEX IF NOT EXISTS of_group ON events (grp, happened, came);
CREATE INDEX IF NOT EXISTS of_stream ON events (stream, happened, came);
"""
COLUMNS = {
    "groups": ["id", "name"],
    "streams": ["id", "grp", "name", "created", "came"],
    "events": ["id", "grp", "stream", "happened", "came", "message"],
}
_SEARCH = """
SELECT happened, message, events.came, events.id, name
FROM events CROSS JOIN streams ON streams.id = stream
WHERE {column} IN ({values}) AND happened BETWEEN ? AND ? AND name IS NOT NULL
    AND (happened, events.came, events.id) {after} (?, ?, ?)
ORDER BY happened {order}, events.came {order}, events.id {order}
"""
_STREAM = """
SELECT id, created, came,
    (SELECT min(happened) FROM events WHERE stream = streams.id AND happened >= ?1),
    (SELECT max(happened) FROM events WHERE stream = streams.id AND happened >= ?1)
FROM streams WHERE grp = ?2 AND name = ?3
"""
# What nobody sees any more: groups and streams without a name, with their events.
_UNNAMED = """
SELECT id, 'grp' FROM groups WHERE name IS NULL
UNION ALL SELECT id, 'stream' FROM streams WHERE name IS NULL
"""
_SLICE = 2000


class LogStore:
    """The streams and events of any number of groups, for any number of threads."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.executescript(_TABLES)
        self._lock = threading.RLock()  # a transaction is of one thread alone
        self._oldest: dict[int, float] = {}  # group → the time before which its events are gone

    def ask(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Ask or change something, on disk at once."""
        with self._lock:
            return self._database.execute(statement, values)

    def group(self, name: str) -> "Streams":
        """The streams of a group, which is made where there is none."""
        self.ask("INSERT OR IGNORE INTO groups (name) VALUES (?)", name)
        [(number,)] = self.ask("SELECT id FROM groups WHERE name = ?", name)
        return Streams(self, number)

    def groups(self) -> set[str]:
        """The names of all groups."""
        return {name for (name,) in self.ask("SELECT name FROM groups WHERE name IS NOT NULL")}

    def drop(self, groups: Collection[str]) -> None:
        """Remove groups with all that is in them."""
        for name in groups:
            self.ask("UPDATE groups SET name = NULL WHERE name = ?", name)

    def renew(self, group: int) -> int:
        """Give the name of a group to one that is empty; returns its number."""
        with self._lock, self._database:
            self.ask("BEGIN")
            [(name,)] = self.ask("SELECT name FROM groups WHERE id = ?", group)
            self.ask("UPDATE groups SET name = NULL WHERE id = ?", group)
            added = self.ask("INSERT INTO groups (name) VALUES (?)", name)
        assert added.lastrowid is not None
        return added.lastrowid

    def expire(self, group: int, oldest: float) -> None:
        """Let the events of a group that happened before a time be gone."""
        self._oldest[group] = oldest

    def oldest(self, group: int) -> float:
        """The time before which the events of a group are gone."""
        return self._oldest.get(group, 0)

    def sweep(self, pause: Callable[[], None], *, size: int = _SLICE) -> None:
        """Remove from the disk what is gone, ``size`` events at a time; ``pause`` in between."""
        for group, oldest in list(self._oldest.items()):
            self._remove("grp = ? AND happened < ?", (group, oldest), size, pause)
        for number, column in self.ask(_UNNAMED).fetchall():
            self._remove(f"{column} = ?", (number,), size, pause)
            if column == "grp":
                self._oldest.pop(number, None)
                self.ask("DELETE FROM streams WHERE grp = ?", number)
                self.ask("DELETE FROM groups WHERE id = ?", number)
            else:
                self.ask("DELETE FROM streams WHERE id = ?", number)

    def _remove(
        self, condition: str, values: Collection[float], size: int, pause: Callable[[], None]
    ) -> None:
        statement = (
            "DELETE FROM events WHERE id IN "  # noqa: S608 - the conditions are those above
            f"(SELECT id FROM events WHERE {condition} LIMIT {size})"
        )
        while self.ask(statement, *values).rowcount:
            pause()

    def add(self, stream: int, group: int, came: int, rows: Collection[Row]) -> None:
        """Add events to a stream, all or none of them."""
        with self._lock, self._database:
            self.ask("BEGIN")
            self.ask("UPDATE streams SET came = ? WHERE id = ?", came, stream)
            self._database.executemany(
                "INSERT INTO events (grp, stream, happened, came, message) VALUES (?, ?, ?, ?, ?)",
                (
                    (group, stream, happened, came, message.encode("utf-8", "surrogatepass"))
                    for happened, message in sorted(rows, key=lambda row: row[0])
                ),
            )


class Streams(MutableMapping[str, dict[str, Any]]):
    """The streams of a group by name, as ministack keeps them. What is read is a copy."""

    def __init__(self, store: LogStore, number: int) -> None:
        self._store, self._group = store, number

    def __getitem__(self, name: str) -> dict[str, Any]:
        _number, created, came, first, last = self._found(name)
        return {
            "events": (event for event, *_ in self.search(names=[name])),
            "uploadSequenceToken": str(came or 1),
            "creationTime": created,
            "firstEventTimestamp": first,
            "lastEventTimestamp": last,
            "lastIngestionTime": came,
        }

    def __setitem__(self, name: str, stream: dict[str, Any]) -> None:
        self.pop(name, None)
        statement = "INSERT INTO streams (grp, name, created) VALUES (?, ?, ?)"
        self._store.ask(statement, self._group, name, stream["creationTime"])

    def __delitem__(self, name: str) -> None:
        number, *_ = self._found(name)
        self._store.ask("UPDATE streams SET name = NULL WHERE id = ?", number)

    def __iter__(self) -> Iterator[str]:
        statement = "SELECT name FROM streams WHERE grp = ? AND name IS NOT NULL"
        return (name for (name,) in self._store.ask(statement, self._group).fetchall())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove all streams."""
        self._group = self._store.renew(self._group)

    def put(self, name: str, came: int, rows: Collection[Row]) -> None:
        """Add events to a stream."""
        number, *_ = self._found(name)
        if rows:
            self._store.add(number, self._group, came, rows)

    def forget(self, oldest: float) -> None:
        """Remove the events before a time; their streams stay."""
        self._store.expire(self._group, oldest)

    def search(
        self,
        first: float = 0,
        last: float = float("inf"),
        *,
        names: Collection[str] = (),
        behind: Place = (),
        backward: bool = False,
    ) -> Iterator[tuple[Event, str, Place]]:
        """Events in the order of time, with their streams and places.

        Args:
            first: the earliest time.
            last: the latest time.
            names: of the streams; of all where there is none.
            behind: the place of an event, to go on behind it.
            backward: from the last to the first.
        """
        chosen = [self._found(name)[0] for name in names] or [self._group]
        start = behind or ((float("inf"),) * 3 if backward else (-1, -1, -1))
        first = max(first, self._store.oldest(self._group))
        first, last = (first, min(last, start[0])) if backward else (max(first, start[0]), last)
        statement = _SEARCH.format(
            column="stream" if names else "events.grp",
            values=", ".join("?" * len(chosen)),
            after="<" if backward else ">",
            order="DESC" if backward else "ASC",
        )
        for *row, name in self._store.ask(statement, *chosen, first, last, *start):
            happened, message, came, number = row
            event = {
                "timestamp": happened,
                "message": message.decode("utf-8", "surrogatepass"),
                "ingestionTime": came,
                "eventId": f"{number:056d}",
            }
            yield event, name, (happened, came, number)

    def _found(self, name: str) -> Any:
        found = self._store.ask(
            _STREAM, self._store.oldest(self._group), self._group, name
        ).fetchone()
        if found is None:
            raise KeyError(name)
        return found
