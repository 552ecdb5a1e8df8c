"""What a source gives the server: events with the time at which they are due."""

from collections.abc import Iterator
from typing import Protocol


class Event(Protocol):
    """One message of a stream."""

    @property
    def due(self) -> float:
        """Seconds since the market opened."""

    def payload(self, now_ms: int) -> str:
        """The raw payload; ``now_ms`` is the event's time in ms since the epoch."""


class Source(Protocol):
    """A market or a recording."""

    def events(self, stream: str) -> Iterator[Event]:
        """The events of one stream such as ``bnbusdt@trade``, in order of ``due``."""
