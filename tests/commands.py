"""`toolkit`'s commands as processes of their own, without the imports at every start.

A server imports the command line and boto3 once and forks for every command: a process of its own,
with its own directory, environment and streams, that runs ``python -m toolkit``. The imports take
half a second of processor time, AWS's models of eight services, which the server parses once, a
fifth of a second, and the functional tests run hundreds of commands.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

from botocore.loaders import JSONFileLoader, Loader

ROOT = Path(__file__).parents[1]
LONGEST = 1 << 17  # bytes of one message
# Those that commands call.
SERVICES = (
    *("cloudformation", "ecr", "ecs", "iam", "kms", "logs"),
    *("s3", "scheduler", "secretsmanager", "sqs", "ssm", "sts"),
)


def run(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], seconds: float = 600
) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, with nothing to read; kill it when the time is over."""
    if _forks(env):
        return _server().run(arguments, cwd, env, seconds)
    return subprocess.run(
        [sys.executable, "-m", "toolkit", *arguments],
        cwd=cwd,
        env=dict(env),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds,
    )


def _forks(env: Mapping[str, str]) -> bool:
    """Whether a fork of the server does what an interpreter started with this environment does."""
    own = _environment()
    names = {name for name in (*own, *env) if name.startswith("PYTHON")}
    return sys.platform == "linux" and all(own.get(name) == env.get(name) for name in names)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@cache
def _server() -> "Server":
    return Server()


class Server:
    """The tests' end of the server, which ends with them: its socket is closed then."""

    def __init__(self) -> None:
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.commands", str(far.fileno())],
                cwd=ROOT,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._control.close()
        self._process.terminate()
        self._process.wait()

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], seconds: float
    ) -> "subprocess.CompletedProcess[str]":
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = json.dumps([list(arguments), str(cwd), dict(env)]).encode()
        assert len(command) < LONGEST
        with near, tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            with far:
                files = [out.fileno(), err.fileno(), far.fileno()]
                socket.send_fds(self._control, [command], files)
            pid = int(near.recv(LONGEST))
            near.settimeout(seconds)
            try:
                code = int(near.recv(LONGEST))
            except TimeoutError as error:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(
                    list(arguments), seconds, _text(out), _text(err)
                ) from error
            return subprocess.CompletedProcess(list(arguments), code, _text(out), _text(err))


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def serve(control: socket.socket) -> bytes:
    """Fork for every command that comes; returns it in the new process, and nothing at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who wait
    while True:
        command, files, _, _ = socket.recv_fds(control, LONGEST, 3)
        if not command or not os.fork():
            control.close()
            return _attended(command, *files) if command else b""
        for file in files:
            os.close(file)


def _attended(command: bytes, out: int, err: int, reply: int) -> bytes:
    """Fork once more: the child is the command's, the parent tells its id and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if not (pid := os.fork()):
        for file, place in ((out, 1), (err, 2)):
            os.dup2(file, place)
            os.close(file)
        os.close(reply)
        return command
    with socket.socket(fileno=reply) as near, suppress(BrokenPipeError):
        near.send(str(pid).encode())
        _, status = os.waitpid(pid, 0)
        near.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(arguments: list[str], directory: str, environment: dict[str, str]) -> None:
    """Be ``python -m toolkit``, as if just started."""
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[1:] = arguments
    runpy.run_module("toolkit", run_name="__main__", alter_sys=True)


class ParsedOnce(JSONFileLoader):
    """AWS's models as botocore reads them, each file once in the server and all of its commands."""

    _parsed: ClassVar[dict[str, Any]] = {}

    def load_file(self, file_path: str) -> Any:
        """The content of a file; nobody changes it."""
        if file_path not in self._parsed:
            self._parsed[file_path] = super().load_file(file_path)
        return self._parsed[file_path]


def warm() -> None:
    """Import what commands import, and keep the collector from touching (and so copying) it."""
    from toolkit.adapters.aws.session import Aws, Endpoint
    from toolkit.cli.commands import COMMANDS, load

    for name in COMMANDS:
        load(name)
    for name in ("boto3.session", "botocore.httpsession", "botocore.signers", "botocore.regions"):
        importlib.import_module(name)
    Loader.FILE_LOADER_CLASS = ParsedOnce
    nowhere = Aws(Endpoint("us-east-1", "http://127.0.0.1:9", "none", "none"))
    for service in SERVICES:
        nowhere.client(service)
    del nowhere
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    warm()
    if command := serve(socket.socket(fileno=int(sys.argv[1]))):
        become(*json.loads(command))
