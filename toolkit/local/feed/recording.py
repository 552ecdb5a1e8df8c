"""Replay of a recorded file: one ``<receive_ns> <json>`` a line, gzip or plain.

The JSON is a combined-stream message, ``{"stream":…,"data":…}``, as hftbacktest's collector and
others write it. Where the collector saw a hole in the order book it also wrote the book's REST
snapshot, which is no message of a stream: it is skipped and counted. The replay keeps the recorded
times inside the payloads.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path
from typing import ClassVar

from attrs import define, field, frozen

from toolkit.local.feed.events import Event, SourceError

_GZIP = b"\x1f\x8b"
_RETIRED = ("a", "b")  # order ids: Binance stopped sending them in trade events
_SNAPSHOT = frozenset({"lastUpdateId", "bids", "asks"})
_LINE = 1 << 20  # octets


class RecordingError(SourceError, ValueError):
    """The recording cannot be played whole; the message names file and line."""


@frozen
class Recorded:
    """One recorded message."""

    due: float
    stream: str
    text: str

    def payload(self, now_ms: int) -> str:  # noqa: ARG002 - a recording keeps its own times
        """The recorded payload."""
        return self.text


@define(eq=False)
class Recording:
    """A recorded file as a source of events; ``skipped`` counts the snapshots among its lines."""

    kind: ClassVar[str] = "recorded"

    path: Path
    skipped: int = field(init=False, default=0)

    def events(self, stream: str) -> Iterator[Event]:
        """The recorded events of one stream; times count from the first line of the file."""
        return (event for event in self.read() if event.stream == stream)

    def read(self) -> Iterator[Recorded]:
        """Every event of the file; raises RecordingError where it cannot be read or parsed."""
        number = skipped = 0
        first: int | None = None
        try:
            with _open(self.path) as file:
                while line := file.readline(_LINE + 1):
                    number += 1
                    if not line.strip():
                        continue
                    nanoseconds, document = _parse(line)
                    if document.keys() >= _SNAPSHOT:
                        skipped += 1
                        self.skipped = max(skipped, self.skipped)
                        continue
                    first = nanoseconds if first is None else first
                    yield _recorded(nanoseconds - first, document)
        except (OSError, EOFError, zlib.error) as error:  # a damaged or cut archive, too
            raise RecordingError(f"{self.path.name}, after line {number}: {error}") from error
        except ValueError as error:
            raise RecordingError(f"{self.path.name}, line {number}: {error}") from error


def _parse(line: bytes) -> tuple[int, dict[str, object]]:
    if len(line) > _LINE:
        raise ValueError(f"more than {_LINE} octets")
    received, _, message = line.partition(b" ")
    if not received.isdigit() or len(received) > 19:
        raise ValueError("it does not begin with the time of receipt in nanoseconds")
    try:
        document = json.loads(message)
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None
    if not isinstance(document, dict):
        raise ValueError("its JSON is not an object")  # noqa: TRY004 - what the file holds is a value
    return int(received), document


def _recorded(nanoseconds: int, document: dict[str, object]) -> Recorded:
    stream, data = document.get("stream"), document.get("data")
    if not isinstance(stream, str) or not isinstance(data, dict):
        raise ValueError('it is not a combined-stream message, {"stream":…,"data":{…}}')  # noqa: TRY004
    return Recorded(nanoseconds / 1e9, stream, _current(data))


def _current(data: dict[str, object]) -> str:
    if data.get("e") == "trade":
        data = {key: value for key, value in data.items() if key not in _RETIRED}
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path, "rb") if packed else path.open("rb")
