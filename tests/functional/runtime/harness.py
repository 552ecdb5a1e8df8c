"""Runs one probe as the image would, in this process or in one of its own."""

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from attrs import evolve, frozen

from toolkit.runtime.catalog import Catalog, ExpectedArtifact, Secret, Workload
from toolkit.runtime.contract import Manifest
from toolkit.runtime.runtime import execute
from toolkit.runtime.variable import Variable

PATIENCE_SECONDS = 300  # a test that hangs ends; nothing is ever measured with it
ROOT = Path(__file__).parents[3]
NOON = 1_795_521_600.25  # 2026-11-24T12:00:00.250Z
RUN_ID = "probe-20261124T120000Z"
SECRET = "tok-4711"
VARIABLES = (
    Variable("COLOUR", "str", "blue", "for the test", choices=("blue", "red")),
    Variable("SIZE", "int", "3", "for the test", minimum=1),
    Variable("API_KEY", "str", "", "for the test", secret=True, pattern="(tok-[0-9]+)?"),
)


def environment(root: Path, **more: str) -> dict[str, str]:
    """What ECS would give a run of a probe."""
    return {
        "WORKLOAD": "probe",
        "SCHEDULE": "probe",
        "SCHEDULED_TIME": "2026-11-24T12:00:00Z",
        "EXECUTION_ID": "execution-1",
        "ATTEMPT": "1",
        "BUCKET": f"file://{root}",
        "IMAGE": "registry/app@sha256:0123",
        "API_KEY": SECRET,
        **more,
    }


Artifacts = Sequence[ExpectedArtifact]


def catalog(probe: str, kind: str = "batch") -> Catalog:
    """A catalog whose only workload is the probe of that name."""
    workload = Workload(
        name="probe",
        summary="for the test",
        kind=kind,
        entry_point=f"tests.functional.runtime.probes:{probe}",
        cpu=256,
        memory=512,
        max_runtime_seconds=600,
        variables=VARIABLES,
    )
    return Catalog({"probe": workload})


def command_catalog(command: Sequence[str], artifacts: Artifacts = ()) -> Catalog:
    """A catalog whose only workload is a program that has to leave these artifacts."""
    probe = catalog("").workload("probe")
    workload = evolve(
        probe,
        entry_point="",
        command=tuple(command),
        artifacts=tuple(artifacts),
        secrets=(Secret("DB_PASSWORD", "ssm:/db"),),
    )
    return Catalog({"probe": workload})


@frozen
class Ended:
    """What a run left behind."""

    exit_code: int
    lines: tuple[dict[str, Any], ...]
    root: Path

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    @property
    def keys(self) -> set[str]:
        """Every key of the store."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix() for path in files}

    @property
    def manifest(self) -> Manifest:
        """The one manifest."""
        [path] = self.root.glob("ledger/probe/*.json")
        manifest = Manifest.from_json(path.read_bytes())
        assert path.name == f"{manifest.run_id}.{manifest.outcome}.json"
        return manifest

    def line(self, event: str) -> dict[str, Any]:
        """The one line of that event."""
        [line] = [line for line in self.lines if line["event"] == event]
        return line


def run_command(
    command: Sequence[str], root: Path, artifacts: Artifacts = (), **more: str
) -> Ended:
    """Run a program as a workload, in this process."""
    stdout = io.StringIO()
    variables = environment(root, PATH=os.environ["PATH"], **more)
    code = execute(
        variables, stdout, catalog=command_catalog(command, artifacts), clock=lambda: NOON, grace=30
    )
    return Ended(code, _parse(stdout.getvalue().splitlines()), root)


def run_here(probe: str, root: Path, *, kind: str = "batch", **more: str) -> Ended:
    """Run the probe in this process, with a clock that stands still."""
    stdout = io.StringIO()
    code = execute(
        environment(root, **more),
        stdout,
        catalog=catalog(probe, kind),
        clock=lambda: NOON,
        grace=30,
        metadata_patience=0.5,
    )
    return Ended(code, _parse(stdout.getvalue().splitlines()), root)


class Running:
    """A probe in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str], root: Path) -> None:
        self._process = process
        self._errors = errors
        self._root = root
        self._lines: list[str] = []

    def wait_for(self, event: str) -> None:
        """Read the log up to a line of that event."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)
            if json.loads(line)["event"] == event:
                return
        raise AssertionError(f"no {event} among {self._lines}")

    def lines(self) -> Iterator[str]:
        """Each line of the log as it comes."""
        assert self._process.stdout is not None
        yield from self._process.stdout

    def resident(self) -> int:
        """The bytes that the process holds in memory."""
        statm = Path(f"/proc/{self._process.pid}/statm").read_text("ascii")
        return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def send(self, number: signal.Signals = signal.SIGTERM) -> None:
        self._process.send_signal(number)

    def end(self) -> Ended:
        """Wait for the end."""
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)
        code = self._process.wait()
        self._errors.seek(0)
        self.stderr = self._errors.read()
        return Ended(code, _parse(self._lines), self._root)


@contextmanager
def launch(
    probe: str, root: Path, *, grace: float = 30, patience: float = PATIENCE_SECONDS, **more: str
) -> Iterator[Running]:
    """Run the probe in a process of its own, which outlives neither the block nor the patience."""
    variables = environment(root, PROBE=probe, GRACE=str(grace), **more)
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "tests.functional.runtime.driver"],
            cwd=ROOT,
            env={**variables, "PATH": os.environ["PATH"], "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        killer = threading.Timer(patience, process.kill)
        killer.start()
        try:
            yield Running(process, errors, root)
        finally:
            killer.cancel()
            process.kill()


def _parse(lines: list[str]) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in lines)
