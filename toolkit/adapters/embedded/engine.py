"""The embedded AWS from outside: find, start and stop the engine, and talk to it.

The engine is a process of its own, ``python -m toolkit.local``; nothing here imports it. Everything
that belongs to one project stands below ``.toolkit/`` in the project's root:

    .toolkit/emulator-<lock>/    the emulator's virtual environment, made on demand
    .toolkit/local/engine.json   where the running engine listens
    .toolkit/local/lock          held by the engine while it lives
    .toolkit/local/problem.json  why the last one did not start, if it did not
    .toolkit/local/*.log, s3/, state/, images/, tasks/
"""

import contextlib
import fcntl
import http.client
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from toolkit.adapters.embedded import emulator
from toolkit.core.errors import ConfigError, RunError, ToolkitError
from toolkit.runtime.contract import EMBEDDED_ACCOUNT

Progress = Callable[[str], None]
Event = dict[str, Any]

REGION = "us-east-1"
ACCOUNT = EMBEDDED_ACCOUNT
TOKEN_HEADER = "X-Toolkit-Token"  # noqa: S105 - names a header
COMPLETE: Event = {"event": "complete"}  # the last line of a long action
# The packages of the extra "local", as modules.
_EXTRA = ("time_machine", "websockets")
_KEPT = frozenset({"PATH", "HOME", "USER", "TMPDIR", "LD_LIBRARY_PATH", "XDG_RUNTIME_DIR"})
_START_SECONDS = 180.0
_STOP_SECONDS = 90.0
_POLL_SECONDS = 0.02
_LEAST_FREE_BYTES = 2**20
_PROBLEM = "problem.json"  # why the engine did not start


@frozen
class EngineInfo:
    """Where a running engine listens.

    ``token`` opens its control API, the access key opens AWS's. ``place`` is its directory's
    (`place`), so that a copy of this file is not taken for the engine of another project.
    """

    endpoint_url: str
    control_url: str
    region: str
    account_id: str
    pid: int
    place: str
    token: str = field(repr=False)
    access_key: str
    secret_key: str = field(repr=False)
    started_at: str

    def variables(self) -> dict[str, str]:
        """What any AWS client needs in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def write(self, home: Path) -> None:
        """Publish it, all at once."""
        draft = home / "engine.json.new"
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(home / "engine.json")


def directory(root: Path) -> Path:
    """Where the engine of the project in ``root`` keeps its things."""
    return root / ".toolkit" / "local"


def place(home: Path) -> str:
    """What tells a directory from every other of this machine, also after it was moved."""
    found = home.stat()
    return f"{found.st_dev}:{found.st_ino}"


def running(root: Path) -> EngineInfo | None:
    """The engine of this project, or None when none runs.

    Raises RunError where the files of another project's engine were copied as links to the same.
    """
    home = directory(root)
    if not _locked(home / "lock"):
        return None
    try:
        info = EngineInfo(**json.loads((home / "engine.json").read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None  # it is starting, or stopping
    if info.place != place(home):
        raise RunError(
            f"{home} shares its files with the embedded AWS of another project",
            hint=f"delete it, or copy it again without hard links: rm -r {shlex.quote(str(home))}",
        )
    return info


def ensure_running(root: Path, progress: Progress, *, region: str = REGION) -> EngineInfo:
    """The engine of this project, installed and started first where needed.

    It plays every region; ``region`` is the one that it names first, where it has to be started.
    Raises ToolkitError with the end of the engine's log when it does not come up.
    """
    found = running(root)
    if found is not None:
        return found
    _require_packages()
    home = directory(root)
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)  # what is stored and logged there is nobody else's
    except OSError as error:
        raise ToolkitError(f"{home} cannot be written: {error.strerror}") from error
    if shutil.disk_usage(home).free < _LEAST_FREE_BYTES:  # not even its log would say so
        raise ToolkitError(f"the disk that holds {home} is full: the embedded AWS cannot start")
    python = emulator.ensure_installed(root / ".toolkit", progress)
    progress("starting the embedded AWS")
    _spawn(root, home, python, region)
    return _wait_until_ready(root)


def _require_packages() -> None:
    missing = [name for name in _EXTRA if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"the embedded AWS needs packages that are not installed: {', '.join(missing)}",
            hint="pip install 'fargate-toolkit[local]'",
        )


def _spawn(root: Path, home: Path, python: Path, region: str) -> None:
    for name in ("engine.json", _PROBLEM):
        (home / name).unlink(missing_ok=True)
    command = [sys.executable, "-m", "toolkit.local", str(root.resolve()), str(python), region]
    with (home / "engine.log").open("ab") as log:
        # It forks, so this returns at once and the engine is nobody's child.
        subprocess.run(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )


def _environment() -> dict[str, str]:
    """What the engine starts with: nothing of the person's that is not needed to run here.

    No secret of theirs is in it, as tasks are its children, nor a proxy, a profile or a
    configuration that would steer a client. Docker is found by its own variables.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT or name.startswith("DOCKER_")
    }
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {"PATH": os.defpath, "LANG": "C.UTF-8", **kept, "PYTHONPATH": path}


def _wait_until_ready(root: Path) -> EngineInfo:
    home, deadline = directory(root), time.monotonic() + _START_SECONDS
    alive = False
    while time.monotonic() < deadline:
        found = running(root)
        if found is not None:
            return found
        locked = _locked(home / "lock")
        if alive and not locked:
            break
        alive = alive or locked
        time.sleep(_POLL_SECONDS)
    _raise_problem(home)
    tail = "\n".join((home / "engine.log").read_text(errors="replace").splitlines()[-5:])
    raise ToolkitError(
        f"the embedded AWS did not start:\n{tail}", hint=f"read {home / 'engine.log'}"
    )


def write_problem(home: Path, error: ToolkitError) -> None:
    """Leave word of why the engine does not start."""
    (home / _PROBLEM).write_text(json.dumps({"message": error.message, "hint": error.hint}))


def _raise_problem(home: Path) -> None:
    """Raise what an engine left that did not start."""
    try:
        left = json.loads((home / _PROBLEM).read_text())
        error = ToolkitError(str(left["message"]), hint=left["hint"])
    except (OSError, ValueError, TypeError, KeyError):
        return
    raise error


def _locked(path: Path) -> bool:
    try:
        with path.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except BlockingIOError:
        return True
    return False


class EngineClient:
    """The control API of one running engine; raises RunError with the engine's own words."""

    def __init__(self, info: EngineInfo) -> None:
        self._info = info

    def status(self) -> Event:
        """The virtual time, the schedules with their next firings, and the live tasks."""
        return self._call("GET", "/status")

    def now(self) -> datetime:
        """The virtual time."""
        return datetime.fromisoformat(self._call("GET", "/now")["now"])

    def feed_url(self) -> str:
        """The address of the synthetic market feed, started on demand."""
        return str(self._call("POST", "/feed", {})["url"])

    def belong_to(self, pid: int) -> None:
        """Let the engine end when the process ``pid`` does."""
        self._call("POST", "/owner", {"pid": pid})

    def fire(
        self, name: str, *, twice: bool = False, scheduled_time: str | None = None
    ) -> list[Event]:
        """Deliver the schedule's next firing (or the given one) now; returns what happened."""
        request = {"name": name, "twice": twice, "scheduled_time": scheduled_time}
        return list(self._stream("/fire", request))

    def advance(
        self,
        *,
        until: str | None = None,
        seconds: float | None = None,
        speed: float | None = None,
        parallel: int | None = None,
    ) -> Iterator[Event]:
        """Move the clock firing by firing; yields each event as it happens, "advanced" last."""
        request = {"until": until, "seconds": seconds, "speed": speed, "parallel": parallel}
        yield from self._stream("/advance", request)

    def faults(self) -> Event:
        """The faults that may still strike, and the kinds that there are."""
        return self._call("POST", "/faults", {})

    def add_fault(
        self,
        kind: str,
        *,
        schedule: str | None = None,
        service: str | None = None,
        times: int | None = None,
        value: float | None = None,
    ) -> None:
        """Let something go wrong: everywhere and for ever, unless it is limited."""
        fault = {
            "kind": kind,
            "schedule": schedule,
            "service": service,
            "times": times,
            "value": value,
        }
        self._call("POST", "/faults", {"add": fault})

    def clear_faults(self) -> None:
        """Let all go well again."""
        self._call("POST", "/faults", {"clear": True})

    def reset(self) -> None:
        """Wipe everything that was deployed, stored and run, and set the clock back."""
        self._call("POST", "/reset", {})

    def stop(self, root: Path) -> None:
        """End the engine, its tasks and its emulator; returns when they are gone."""
        self._call("POST", "/stop", {})
        lock, deadline = directory(root) / "lock", time.monotonic() + _STOP_SECONDS
        while _locked(lock):
            if time.monotonic() > deadline:
                raise RunError(
                    f"the engine (process {self._info.pid}) does not end",
                    hint=f"end it yourself: kill -9 {self._info.pid}",
                )
            time.sleep(_POLL_SECONDS)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Event:
        with closing(self._connect()) as connection:
            answer: Event = json.loads(self._request(connection, method, path, body).read())
        return answer

    def _stream(self, path: str, body: Mapping[str, Any]) -> Iterator[Event]:
        with closing(self._connect()) as connection:
            for line in _lines(self._request(connection, "POST", path, body)):
                event = json.loads(line)
                if event == COMPLETE:
                    return
                if event.get("event") == "failed":
                    raise _error(event)
                yield event
        raise RunError("the embedded AWS ended meanwhile", hint="toolkit local start")

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._info.control_url.removeprefix("http://"))

    def _request(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
    ) -> http.client.HTTPResponse:
        content = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, content, {TOKEN_HEADER: self._info.token})
            response = connection.getresponse()
        except OSError as error:
            raise RunError(
                f"the embedded AWS does not answer: {error}", hint="toolkit local status"
            ) from error
        if response.status != http.client.OK:
            raise _error(json.loads(response.read()))
        return response


def _lines(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The whole lines of an answer, which ends wherever the engine does."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        yield from (line for line in response if line.endswith(b"\n"))


def _error(problem: Event) -> ToolkitError:
    """The engine's error, of the kind that it was there."""
    bad_input = problem.get("exit_code") == ConfigError.exit_code
    kind = ConfigError if bad_input else RunError
    return kind(problem["message"], hint=problem.get("hint"))
