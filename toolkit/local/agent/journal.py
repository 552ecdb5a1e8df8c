"""What happens in the engine, told to whoever listens."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Event = dict[str, Any]


class Journal:
    """Events of firings and tasks; `advance` and `fire` stream them to the command line."""

    def __init__(self) -> None:
        self._listeners: list[queue.SimpleQueue[Event]] = []
        self._lock = threading.Lock()

    def tell(self, event: str, **fields: Any) -> None:
        """Report one event to all who listen now."""
        with self._lock:
            for listener in self._listeners:
                listener.put({"event": event, **fields})

    @contextmanager
    def listen(self) -> "Iterator[queue.SimpleQueue[Event]]":
        """A queue of the events from now on."""
        listener: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with self._lock:
            self._listeners.append(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.remove(listener)
