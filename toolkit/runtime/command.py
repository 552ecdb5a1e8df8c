"""Run a program of the image as a workload: arguments, environment, output, signals, exit code.

The program runs in a process group of its own, with the workload's settings as variables. What it
writes becomes log events. It is asked to end with SIGTERM and ended with SIGKILL; processes that it
leaves behind are ended, too. What it leaves in ``$ARTIFACTS`` is saved (`leavings`).
"""

import errno
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from attrs import define, field

from toolkit.runtime import descendants, leavings
from toolkit.runtime.command_line import ARTIFACTS, RUN_ID, filled
from toolkit.runtime.contract import Interrupted, Result, Run
from toolkit.runtime.failure import ExpectedFailure
from toolkit.runtime.output import Output
from toolkit.runtime.packages import explain_last_line

_SHARE_OF_GRACE = 0.75  # the rest of it is for saving what the program left
_CHILDREN_SECONDS = 5.0  # from SIGTERM to SIGKILL for what a program that has ended leaves behind
_POLL_SECONDS = 0.05
_STOP_SECONDS = 1.0


class ProgramFailed(ExpectedFailure):
    """The program did not do its work; ``result`` holds what it measured nevertheless."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        self.result = Result()


@define
class Program:
    """What to start: a command, its settings as texts, and how it is redacted.

    Attributes:
        command: the words, with placeholders.
        settings: the settings by the names of their variables.
        environment: that of the container.
        secrets: values that no log may hold.
        grace: seconds from the request to stop until the run is overdue.
        media_types: of the artifacts that the catalog declares.
    """

    command: tuple[str, ...]
    settings: Mapping[str, str]
    environment: Mapping[str, str]
    secrets: tuple[str, ...]
    grace: float
    media_types: Mapping[str, str]
    _group: int | None = field(default=None, init=False)

    def kill(self) -> None:
        """End the program's process group now."""
        if self._group is not None:
            kill_group(self._group, signal.SIGKILL)

    def run(self, run: Run) -> Result:
        """Run the program to its end and save what it left.

        Raises:
            ProgramFailed: it could not be started, ended badly, or left what cannot be saved.
            Interrupted: it was asked to stop.
        """
        artifacts = run.scratch / "artifacts"
        artifacts.mkdir()
        argv = filled(self.command, self._words(run, artifacts))
        stopped, code, last = self._ended(argv, run, artifacts)
        failure: Exception | None = Interrupted() if stopped else failure_of(argv[0], code, last)
        try:
            result = leavings.save(artifacts, run, self.media_types)
        except leavings.LeavingsError as error:
            result = error.result
            failure = failure or ProgramFailed(str(error), error.hint)
        if failure is None:
            return result
        if isinstance(failure, (ProgramFailed, Interrupted)):
            failure.result = result
        raise failure

    def _ended(self, argv: Sequence[str], run: Run, artifacts: Path) -> tuple[bool, int, str]:
        """Whether it was asked to stop, its exit code (negative: the signal), its last error."""
        descendants.adopt()
        own = descendants.children()
        begun = time.monotonic()
        popen = self._started(argv, run, artifacts)
        self._group = popen.pid
        run.event("program.started", command=list(argv))
        output = Output(popen.stdout, popen.stderr, run.event, self.secrets)
        over = threading.Event()
        stopper = _Stopper(popen, run, self.grace * _SHARE_OF_GRACE, over)
        stopper.start()
        code = popen.wait()
        over.set()
        stopper.join()
        left = descendants.end(popen.pid, own, stopper.left(_CHILDREN_SECONDS), _POLL_SECONDS)
        output.finish()
        if left:
            run.event("program.left", processes=left)
        run.event(
            "program.ended",
            exit_code=code if code >= 0 else None,
            signal=_signal(-code) if code < 0 else None,
            stopped=stopper.asked,
            killed=stopper.killed,
            seconds=round(time.monotonic() - begun, 3),
            **output.counts,
        )
        return stopper.asked, code, output.last_error

    def _started(self, argv: Sequence[str], run: Run, artifacts: Path) -> "subprocess.Popen[bytes]":
        # A script finds the modules beside it, as anywhere. The image's setting is for the runtime.
        inherited = {k: v for k, v in self.environment.items() if k != "PYTHONSAFEPATH"}
        environment = {**inherited, **self.settings}
        environment |= {RUN_ID: run.run_id, ARTIFACTS: str(artifacts)}
        directory = programs()
        try:
            return subprocess.Popen(
                list(argv),
                env=environment,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                process_group=0,
            )
        except (OSError, ValueError) as error:
            raise _not_started(argv[0], directory, error) from error

    def _words(self, run: Run, artifacts: Path) -> dict[str, str]:
        time_ = run.scheduled_time
        return {
            **{name.lower(): value for name, value in self.settings.items()},
            "run_id": run.run_id,
            "scheduled_time": time_.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "scheduled_date": time_.strftime("%Y-%m-%d"),
            "artifacts": str(artifacts),
            "scratch": str(run.scratch),
        }


class _Stopper(threading.Thread):
    """Hands the request to stop on to the program: SIGTERM, and SIGKILL after the grace."""

    def __init__(
        self, popen: "subprocess.Popen[bytes]", run: Run, grace: float, over: threading.Event
    ) -> None:
        super().__init__(name="stopper", daemon=True)
        self._popen = popen
        self._run = run
        self._grace = grace
        self._over = over
        self._kill_at: float | None = None
        self.asked = self.killed = False

    def run(self) -> None:
        while not self._run.stopping():
            if self._over.wait(_POLL_SECONDS):
                return
        self.asked = True
        self._kill_at = time.monotonic() + self._grace
        kill_group(self._popen.pid, signal.SIGTERM)
        if not self._over.wait(self._grace):
            self.killed = True
            kill_group(self._popen.pid, signal.SIGKILL)

    def left(self, seconds: float) -> float:
        """How long children may still take: ``seconds``, or less when the run must end."""
        if self._kill_at is None:
            return seconds
        return max(0.0, min(seconds, self._kill_at - time.monotonic()))


def kill_group(group: int, number: signal.Signals) -> None:
    """Signal a process group; one that is gone is left alone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def programs() -> Path | None:
    """The directory that a command runs in: the project's `workloads`; None outside of one."""
    spec = find_spec("workloads")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    return Path(folders[0]) if folders else None


def failure_of(program: str, code: int, last_error: str = "") -> ProgramFailed | None:
    """What an exit code says; None for 0.

    Args:
        program: the first word of the command.
        code: a negative one is a signal's number.
        last_error: the last line that it wrote to stderr.
    """
    if code == 0:
        return None
    if code < 0:
        name = _signal(-code)
        return ProgramFailed(f"{program} was ended by {name}", _SIGNAL_HINTS.get(name))
    if code in _SHELL_CODES:
        words, hint = _SHELL_CODES[code]
        return ProgramFailed(f"{program} ended with exit code {code}: {words}", hint)
    name = _signal(code - 128) if code > 128 else ""
    if name.startswith("SIG"):
        message = f"{program} ended with exit code {code}: a process of it was ended by {name}"
        return ProgramFailed(message, _SIGNAL_HINTS.get(name))
    missing = explain_last_line(last_error)
    message = f"{program} ended with exit code {code}"
    return ProgramFailed(f"{message}: {missing}" if missing else message)


_MEMORY = "memory may have run out: raise memory in workloads/catalog.toml"
_SIGNAL_HINTS = {
    "SIGKILL": _MEMORY,
    "SIGILL": "build it for the task's CPU: it met an instruction that this one does not have",
    "SIGSYS": "a container may not make the system call that it made",
    "SIGXFSZ": "it wrote a file that is larger than its limit",
}
_SHELL_CODES = {
    126: (
        "a shell found a command that it cannot execute",
        "make it executable: chmod +x FILE; and name its interpreter in the first line: #!/bin/sh",
    ),
    127: (
        "a shell did not find a command",
        "the lines before, in the log, name it; the image must hold it",
    ),
}


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _not_started(program: str, directory: Path | None, error: Exception) -> ProgramFailed:
    message = f"{program} cannot be started: {getattr(error, 'strerror', None) or error}"
    path = Path(directory or ".") / program
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.ENOENT and "/" in program and path.is_file():
        return ProgramFailed(message, "its first line (#!) names a program that the image lacks")
    hints = {
        errno.ENOENT: f"the image holds no such program; one of yours stands in workloads/{program}"
        if not program.startswith("/")
        else "the image holds no such program",
        errno.EACCES: f"make it executable: chmod +x workloads/{program}",
        errno.ENOEXEC: "name its interpreter in the first line, #!/bin/sh; a compiled program must "
        "be built for the task's CPU",
    }
    return ProgramFailed(message, hints.get(code) if code is not None else None)
