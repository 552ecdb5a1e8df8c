"""The emulator as a child of the engine: started, told its place, ended with it."""

import json
import os
import select
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

from toolkit.core.errors import ToolkitError
from toolkit.local.agent import orphans

_TABLE = Path(__file__).with_name("ministack") / "replacing" / "names_of_ministack.toml"
VERSION: str = tomllib.loads(_TABLE.read_text("utf-8"))["version"]  # of ministack
_START_SECONDS = 120.0
_STOP_SECONDS = 30.0


class EmulatorProcess:
    """ministack in its own virtual environment, on a loopback port."""

    def __init__(
        self, python: Path, home: Path, region: str, port: int, secrets: Mapping[str, str]
    ) -> None:
        """Start it; ``secrets`` are variables that lead it back to the engine."""
        command = [str(python), "-m", "toolkit.local.ministack", str(port)]
        with (home / "emulator.log").open("ab") as log:
            self._process = orphans.start(
                lambda: subprocess.Popen(
                    command,
                    cwd=Path(__file__).parents[2],
                    env={**_environment(home, region), **secrets},
                    stdin=subprocess.PIPE,  # it ends when this pipe closes, however we end
                    stdout=subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                )
            )
        self.port = self._wait_for_port(home)

    @property
    def url(self) -> str:
        """Where it serves AWS's APIs."""
        return f"http://127.0.0.1:{self.port}"

    def _wait_for_port(self, home: Path) -> int:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_SECONDS)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self.stop()
            raise ToolkitError("the emulator did not start", hint=f"read {home / 'emulator.log'}")
        said = json.loads(line)
        if "problem" in said:
            self.stop()
            raise ToolkitError(
                f"the embedded AWS does not start: {said['problem']}",
                hint="put the file back, or delete all that is deployed and stored in it: "
                "toolkit local reset",
            )
        return int(said["port"])

    def ended(self) -> bool:
        """Whether it has died."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """End it, giving it time to save its state."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _environment(home: Path, region: str) -> dict[str, str]:
    """A clean environment: what stands in the caller's shell must not steer the emulator."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "LANG": "C.UTF-8",
        "LOG_LEVEL": "WARNING",
        "MINISTACK_REGION": region,
        "S3_PERSIST": "1",
        "PERSIST_STATE": "1",
        "S3_DATA_DIR": "s3",  # below HOME, where it changes to
        "STATE_DIR": "state",
    }
