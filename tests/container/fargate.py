"""Starts the image with what `templates/workload.yaml` gives a container on Fargate."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from attrs import frozen

from toolkit.core.deploying.image import ImageName
from toolkit.runtime import catalog
from toolkit.runtime.contract import Manifest

PATIENCE_SECONDS = 300  # a test that hangs ends; nothing is measured with it
STOP_TIMEOUT_SECONDS = 120
BUCKET = "file:///scratch/store"


def docker(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )


@frozen
class Ended:
    """What a container left behind."""

    exit_code: int
    lines: tuple[dict[str, Any], ...]
    stderr: str
    store: Path

    @property
    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]

    @property
    def manifest(self) -> Manifest:
        [path] = self.store.glob("ledger/*/*.json")
        return Manifest.from_json(path.read_bytes())

    def assert_whole(self) -> None:
        """Every line is there, and every artifact is what the manifest says."""
        assert [line["seq"] for line in self.lines] == list(range(1, len(self.lines) + 1))
        assert self.manifest.log_lines == len(self.lines)
        for artifact in self.manifest.artifacts:
            content = (self.store / artifact.key).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                artifact.bytes,
                artifact.sha256,
            )


class Fargate:
    """One container at a time: read-only, without root or capabilities, with a memory limit."""

    def __init__(self, image: ImageName, container: str, folder: Path) -> None:
        self._image = image
        self._container = container
        self._folder = folder

    def options(self, workload: str, *, scratch: str = "volume") -> list[str]:
        """Options of `docker run`: the container's definition, and its size from the catalog.

        ``scratch`` is what stands on /scratch: a volume as on Fargate, or a tmpfs of root.
        """
        size = catalog.load().workload(workload)
        mounts = {
            "volume": f"--volume={self._container}:/scratch",
            "tmpfs": "--tmpfs=/scratch:mode=0755",
        }
        return [
            "--init",
            "--read-only",
            "--user=10001:10001",
            "--cap-drop=ALL",
            f"--memory={size.memory}m",
            f"--memory-swap={size.memory}m",
            f"--stop-timeout={STOP_TIMEOUT_SECONDS}",
            mounts[scratch],
        ]

    def start(
        self,
        workload: str,
        settings: dict[str, str],
        *,
        network: str = "none",
        scratch: str = "volume",
        options: tuple[str, ...] = (),
        command: tuple[str, ...] = (),
    ) -> None:
        """Start the container, as ECS does; ``options`` and ``command`` are the test's own."""
        environment = {
            "WORKLOAD": workload,
            "SCHEDULE": workload,
            "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
            "BUCKET": BUCKET,
            "IMAGE": str(self._image),
            "TMPDIR": "/scratch",
            **settings,
        }
        given = [f"--env={name}={value}" for name, value in environment.items()]
        started = docker(
            "run",
            "--detach",
            f"--name={self._container}",
            f"--network={network}",
            *self.options(workload, scratch=scratch),
            *given,
            *options,
            str(self._image),
            *command,
        )
        assert started.returncode == 0, started.stderr

    def wait_for(self, event: str) -> None:
        """Follow the log up to the line of an event."""
        with subprocess.Popen(
            ["docker", "logs", "--follow", self._container], stdout=subprocess.PIPE, text=True
        ) as logs:
            assert logs.stdout is not None
            found = any(json.loads(line)["event"] == event for line in logs.stdout)
            logs.kill()
        assert found, f"no {event} in {docker('logs', self._container).stdout}"

    def stop(self) -> None:
        """SIGTERM, and SIGKILL after the stop timeout."""
        assert docker("stop", self._container).returncode == 0

    def end(self) -> Ended:
        """Wait for the container to end, and fetch what it left in its store."""
        code = int(docker("wait", self._container).stdout)
        logs = docker("logs", self._container)
        store = self._folder / "store"
        docker("cp", f"{self._container}:/scratch/store", str(self._folder))
        lines = tuple(json.loads(line) for line in logs.stdout.splitlines())
        return Ended(code, lines, logs.stderr, store)

    def remove(self) -> None:
        docker("rm", "--force", self._container)
        docker("volume", "rm", "--force", self._container)
