"""Replay of a recorded file: one ``<receive_ns> <json>`` a line, gzip or plain.

The JSON is a combined-stream message, ``{"stream":…,"data":…}``, as hftbacktest's collector and
others write it. The replay keeps the recorded times inside the payloads.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from attrs import frozen

from toolkit.local.feed.events import Event

_GZIP = b"\x1f\x8b"
_RETIRED = ("a", "b")  # order ids: Binance stopped sending them in trade events


class RecordingError(ValueError):
    """A line of the recording is not what the format says; the message names file and line."""


@frozen
class Recorded:
    """One recorded message."""

    due: float
    stream: str
    text: str

    def payload(self, now_ms: int) -> str:  # noqa: ARG002 - a recording keeps its own times
        """The recorded payload."""
        return self.text


@frozen
class Recording:
    """A recorded file as a source of events."""

    path: Path

    def events(self, stream: str) -> Iterator[Event]:
        """The recorded events of one stream; times count from the first line of the file."""
        return (event for event in self.read() if event.stream == stream)

    def read(self) -> Iterator[Recorded]:
        """Every event of the file; raises RecordingError on a line that does not parse."""
        first: int | None = None
        with _open(self.path) as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    received, _, message = line.partition(" ")
                    nanoseconds = int(received)
                    document = json.loads(message)
                    stream, data = document["stream"], document["data"]
                except (ValueError, KeyError, TypeError) as error:
                    raise RecordingError(f"{self.path}, line {number}: {error!r}") from error
                first = nanoseconds if first is None else first
                yield Recorded((nanoseconds - first) / 1e9, stream, _current(data))


def _current(data: dict[str, object]) -> str:
    if data.get("e") == "trade":
        data = {key: value for key, value in data.items() if key not in _RETIRED}
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def _open(path: Path) -> IO[str]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8")
