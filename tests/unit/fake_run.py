"""A Run that keeps everything in memory: what a workload did, for a test to look at."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field

from workloads.contract import Artifact, Json


@define
class FakeRun:
    """Implements `workloads.contract.Run`; asks to stop when ``stop_when`` says so."""

    scratch: Path
    stop_when: "Callable[[FakeRun], bool]" = lambda _: False
    saved: dict[str, bytes] = field(factory=dict)
    artifacts: dict[str, Artifact] = field(factory=dict)
    events: list[tuple[str, dict[str, Json]]] = field(factory=list)
    waited: float = 0.0
    run_id: str = "weather-20261124T050000Z"
    scheduled_time: datetime = datetime(2026, 11, 24, 5, tzinfo=UTC)

    def event(self, name: str, **fields: Json) -> None:
        json.dumps(fields, allow_nan=False)  # what the log line would demand
        self.events.append((name, fields))

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        data = content.read_bytes() if isinstance(content, Path) else content
        digest = hashlib.sha256(data).hexdigest()
        self.saved[name] = data
        self.artifacts[name] = Artifact(name, name, len(data), digest, media_type, rows)
        return self.artifacts[name]

    def stopping(self) -> bool:
        return self.stop_when(self)

    def wait(self, seconds: float) -> bool:
        self.waited += seconds  # without sleeping
        return self.stopping()
