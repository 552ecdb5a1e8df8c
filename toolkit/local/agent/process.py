"""One container as a process: a clean environment, limits, signals, and how it ended."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, ClassVar

from toolkit.core.deploying.executor import Executor
from toolkit.local.agent import orphans
from toolkit.local.agent.clock import SHIM, clock_variables
from toolkit.local.agent.images import PulledImage
from toolkit.local.agent.launcher import end_families, end_session
from toolkit.local.agent.memory import victims

_LAUNCHER = Path(__file__).with_name("launcher.py")
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
_POLL_SECONDS = 0.05
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


class StartError(Exception):
    """The process cannot be started; the message is CannotStartContainerError's."""


class Process:
    """A running container. ``stop`` may be called from another thread while ``wait`` waits.

    With ``readable`` paths it can read nothing else but its image and its own directories, and
    write nowhere but to the ``writable`` ones (`launcher.py`).
    """

    executor: ClassVar = Executor.PROCESS

    def __init__(
        self,
        image: PulledImage,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        scratch: Path,
        offset: float,
        memory_bytes: int | None,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
    ) -> None:
        self.reason: str | None = None
        self._memory_bytes = memory_bytes
        self._kill_at: float | None = None
        scratch.mkdir(parents=True, exist_ok=True)
        own = [*readable, image.working_directory, scratch] if readable else []
        if own and image.python is not None:
            own.append(image.python.parents[1])
        try:
            self._popen, self._lifeline = start_watched(
                lambda watched: _argv(image, command, watched, own, writable),
                environment=_environment(image, environment, scratch, offset),
                directory=image.working_directory,
            )
        except OSError as error:
            raise StartError(str(error)) from error

    @property
    def output(self) -> IO[bytes]:
        """Standard output and standard error, in the order they were written."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    def stop(self, timeout: float) -> None:
        """SIGTERM now, SIGKILL after the container's stop timeout."""
        self._kill_at = time.monotonic() + timeout
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL now."""
        self._kill_at = time.monotonic()

    def wait(self) -> int:
        """The exit code, as a container runtime reports it: 128 + n for signal n."""
        while (code := self._poll()) is None:
            self._keep_within_memory()
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                end_families(self._popen.pid)
                end_session(self._popen.pid)
        end_session(self._popen.pid)  # what it left running goes with it, as a container's would
        orphans.end()
        orphans.forget(self._popen)
        os.close(self._lifeline)
        return code if code >= 0 else 128 - code

    def _poll(self) -> int | None:
        try:
            return self._popen.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return None

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, number)

    def _keep_within_memory(self) -> None:
        if self._memory_bytes is None:
            return
        for each in victims(self._popen.pid, self._memory_bytes):
            self.reason = OUT_OF_MEMORY
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def start_watched(
    argv: Callable[[int], Sequence[str]],
    *,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start a process that can tell when the engine is gone; raises OSError.

    ``argv`` gets the descriptor that the process is to watch: it closes with the engine's end,
    which comes with the process and is to be closed after it.
    """
    watched, lifeline = os.pipe()
    try:
        popen = orphans.start(
            lambda: subprocess.Popen(
                argv(watched),
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(watched,),
            )
        )
    except BaseException:
        os.close(lifeline)
        raise
    finally:
        os.close(watched)
    return popen, lifeline


def _argv(
    image: PulledImage,
    command: Sequence[str],
    descriptor: int,
    readable: Sequence[Path],
    writable: Sequence[Path],
) -> list[str]:
    program, *arguments = command or ("",)
    python = Path(program).name in ("python", "python3")
    if not python or arguments[:1] not in (["-m"], ["-c"]) or len(arguments) < 2:
        words = " ".join(command)
        raise StartError(f'exec: "{words}": a process image runs python -m or python -c only')
    paths: list[str | Path] = ["-r", *readable, "-w", *writable] if readable else []
    launcher = [str(image.python or sys.executable), str(_LAUNCHER), str(image.working_directory)]
    return [*launcher, str(descriptor), *map(str, paths), "--", *arguments]


def _environment(
    image: PulledImage, environment: Mapping[str, str], scratch: Path, offset: float
) -> dict[str, str]:
    """Just what the container would have; HOME and TMPDIR are the task's own scratch space."""
    path = f"{image.python.parent}:{_PATH}" if image.python else _PATH
    own = {"PATH": path, "HOME": str(scratch), "TMPDIR": str(scratch), "LANG": "C.UTF-8"}
    given = {**own, **image.environment, **environment}
    return {**given, **clock_variables(offset, given, str(SHIM), packages=_time_machine())}


def _time_machine() -> str:
    """Where the task's Python finds time-machine, which its own packages do not hold."""
    spec = importlib.util.find_spec("time_machine")
    return str(Path(spec.origin).parents[1]) if spec and spec.origin else ""
