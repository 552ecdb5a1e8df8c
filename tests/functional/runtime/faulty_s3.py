"""S3 and the ECS metadata endpoint over HTTP, with a fault at a chosen call."""

import base64
import hashlib
import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field, frozen

BUCKET = "app-data"
READ_TIMEOUT_SECONDS = 0.15  # of the client in this process
_SLOW_SECONDS = 2 * READ_TIMEOUT_SECONDS
_SIGNAL_SECONDS = 0.02  # lets a signal arrive before the answer does
ALWAYS = 1_000_000

# What S3 answers, without carrying out the request.
REFUSALS: Mapping[str, tuple[int, str]] = {
    "conflict": (409, "ConditionalRequestConflict"),
    "precondition": (412, "PreconditionFailed"),
    "denied": (403, "AccessDenied"),
    "busy": (503, "SlowDown"),
}
SIGNALS: Mapping[str, signal.Signals] = {
    "SIGTERM": signal.SIGTERM,
    "SIGKILL": signal.SIGKILL,
}


@frozen
class Fault:
    """What goes wrong at a call, and how many times.

    ``kind`` is one of REFUSALS, or `cut` (the connection ends), `slow` (the answer comes after the
    client gave up), SIGTERM or SIGKILL; these four with `-before` or `-after`: whether the request
    is carried out after or before that.
    """

    kind: str
    times: int = 1


@define
class FaultyS3:
    """The store: its objects by key, the calls that came, the faults that are due."""

    faults: dict[str, Fault] = field(factory=dict)
    objects: dict[str, bytes] = field(factory=dict)
    calls: Counter[str] = field(factory=Counter)
    pid: int = 0  # who gets the signals
    address: str = ""
    _busy: int = 0
    _changed: threading.Condition = field(factory=threading.Condition)

    def settle(self) -> None:
        """Wait until every request that arrived has been carried out."""
        with self._changed:
            assert self._changed.wait_for(lambda: not self._busy, timeout=300)

    def take(self, call: str, carry_out: "Callable[[], Answer]") -> "Answer | None":
        """Carry out a request with the fault that is due; None when no answer goes out."""
        with self._changed:
            self._busy += 1
            self.calls[call] += 1
            fault = self.faults.get(call)
            due = fault is not None and self.calls[call] <= fault.times
        try:
            return self._faulty(fault.kind, carry_out) if fault and due else carry_out()
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _faulty(self, kind: str, carry_out: "Callable[[], Answer]") -> "Answer | None":
        if kind in REFUSALS:
            status, code = REFUSALS[kind]
            return status, {}, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        name, _, when = kind.partition("-")
        answer = carry_out() if when == "after" else None
        if name == "slow":
            time.sleep(_SLOW_SECONDS)
        elif name in SIGNALS:
            os.kill(self.pid, SIGNALS[name])
            time.sleep(_SIGNAL_SECONDS)
        if name == "cut" or (name == "SIGKILL" and when == "before"):
            return None
        return answer or carry_out()

    def carry_out(self, method: str, path: str, headers: Any, body: bytes) -> "Answer":
        """What S3 and the metadata endpoint do, as far as a run asks."""
        if path.startswith("/metadata/"):
            task = path.split("/")[2]
            return 200, {}, json.dumps({"TaskARN": arn(task)}).encode()
        key = path.removeprefix(f"/{BUCKET}/")
        with self._changed:
            if method == "GET":
                if key not in self.objects:
                    return 404, {}, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
                return 200, {"ETag": '"x"'}, self.objects[key]
            stated = headers.get("x-amz-checksum-sha256")
            assert stated == base64.b64encode(hashlib.sha256(body).digest()).decode(), headers
            if headers.get("If-None-Match") == "*" and key in self.objects:
                return 412, {}, b"<Error><Code>PreconditionFailed</Code></Error>"
            self.objects[key] = body
            return 200, {"ETag": '"x"'}, b""


Answer = tuple[int, dict[str, str], bytes]


def arn(task: str) -> str:
    """The ARN that the metadata endpoint gives a task."""
    return f"arn:aws:ecs:us-east-1:123456789012:task/app/{task}"


def call_name(method: str, path: str) -> str:
    """The name of a call: what it is about, and the method."""
    if path.startswith("/metadata/"):
        return "metadata GET"
    subject = "manifest" if "/ledger/" in path else path.rpartition("/")[2].partition(".")[0]
    return f"{subject} {method}"


@contextmanager
def serving(store: FaultyS3) -> Iterator[FaultyS3]:
    """Serve the store on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet an answer: two would wait for each other (Nagle)
        disable_nagle_algorithm = True

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, headers = self.path.partition("?")[0], self.headers
            answer = store.take(
                call_name(self.command, path),
                lambda: store.carry_out(self.command, path, headers, body),
            )
            if answer is None:
                self.close_connection = True
                return
            status, more, content = answer
            with suppress(OSError):  # the client may be gone
                self.send_response(status)
                for name, value in {**more, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

        def do_GET(self) -> None:
            self._handle()

        def do_PUT(self) -> None:
            self._handle()

        def handle_expect_100(self) -> bool:
            expected = super().handle_expect_100()
            self.wfile.flush()
            return expected

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass  # a client that went away

    with Server(("127.0.0.1", 0), Handler) as server:
        store.address = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield store
        server.shutdown()
