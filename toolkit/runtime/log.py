"""The run's log: one JSON object a line, numbered, so that a lost line shows."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO

from toolkit.runtime.contract import Json, format_time, jsonable


class Log:
    """Writes events; safe to use from several threads.

    Every line has ``seq`` (from 1, without gaps), ``time`` (UTC, milliseconds), ``run_id`` and
    ``event``.
    """

    def __init__(self, stream: IO[str], clock: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.Lock()
        self._seq = 0
        self.run_id: str | None = None

    @property
    def lines(self) -> int:
        """How many lines were written."""
        return self._seq

    def event(self, name: str, /, **fields: Json) -> None:
        """Write one line and flush it: a line in a buffer is lost when the task is killed.

        Raises TypeError, and writes nothing, for a field that JSON cannot hold.
        """
        told = {key: jsonable(value) for key, value in fields.items()}
        with self._lock:
            now = datetime.fromtimestamp(self._clock(), UTC)
            head = {
                "seq": self._seq + 1,
                "time": format_time(now),
                "run_id": self.run_id,
                "event": name,
            }
            # The head stands first, and no field replaces it.
            line = json.dumps({**head, **told, **head}, allow_nan=False)
            self._stream.write(line + "\n")
            self._stream.flush()
            self._seq += 1
