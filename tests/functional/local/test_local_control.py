"""The control API under callers that come at once, and when a call of it fails."""

import http.client
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from toolkit.adapters.embedded.engine import EngineClient, EngineInfo
from toolkit.core.errors import ToolkitError
from toolkit.local.control import Control, Json

from .rehearsal import Rehearsal


def fails(_body: Json) -> Json:
    raise FileNotFoundError("kept.json.new")


def fails_late(_body: Json) -> Iterator[Json]:
    yield {"event": "fired"}
    raise FileNotFoundError("kept.json.new")


def client(url: str) -> EngineClient:
    return EngineClient(
        EngineInfo("", url, "us-east-1", "0", 1, "", "token", "", "", "2026-11-28T00:00:00Z")
    )


@pytest.fixture
def failing() -> Iterator[EngineClient]:
    control = Control("token")
    control.calls = {("GET", "/now"): fails}
    control.streams = {"/advance": fails_late}
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    yield client(control.url)
    control.shutdown()
    control.server_close()


def test_a_call_that_fails_by_a_bug_is_answered_with_the_error(failing: EngineClient) -> None:
    with pytest.raises(ToolkitError, match=r"/now: FileNotFoundError: kept\.json\.new"):
        failing.now()


def test_a_stream_that_fails_by_a_bug_ends_with_the_error(failing: EngineClient) -> None:
    events = failing.advance(seconds=1)
    assert next(events) == {"event": "fired"}
    with pytest.raises(ToolkitError, match=r"/advance: FileNotFoundError"):
        next(events)


@pytest.mark.parametrize("begun", [b"", b"GET /now HTTP/1.1\r\n", b"GET /v4/"])
def test_who_says_nothing_is_sent_away(begun: bytes) -> None:
    control = Control("token", patience=0.1)
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    try:
        with socket.create_connection(control.server_address[:2]) as connection:
            connection.sendall(begun)
            assert connection.recv(1) == b""
    finally:
        control.shutdown()
        control.server_close()


class Cut(BaseHTTPRequestHandler):
    """An engine that ends in the middle of a long action."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"event": "fired"}\n{"event": "stop')

    def log_message(self, *_: Any) -> None:
        pass


def test_an_engine_that_ends_meanwhile_is_an_error() -> None:
    with HTTPServer(("127.0.0.1", 0), Cut) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        events = client(f"http://127.0.0.1:{server.server_address[1]}").advance(seconds=1)
        assert next(events) == {"event": "fired"}
        with pytest.raises(ToolkitError, match="ended meanwhile"):
            next(events)
        server.shutdown()


def test_callers_at_once_are_all_answered(rehearsal: Rehearsal) -> None:
    def ask(_number: int) -> tuple[str, object]:
        engine = rehearsal.engine
        return engine.feed_url(), engine.status()["pid"]

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(240)))
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"X-Toolkit-Token": "tøken"}, b"", 403),
        ({"X-Toolkit-Token": "token"}, b"{]", 400),
        ({"X-Toolkit-Token": "token"}, b"[1]", 400),
        ({"X-Toolkit-Token": "token", "Content-Length": "-1"}, b"", 400),
        ({"X-Toolkit-Token": "token", "Content-Length": "many"}, b"", 400),
    ],
)
def test_a_request_that_makes_no_sense_is_answered(
    failing: EngineClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    address = failing._info.control_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        given = {name: value.encode("latin-1") for name, value in headers.items()}
        connection.request("POST", "/faults", body, given)
        assert connection.getresponse().status == status
