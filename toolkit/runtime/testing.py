"""A `Run` for tests of workloads: it keeps everything in memory."""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, field

from toolkit.runtime.catalog import load
from toolkit.runtime.contract import Artifact, ContractError, Json, Result

_GRACE_SECONDS = 10.0


@define
class FakeRun:
    """Implements `toolkit.runtime.Run`; asks to stop when ``stop_when`` says so."""

    scratch: Path
    stop_when: "Callable[[FakeRun], bool]" = lambda _: False
    saved: dict[str, bytes] = field(factory=dict)
    artifacts: dict[str, Artifact] = field(factory=dict)
    events: list[tuple[str, dict[str, Json]]] = field(factory=list)
    waited: float = 0.0
    run_id: str = "weather-20261124T050000Z"
    scheduled_time: datetime = datetime(2026, 11, 24, 5, tzinfo=UTC)
    origin: str = ""

    def event(self, name: str, /, **fields: Json) -> None:
        """Keep an event; raises TypeError or ValueError for fields that JSON cannot hold."""
        json.dumps(fields, allow_nan=False)  # what the log line would demand
        self.events.append((name, fields))

    def save(
        self, name: str, content: bytes | Path, *, media_type: str, rows: int | None = None
    ) -> Artifact:
        """Keep an artifact's content."""
        data = content.read_bytes() if isinstance(content, Path) else content
        digest = hashlib.sha256(data).hexdigest()
        self.saved[name] = data
        self.artifacts[name] = Artifact(name, name, len(data), digest, media_type, rows)
        return self.artifacts[name]

    def stopping(self) -> bool:
        """Whether the run was asked to end."""
        return self.stop_when(self)

    def wait(self, seconds: float) -> bool:
        """Count the seconds without sleeping; returns ``stopping()``."""
        self.waited += seconds
        return self.stopping()


def run_program(workload: str, fake: FakeRun, settings: Mapping[str, str] | None = None) -> Result:
    """Run the program of a workload of the project's catalog, as a task would.

    What it writes is in ``fake.events`` and, for pytest to show, on stdout; what it leaves is in
    ``fake.saved``.

    Args:
        workload: its name in the catalog.
        fake: the run; its scratch directory is an empty one.
        settings: by the names of their variables; the others have their defaults.

    Raises:
        ContractError: there is no such workload, or a setting is wrong.
        ProgramFailed: it could not be started, ended badly, or left what cannot be saved.
    """
    from toolkit.runtime.command import Program

    row = load().workload(workload)
    if not row.command:
        raise ContractError(f"workload {workload} is a function: {row.entry_point}")
    given = dict(settings or {})
    row.check_environment(given)
    row.settings(given)
    program = Program(
        command=row.command,
        settings={v.name: given.get(v.name, v.default) for v in row.variables},
        environment={
            **os.environ,
            # `python` is this one, as in the image it is the one of its packages.
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
            "SCHEDULED_TIME": f"{fake.scheduled_time:%Y-%m-%dT%H:%M:%SZ}",
        },
        secrets=(),
        grace=_GRACE_SECONDS,
        media_types={artifact.name: artifact.media_type for artifact in row.artifacts},
    )
    try:
        return program.run(fake)
    finally:
        for name, fields in fake.events:
            if name == "program.wrote":
                print(fields["line"])
