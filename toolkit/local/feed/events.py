"""What a source gives the server: events with the time at which they are due."""

from collections.abc import Iterator
from typing import Protocol


class SourceError(Exception):
    """The source cannot give the rest of its events; the message says why."""


class Event(Protocol):
    """One message of a stream."""

    @property
    def due(self) -> float:
        """Seconds since the market opened."""

    def payload(self, now_ms: int) -> str:
        """The raw payload; ``now_ms`` is the event's time in ms since the epoch."""


class Source(Protocol):
    """A market or a recording."""

    @property
    def kind(self) -> str:
        """What a run must name in FEED: synthetic or recorded."""

    def events(self, stream: str) -> Iterator[Event]:
        """The events of one stream such as ``bnbusdt@trade``, in order of ``due``.

        The iterator raises SourceError where the rest of them is lost.
        """
