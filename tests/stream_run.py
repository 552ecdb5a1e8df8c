"""A `Run` that keeps everything in memory and on a scratch directory, for the stream's tests."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from toolkit.runtime.contract import Artifact, Json


class RecordingRun:
    """What the workload did to the outside world."""

    def __init__(self, scratch: Path, stop: Callable[[], bool] = lambda: False) -> None:
        self.run_id = "stream-bnb-20261124T050000Z"
        self.origin = "AWS region eu-central-1"
        self.scheduled_time = datetime(2026, 11, 24, 5, tzinfo=UTC)
        self.scratch = scratch
        self.events: list[tuple[str, dict[str, Json]]] = []
        self.artifacts: dict[str, bytes] = {}
        self.rows: dict[str, int | None] = {}
        self._stop = stop
        self.waited = 0.0

    def event(self, name: str, /, **fields: Json) -> None:
        self.events.append((name, fields))

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        data = content.read_bytes() if isinstance(content, Path) else content
        self.artifacts[name], self.rows[name] = data, rows
        return Artifact(name, name, len(data), "", media_type, rows)

    def stopping(self) -> bool:
        return self._stop()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._stop() and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.02))
        return self._stop()

    def named(self, name: str) -> list[dict[str, Json]]:
        """The fields of every event of that name."""
        return [fields for known, fields in self.events if known == name]
