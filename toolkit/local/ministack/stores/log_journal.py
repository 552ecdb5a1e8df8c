"""Log events on disk before they are acknowledged: one append-only file per log group.

A line is a JSON array: ``["stream", name, created]``, ``["deleted", name]`` or ``["events", name,
ingested, first id, [[timestamp, message], …]]``. What stands in the file is read back at the start.
"""

import hashlib
import json
import os
import re
import threading
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import filed_events
from toolkit.local.ministack.upstream.filed_events import Batch, FiledEvents, Row

Json = dict[str, Any]
Group = Json
Key = tuple[str, str, str]  # account, region, name

_HOME = snapshots.DIRECTORY / "logs"
_JOURNALED = "journaled"  # of a stream: the file of its group tells of it
_lock = threading.Lock()
_next_id: dict[Path, int] = {}


def streams(group: Group) -> set[str]:
    """The names of the group's streams that are on disk."""
    streams = list(group["streams"].items())  # tasks begin new ones meanwhile
    return {name for name, stream in streams if stream.get(_JOURNALED)}


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
        if path in _next_id:
            _append(path, ["deleted", stream])


def drop(key: Key, group: Group) -> None:
    """A group is gone."""
    with _lock:
        path = _path(key, group)
        _next_id.pop(path, None)
        path.unlink(missing_ok=True)
        filed_events.forget_files()


def write(key: Key, group: Group, name: str, ingested: int, rows: Iterable[Row]) -> Batch:
    """Append events, each a timestamp and a message; returns them as they are stored.

    The id of an event is its place among all of the group.
    """
    ordered = sorted(rows, key=itemgetter(0))
    stream = group["streams"][name]
    with _lock:
        path = _path(key, group)
        _begin(path)
        if not stream.get(_JOURNALED):  # CloudFormation made it
            _add(path, group, name)
        first = _next_id[path]
        place, length = _append(path, ["events", name, ingested, first, ordered])
        _next_id[path] = first + len(ordered)
        batch = ingested, first, ordered
        _put(stream, batch, place, length)
    return batch


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
        _next_id.clear()
        for path in _HOME.glob("*.jsonl"):
            path.unlink()
        filed_events.forget_files()


def _restore(path: Path, group: Group) -> None:
    found: dict[str, Any] = group["streams"]
    following = 0
    for place, length, (kind, name, *record) in _lines(path):
        if kind == "stream":
            found[name] = _new_stream(record[0], path)
        elif kind == "deleted":
            found.pop(name, None)
        else:
            ingested, first, rows = record
            following = first + len(rows)
            _put(found[name], (ingested, first, rows), place, length)
    _next_id[path] = following


def _put(stream: Json, batch: Batch, place: int, length: int) -> None:
    """Add a batch that stands in the file. One that is late, as AWS takes it, stays in memory."""
    ingested, _first, rows = batch
    if not rows:
        return
    events = stream["events"]
    if not (isinstance(events, FiledEvents) and events.add(rows, place, length)):
        stream["events"] = filed_events.in_order([*events, *filed_events.as_events(*batch)])
    first, last = stream["firstEventTimestamp"], stream["lastEventTimestamp"]
    stream["firstEventTimestamp"] = rows[0][0] if first is None else min(first, rows[0][0])
    stream["lastEventTimestamp"] = rows[-1][0] if last is None else max(last, rows[-1][0])
    stream["lastIngestionTime"] = ingested


def _new_stream(created: int, path: Path) -> Json:
    """A stream without events, as ministack keeps it."""
    return {
        "events": FiledEvents(path),
        "uploadSequenceToken": "1",
        "creationTime": created,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
        _JOURNALED: True,
    }


def _lines(path: Path) -> Iterator[tuple[int, int, Any]]:
    """The records of a file, with place and length of their lines.

    A last line that a kill cut off was never acknowledged: it goes.
    """
    whole = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield whole, len(line), json.loads(line)
                whole += len(line)
    if whole < path.stat().st_size:
        os.truncate(path, whole)


def _begin(path: Path) -> None:
    """Before the first line, save the state: a file without its group would be no good."""
    if path not in _next_id:
        snapshots.save()
        _HOME.mkdir(parents=True, exist_ok=True)
        _next_id[path] = 0


def _add(path: Path, group: Group, name: str) -> None:
    stream = group["streams"][name]
    _append(path, ["stream", name, stream["creationTime"]])
    stream[_JOURNALED] = True
    if not stream["events"]:
        stream["events"] = FiledEvents(path)


def _append(path: Path, record: list[Any]) -> tuple[int, int]:
    """Write a record at the end of a file; returns its place there and its length."""
    line = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    with path.open("ab", buffering=0) as file:
        place = file.tell()
        if file.write(line) != len(line):
            file.truncate(place)
            raise OSError(f"the disk is full: {path}")
    return place, len(line)


def _path(key: Key, group: Group) -> Path:
    """A group that was made again after it was deleted has another file."""
    identity = "/".join([*key, str(group["creationTime"])])
    readable = re.sub(r"[^\w.-]+", "_", key[2]).strip("_")[-80:]
    return _HOME / f"{readable}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}.jsonl"
