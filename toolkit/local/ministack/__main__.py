"""Start ministack on a loopback port: ``python -m toolkit.local.ministack PREFERRED_PORT``.

The engine's token stands in TOOLKIT_TOKEN, the keys of the account's root in AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY and TOOLKIT_ENGINE_KEY. Prints one JSON line on stdout: the port when it
serves, or the problem that keeps it from starting. The engine holds the other end of stdin; when
that closes, for whatever reason, this process ends. It starts only on a ministack that has what the
table says (`table.py`), and on a state that it can read.
"""

import asyncio
import fcntl
import gc
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"


def _take_over(state: Path) -> None:
    """Wait for the emulator that had this state before: a killed engine's takes a moment to end."""
    state.mkdir(parents=True, exist_ok=True)
    lock = os.open(state / "lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(lock, fcntl.LOCK_EX)  # until this process ends


def _check(state: Path) -> None:
    """End here if the state cannot be read: before anything opens it."""
    from .upstream.log_store import COLUMNS
    from .upstream.state_files import DamagedStateError, check

    try:
        check(state, COLUMNS)
    except DamagedStateError as error:
        _say(problem=str(error))
        raise SystemExit(1) from error


def _bind(preferred: int) -> socket.socket:
    """A listening socket on the preferred port, or on any free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, preferred))
    except OSError:
        listener.bind((LOOPBACK, 0))
    return listener


def _settings(port: int) -> dict[str, str]:
    """Settings of ministack, which reads them while its modules are imported."""
    return {
        "AUTH": "true",
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": LOOPBACK,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
        "LAMBDA_EXECUTOR": "local",
    }


def _say(**fields: Any) -> None:
    """Tell the engine, which reads one line."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


async def _serve(listener: socket.socket, token: str) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from . import passing
    from .entrance import changes
    from .entrance.door import Door
    from .entrance.gateway import Gateway
    from .state import snapshots, stored
    from .upstream.state_files import DamagedStateError

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopping.set()
        changes.announce()  # whoever waits for work goes home

    loop.add_signal_handler(signal.SIGTERM, stop)
    threading.Thread(target=_watch_engine, args=(loop, stop), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.2  # idle connections of clients need no farewell
    working = [
        asyncio.create_task(work) for work in (snapshots.keep_saving(), passing.keep_watching())
    ]
    port = listener.getsockname()[1]

    def loaded() -> None:
        try:
            stored.restore()
        except DamagedStateError as error:
            _say(problem=str(error))
            os._exit(1)  # and nothing is saved over what is there
        _say(port=port, pid=os.getpid())

    gateway = Gateway(app, Door(port, token), loaded)
    await serve(gateway, config, shutdown_trigger=stopping.wait)
    for task in working:
        task.cancel()


def _watch_engine(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    while os.read(0, 1):
        pass
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(stop)
    # State is saved within this time, or not at all.
    threading.Timer(20, os._exit, (1,)).start()


def main() -> None:
    """Bind (ministack wants to know its port), mend ministack, serve."""
    gc.disable()  # imports make many objects and no garbage
    # Only this package may be imported from the directory that holds it.
    sys.path.pop(0)
    token = os.environ["TOOLKIT_TOKEN"]
    os.chdir(os.environ["HOME"])  # what is written goes where the directory is, if it was moved
    state = Path(os.environ["STATE_DIR"])
    _take_over(state)
    _check(state)
    listener = _bind(int(sys.argv[1]))
    listener.listen(128)
    os.environ.update(_settings(listener.getsockname()[1]))

    from .upstream import shifted_time

    shifted_time.install()

    from . import api_checks
    from .cloudformation import change_sets, resource_types, templates, validation
    from .ecs import tasks
    from .entrance import gateway
    from .events import event_history
    from .iam import policies
    from .replacing import calls, replacements, table
    from .stores import blobs, bucket_lifecycle, object_records

    # What these replace and answer is registered by their import.
    del change_sets, gateway, templates, validation
    table.check()
    replacements.install()
    for module in (
        tasks,
        blobs,
        bucket_lifecycle,
        object_records,
        resource_types,
        policies,
        calls,
        api_checks,  # before what answers the calls
        event_history,  # the last, as it keeps what the others do
    ):
        module.install()
    gc.freeze()  # ministack's modules stay, and need not be gone through each time
    gc.enable()
    asyncio.run(_serve(listener, token))
    gc.unfreeze()  # SQLite's journals go as its connections are collected


main()
