"""The `Run` under which the benchmark measures the workload: it logs to a file and stops itself."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.usage import cpu_seconds, peak_mb
from toolkit.runtime.contract import Artifact, Json
from workloads.streams.connection import Connection
from workloads.streams.frames import Frames
from workloads.streams.opening import connect as open_socket


class BenchmarkRun:
    """Asks the workload to stop after ``count`` messages, and notes what each part cost."""

    def __init__(self, scratch: Path, count: int) -> None:
        self.run_id = "benchmark"
        self.origin = ""
        self.scheduled_time = datetime(2026, 11, 24, 5, tzinfo=UTC)
        self.scratch = scratch
        self._left = count
        self._stop = threading.Event()
        self._log = (scratch / "log.jsonl").open("w")
        self._sizes: dict[str, int] = {}
        self.opened = self.recorded = self._peak_mb = 0.0

    def connect(self, url: str, timeout: float, stopping: Callable[[], bool]) -> Connection:
        self.opened = cpu_seconds()
        return _Counted(open_socket(url, timeout, stopping), self)

    def count(self, messages: int) -> None:
        self._left -= messages
        if self._left <= 0:
            self._stop.set()

    def event(self, name: str, /, **fields: Json) -> None:
        self._log.write(json.dumps({"event": name, **fields}) + "\n")
        self._log.flush()

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        if name == "trades.parquet":
            self.recorded, self._peak_mb = cpu_seconds(), peak_mb()
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        self._sizes[name] = size
        return Artifact(name, name, size, "", media_type, rows)

    def stopping(self) -> bool:
        return self._stop.is_set()

    def wait(self, seconds: float) -> bool:
        return self._stop.wait(seconds)

    def note(self) -> str:
        """What the table does not show."""
        sizes = ", ".join(f"{name} {size:,} B" for name, size in self._sizes.items())
        return f"peak before the plot {self._peak_mb:.0f} MB; {sizes}"


class _Counted:
    """A connection that counts what it gives."""

    def __init__(self, inner: Connection, run: BenchmarkRun) -> None:
        self._inner, self._run = inner, run

    @property
    def drained(self) -> bool:
        return self._inner.drained

    @property
    def feed(self) -> str | None:
        return self._inner.feed

    @property
    def pings(self) -> int:
        return self._inner.pings

    def receive(self, timeout: float) -> Iterator[Frames]:
        for frames in self._inner.receive(timeout):
            yield frames
            self._run.count(len(frames))

    def close(self) -> None:
        self._inner.close()
