"""The run's log: one JSON object a line, numbered, so that a lost line shows."""

import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from workloads.contract import Json, format_time


def jsonable(value: Any) -> Json:
    """``value`` as JSON can hold it: NaN and infinities become null, numpy scalars plain numbers.

    Raises TypeError for what has no honest JSON form.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, datetime):
        return format_time(value)
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return jsonable(value.tolist())
    raise TypeError(f"{type(value).__name__} cannot stand in a log line or a manifest")


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
        """Write one line and flush it: a line in a buffer is lost when the task is killed."""
        with self._lock:
            self._seq += 1
            now = datetime.fromtimestamp(self._clock(), UTC)
            head = {"seq": self._seq, "time": format_time(now), "run_id": self.run_id}
            line = json.dumps(
                {**head, "event": name, **_fields(fields)}, ensure_ascii=False, allow_nan=False
            )
            self._stream.write(line + "\n")
            self._stream.flush()


def _fields(fields: Mapping[str, Any]) -> dict[str, Json]:
    return {name: jsonable(value) for name, value in fields.items()}
