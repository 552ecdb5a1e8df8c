"""Log events on disk before they are acknowledged: one append-only file per log group.

A line is a JSON array: ``["stream", name, created]``, ``["deleted", name]`` or ``["events", name,
ingested, first id, [[timestamp, message], …]]``. What stands in the file is read back at the start.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from toolkit.local.ministack.state import snapshots

Group = dict[str, Any]
Event = dict[str, Any]
Key = tuple[str, str, str]  # account, region, name

_HOME = snapshots.DIRECTORY / "logs"
_lock = threading.Lock()
_streams: dict[Path, set[str]] = {}  # that the files tell of
_next_id: dict[Path, int] = {}


def streams(key: Key, group: Group) -> set[str]:
    """The names of the group's streams that are on disk."""
    return _streams.get(_path(key, group), set())


def create(key: Key, group: Group, stream: str) -> None:
    """A stream is new."""
    with _lock:
        path = _path(key, group)
        _begin(path)
        _add(path, group, stream)


def delete(key: Key, group: Group, stream: str) -> None:
    """A stream is gone."""
    with _lock:
        path = _path(key, group)
        if stream in _streams.get(path, ()):
            _append(path, ["deleted", stream])
            _streams[path].remove(stream)


def drop(key: Key, group: Group) -> None:
    """A group is gone."""
    with _lock:
        path = _path(key, group)
        _streams.pop(path, None)
        _next_id.pop(path, None)
        path.unlink(missing_ok=True)


def write(key: Key, group: Group, stream: str, ingested: int, rows: list[Any]) -> list[Event]:
    """Append events, each a timestamp and a message; returns them as they are stored.

    The id of an event is its place among all of the group.
    """
    with _lock:
        path = _path(key, group)
        _begin(path)
        if stream not in _streams[path]:  # CloudFormation made it
            _add(path, group, stream)
        first = _next_id[path]
        _append(path, ["events", stream, ingested, first, rows])
        _next_id[path] = first + len(rows)
    return list(_events(ingested, first, rows))


def restore(groups: list[tuple[Key, Group]]) -> None:
    """Give the groups back their streams and events; the files of no group go."""
    found = {_path(key, group): group for key, group in groups}
    for path in _HOME.glob("*.jsonl"):
        if path in found:
            _restore(path, found[path])
        else:
            path.unlink()


def wipe() -> None:
    """Forget everything."""
    with _lock:
        _streams.clear()
        _next_id.clear()
        for path in _HOME.glob("*.jsonl"):
            path.unlink()


def _restore(path: Path, group: Group) -> None:
    found: dict[str, Any] = group["streams"]
    known = _streams[path] = set()
    following = 0
    for kind, name, *record in _lines(path):
        if kind == "stream":
            found[name] = new_stream(record[0])
            known.add(name)
        elif kind == "deleted":
            found.pop(name, None)
            known.discard(name)
        else:
            ingested, first, rows = record
            following = first + len(rows)
            found[name]["events"].extend(_events(ingested, first, rows))
            found[name]["lastIngestionTime"] = ingested
    _next_id[path] = following
    for name in known:
        _put_in_order(found[name])


def _put_in_order(stream: dict[str, Any]) -> None:
    events = stream["events"]
    events.sort(key=itemgetter("timestamp"))
    if events:
        stream["firstEventTimestamp"] = events[0]["timestamp"]
        stream["lastEventTimestamp"] = events[-1]["timestamp"]


def new_stream(created: int) -> dict[str, Any]:
    """A stream without events, as ministack keeps it."""
    return {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": created,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }


def _events(ingested: int, first: int, rows: list[Any]) -> Iterator[Event]:
    for number, (timestamp, message) in enumerate(rows, first):
        yield {
            "timestamp": timestamp,
            "message": message,
            "ingestionTime": ingested,
            "eventId": f"{number:056d}",
        }


def _lines(path: Path) -> Iterator[Any]:
    """The records of a file. A last line that a kill cut off was never acknowledged: it goes."""
    whole = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                whole += len(line)
                yield json.loads(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)


def _begin(path: Path) -> None:
    """Before the first line, save the state: a file without its group would be no good."""
    if path not in _streams:
        snapshots.save()
        _HOME.mkdir(parents=True, exist_ok=True)
        _streams[path], _next_id[path] = set(), 0


def _add(path: Path, group: Group, stream: str) -> None:
    _append(path, ["stream", stream, group["streams"][stream]["creationTime"]])
    _streams[path].add(stream)


def _append(path: Path, record: list[Any]) -> None:
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        if file.write(line) != len(line):
            file.truncate(size)
            raise OSError(f"the disk is full: {path}")


def _path(key: Key, group: Group) -> Path:
    """A group that was made again after it was deleted has another file."""
    identity = "/".join([*key, str(group["creationTime"])])
    readable = re.sub(r"[^\w.-]+", "_", key[2]).strip("_")[-80:]
    return _HOME / f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsonl"
