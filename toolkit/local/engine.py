"""The engine: the emulator as its child, and the two services that it plays itself.

emulator (ministack)  ←  boto3  ←  Scheduler agent, Fargate agent  →  tasks (processes)
        ↑ AWS APIs                      ↑ control API (loopback)
     anyone                          toolkit local …
"""

import contextlib
import fcntl
import json
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Self

from attrs import asdict, field, frozen
from attrs.validators import ge, instance_of, lt

from toolkit.adapters.embedded import engine as client
from toolkit.core.errors import ToolkitError
from toolkit.core.expressions import expression
from toolkit.core.expressions.expression import ExpressionError
from toolkit.local.agent.agent import Agent
from toolkit.local.agent.aws import Emulator
from toolkit.local.agent.clock import Clock
from toolkit.local.agent.journal import Event
from toolkit.local.agent.launcher import landlock_version
from toolkit.local.agent.timekeeper import read_moment, read_target
from toolkit.local.control import Control, Json
from toolkit.local.emulator_process import VERSION, EmulatorProcess
from toolkit.local.feed.embedded import MarketFeed
from toolkit.local.keys import Keys

_PARALLEL_TASKS = 2 * (os.cpu_count() or 2)
_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05
_OWNER_SECONDS = 0.5
_LOCK_TRIES = 20
_log = logging.getLogger(__name__)
# What a file may say of them; of one that says something else, nothing is taken over.
_PORT = [instance_of(int), ge(0), lt(2**16)]
_OFFSET = [ge(0.0), lt(100 * 365 * 86_400.0)]  # a century


@frozen
class _Kept:
    """What the next engine of this project takes over: addresses stay valid, and time goes on."""

    port: int = field(default=0, validator=_PORT)
    offset: float = field(default=0.0, converter=float, validator=_OFFSET)
    feed_port: int = field(default=0, validator=_PORT)

    @classmethod
    def read(cls, home: Path) -> Self:
        try:
            return cls(**json.loads((home / "kept.json").read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return cls()

    def write(self, home: Path) -> None:
        draft = home / "kept.json.new"
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(home / "kept.json")


class Engine:
    """One engine for one project; `run` returns when it was told to stop."""

    def __init__(self, root: Path, python: Path, region: str) -> None:
        self._root = root
        self._home = client.directory(root)
        self._python = python
        self._region = region
        self._stopping = threading.Event()
        self._keeping = threading.Lock()

    def run(self) -> None:
        """Start everything, serve until told to stop, end everything."""
        with ExitStack() as stack:
            self._hold(stack)
            try:
                self._prepare()
                self._start(stack)
            except ToolkitError as error:  # told while the lock says that it is this engine's word
                client.write_problem(self._home, error)
                raise
            self._stopping.wait()

    def stop(self) -> None:
        """Make `run` return."""
        self._stopping.set()

    def _hold(self, stack: ExitStack) -> None:
        """One engine per project: the lock is held for life, and goes with the process."""
        lock: IO[bytes] = stack.enter_context((self._home / "lock").open("wb"))
        for _ in range(_LOCK_TRIES):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                threading.Thread(target=self._end_without_home, args=(lock,), daemon=True).start()
                return
            # Who looks whether an engine runs holds the lock for a moment, too.
            time.sleep(_POLL_SECONDS)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _end_without_home(self, lock: IO[bytes]) -> None:
        """Stop once the directory is not where it was: tasks and packages are found by its path.

        What is stored goes with the directory, and the next engine there takes it over.
        """
        held = os.fstat(lock.fileno())
        while not self._stopping.wait(_OWNER_SECONDS):
            try:
                is_there = os.path.samestat(held, (self._home / "lock").stat())
            except OSError:
                is_there = False
            if not is_there:
                _log.info("%s was moved or deleted, and so its embedded AWS ends", self._home)
                self.stop()

    def _prepare(self) -> None:
        for name in ("tmp", "tasks"):
            shutil.rmtree(self._home / name, ignore_errors=True)
            (self._home / name).mkdir(parents=True)

    def _start(self, stack: ExitStack) -> None:
        token = secrets.token_urlsafe(24)
        kept = _Kept.read(self._home)
        control = Control(token)
        stack.callback(control.server_close)
        keys = Keys.of(self._home)
        back = {"TOOLKIT_ENGINE_URL": control.url, "TOOLKIT_TOKEN": token, **keys.variables()}
        child = EmulatorProcess(self._python, self._home, self._region, kept.port, back)
        stack.callback(child.stop)
        self._child = child
        self._emulator = Emulator(child.url, token, keys)
        self._clock = Clock(kept.offset)
        self._feed = stack.enter_context(MarketFeed(kept.feed_port))
        self._keep()
        self._agent = Agent(
            self._emulator,
            self._home,
            self._clock,
            moved=self._keep,
            control_url=control.url,
            branch_of_feed=self._feed.branch,
        )
        stack.callback(self._agent.stop, _GRACE_SECONDS)
        self._route(control)
        threading.Thread(target=control.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
        stack.callback(control.shutdown)
        self._agent.start(self._emulator_has_died)
        info = client.EngineInfo(
            endpoint_url=child.url,
            control_url=control.url,
            region=self._region,
            account_id=client.ACCOUNT,
            pid=os.getpid(),
            place=client.place(self._home),
            token=token,
            access_key=keys.access_key,
            secret_key=keys.secret_key,
            started_at=self._clock.now().isoformat(),
        )
        info.write(self._home)
        stack.callback((self._home / "engine.json").unlink, missing_ok=True)

    def _route(self, control: Control) -> None:
        control.task_endpoint = self._agent.endpoint.answer
        control.calls = {
            ("GET", "/status"): self._status,
            ("GET", "/now"): lambda _body: {"now": self._clock.now().isoformat()},
            ("POST", "/stop"): self._stop,
            ("POST", "/reset"): self._reset,
            ("POST", "/owner"): self._owned,
            ("POST", "/feed"): self._serve_feed,
            ("POST", "/faults"): self._faults,
            ("POST", "/check-schedule"): _check_schedule,
        }
        control.streams = {"/advance": self._advance, "/fire": self._fire}

    def _emulator_has_died(self) -> bool:
        """Whether there is no emulator any more; without one there is no engine."""
        if not self._child.ended():
            return False
        _log.error("the emulator has died; see emulator.log")
        self.stop()
        return True

    def _keep(self) -> None:
        with self._keeping:  # every request has a thread of its own, and they share one draft
            _Kept(self._child.port, self._clock.offset, self._feed.port).write(self._home)

    def _status(self, _body: Json) -> Json:
        self._agent.refresh()
        return {
            "now": self._clock.now().isoformat(),
            "offset_seconds": round(self._clock.offset, 3),
            "pid": os.getpid(),
            "endpoint_url": self._emulator.endpoint,
            "region": self._region,
            "emulator": f"ministack {VERSION}",
            "landlock": landlock_version(),
            "schedules": list(self._agent.scheduler.describe()),
            "tasks": self._agent.fargate.describe(),
        }

    def _stop(self, _body: Json) -> Json:
        # A little later, so that this answer still gets out.
        threading.Timer(0.05, self.stop).start()
        return {}

    def _faults(self, body: Json) -> Json:
        """List the faults, after adding ``add`` or clearing them all with ``clear``."""
        return self._emulator.faults(body)

    def _serve_feed(self, _body: Json) -> Json:
        url = self._feed.serve()
        self._keep()
        return {"url": url}

    def _owned(self, body: Json) -> Json:
        threading.Thread(target=self._end_with, args=(int(body["pid"]),), daemon=True).start()
        return {}

    def _end_with(self, pid: int) -> None:
        """Stop once the owner is gone, however it went: a killed process cannot call `stop`."""
        while not self._stopping.wait(_OWNER_SECONDS):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                _log.info("process %d has ended, and so does its embedded AWS", pid)
                self.stop()

    def _reset(self, _body: Json) -> Json:
        self._agent.reset(_GRACE_SECONDS)
        return {}

    def _advance(self, body: Json) -> Iterator[Event]:
        target = read_target(self._clock.now(), body.get("until"), body.get("seconds"))
        parallel = body.get("parallel") or _PARALLEL_TASKS
        return self._agent.keeper.advance(target, body.get("speed"), parallel)

    def _fire(self, body: Json) -> Iterator[Event]:
        text: Any = body.get("scheduled_time")
        scheduled = read_moment(text) if text else None
        return self._agent.keeper.fire(body["name"], scheduled, twice=bool(body.get("twice")))


def _check_schedule(body: Json) -> Json:
    """Scheduler's refusal of an expression or a zone, in its words, or None.

    Its word for a bad expression was recorded by LocalStack's tests against AWS.
    """
    text, timezone = body["expression"], body["timezone"]
    try:
        expression.parse(text).check(timezone)
    except ExpressionError:
        if _is_zone(timezone):
            return {"problem": f"Invalid Schedule Expression {text}."}
        return {"problem": f"Invalid Schedule Expression Timezone {timezone}."}
    return {"problem": None}


def _is_zone(name: str) -> bool:
    try:
        expression.parse("rate(1 day)").check(name)
    except ExpressionError:
        return False
    return True
