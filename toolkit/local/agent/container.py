"""One container as a container: the real image, with the limits of its definition, by Docker.

It shares the host's network, because AWS is on loopback here; so it needs Linux. A guard process
holds the engine's pipe and removes the container when the engine is gone.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar

from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.registry import Login
from toolkit.core.deploying.executor import Executor
from toolkit.core.errors import ImageError
from toolkit.local.agent.clock import SHIM, clock_variables
from toolkit.local.agent.images import PulledImage
from toolkit.local.agent.process import OUT_OF_MEMORY, StartError, start_watched
from toolkit.local.agent.task_spec import Container as Definition

_GUARD = Path(__file__).with_name("container_guard.py")
_CLOCK_MOUNT = "/toolkit-clock"
_PULL_SECONDS, _CALL_SECONDS = 600, 60
_POLL_SECONDS = 0.05
_UNITS = 1024  # to a vCPU


class DockerError(Exception):
    """Docker refused; the message is its own."""


def available() -> bool:
    """Whether containers can run here."""
    if not sys.platform.startswith("linux") or shutil.which("docker") is None:
        return False
    try:
        docker("version", "--format", "{{.Server.Version}}")
    except DockerError:
        return False
    return True


def docker(
    *arguments: str,
    timeout: float = _CALL_SECONDS,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run one Docker command, with more variables than the engine's; returns what it prints."""
    try:
        done = subprocess.run(
            ["docker", *arguments],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DockerError(str(error)) from error
    if done.returncode:
        raise DockerError(done.stderr.strip().removeprefix("Error response from daemon: "))
    return done.stdout.strip()


def pull(reference: str, login: Login) -> None:
    """Pull an image by digest; raises DockerError."""
    host, (user, password) = reference.partition("/")[0], login
    try:
        with Docker().logged_in(host, user, password) as logged_in:
            docker(
                "pull",
                "--quiet",
                reference,
                timeout=_PULL_SECONDS,
                environment=logged_in.environment,
            )
    except ImageError as error:
        raise DockerError(error.message) from error


class Container:
    """A running container; it is used as `Process` is.

    Args:
        image: pulled; its local reference is what Docker knows it by.
        definition: the container definition, for everything that limits it.
        command: entry point and arguments.
        environment: what ECS and the definition give; Docker adds the image's own.
        name: unique on this machine.
        offset: of the clock that Python in the container sees.
        cpu: CPU units.
        memory_bytes: the hard limit.
    """

    executor: ClassVar = Executor.DOCKER

    def __init__(
        self,
        image: PulledImage,
        definition: Definition,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        name: str,
        offset: float,
        cpu: int,
        memory_bytes: int,
    ) -> None:
        self.reason: str | None = None
        self._name = name
        clock = clock_variables(offset, {**image.environment, **environment}, _CLOCK_MOUNT)
        limits = (
            f"--cpus={min(cpu / _UNITS, os.cpu_count() or 1)}",
            f"--memory={memory_bytes}",
            f"--memory-swap={memory_bytes}",
        )
        options = (
            *_options(definition, name),
            *limits,
            *([f"--volume={SHIM}:{_CLOCK_MOUNT}:ro"] if clock else []),
        )
        entry_point, *arguments = command
        try:
            with _environment({**environment, **clock}) as (variables, given):
                docker(
                    "create",
                    f"--name={name}",
                    *options,
                    *variables,
                    f"--entrypoint={entry_point}",
                    str(image.reference),
                    *arguments,
                    environment=given,
                )
        except DockerError as error:
            raise StartError(str(error)) from error
        self._popen, self._lifeline = start_watched(
            lambda watched: [sys.executable, str(_GUARD), str(watched), name]
        )
        self._await_start()

    def _await_start(self) -> None:
        """A signal before the container runs would be lost."""
        while self._popen.poll() is None:
            if docker("inspect", "--format={{.State.Status}}", self._name) != "created":
                return
            time.sleep(_POLL_SECONDS)

    @property
    def output(self) -> IO[bytes]:
        """Standard output and standard error."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    def stop(self, timeout: float) -> None:
        """SIGTERM now, SIGKILL after the container's stop timeout."""
        seconds = max(1, round(timeout))
        threading.Thread(
            target=_quietly, args=("stop", f"--time={seconds}", self._name), daemon=True
        ).start()

    def kill(self) -> None:
        """SIGKILL now."""
        _quietly("kill", self._name)

    def wait(self) -> int:
        """The exit code; the container and its volumes are removed."""
        self._popen.wait()
        os.close(self._lifeline)
        state: dict[str, Any] = json.loads(
            docker("inspect", "--format={{json .State}}", self._name)
        )
        if state["OOMKilled"]:
            self.reason = OUT_OF_MEMORY
        elif state["Error"]:
            self.reason = f"CannotStartContainerError: {state['Error']}"
        _quietly("rm", "--force", "--volumes", self._name)
        for volume in docker("volume", "ls", "--quiet", f"--filter=name={self._name}-").split():
            _quietly("volume", "rm", volume)
        return int(state["ExitCode"])


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Options for a container's environment, and variables that Docker's client needs for them.

    There are secrets among them, so none stands on the command line, which everybody can read. They
    go by a file of our own; values of several lines, which such a file cannot hold, by the client's
    environment.
    """
    lines = {name: value for name, value in variables.items() if "\n" not in value}
    others = {name: value for name, value in variables.items() if name not in lines}
    with tempfile.NamedTemporaryFile("w", prefix="toolkit-env-", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in lines.items())
        file.flush()
        yield [f"--env-file={file.name}", *(f"--env={name}" for name in others)], others


def _options(definition: Definition, name: str) -> list[str]:
    """What the container definition limits, as options of `docker create`."""
    linux = definition.get("linuxParameters") or {}
    options = ["--network=host", "--log-driver=none"]
    options += [f"--cap-drop={row}" for row in linux.get("capabilities", {}).get("drop", [])]
    options += [f"--cap-add={row}" for row in linux.get("capabilities", {}).get("add", [])]
    if linux.get("initProcessEnabled"):
        options.append("--init")
    if definition.get("readonlyRootFilesystem"):
        options.append("--read-only")
    if definition.get("user"):
        options.append(f"--user={definition['user']}")
    if definition.get("workingDirectory"):
        options.append(f"--workdir={definition['workingDirectory']}")
    for mount in definition.get("mountPoints", []):
        mode = "ro" if mount.get("readOnly") else "rw"
        options.append(f"--volume={name}-{mount['sourceVolume']}:{mount['containerPath']}:{mode}")
    return options


def _quietly(*arguments: str) -> None:
    """Run a command whose object may be gone already."""
    subprocess.run(["docker", *arguments], capture_output=True, check=False)
