"""Opening a connection against servers that answer slowly, wrongly or not at all."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stream_run import RecordingRun
from toolkit.local.feed import Faults, Feed, Market, Recording, serving
from toolkit.runtime.contract import Interrupted, Result
from workloads.streams.errors import (
    ConnectFailedError,
    ConnectionLostError,
    ConnectRefusedError,
    FeedLabelError,
    StreamError,
)
from workloads.streams.trades import run


class RawServer:
    """Gives each connection to a function; ``ended`` counts those that the client gave up."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.accepted = self.given_up = 0
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"
        self._threads: list[threading.Thread] = []

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.accepted += 1
                thread = threading.Thread(target=self._handle, args=(connection,), daemon=True)
                thread.start()
                self._threads.append(thread)

    def _handle(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except OSError:
                self.given_up += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(20)


@contextlib.contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[RawServer]:
    server = RawServer(serve)
    thread = threading.Thread(target=server.accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join(20)


def stream(run_: RecordingRun, url: str, **settings: Any) -> Result:
    values = {"base_url": url, "feed": "synthetic", "run_seconds": 1, "batch_milliseconds": 20}
    return run(values | settings, run_)


def drip(before: bytes, what: bytes) -> Callable[[socket.socket], None]:
    """A byte every 50 ms, for as long as the client holds on: at most 20 s."""

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(before)
        for _ in range(400):
            connection.sendall(what)
            time.sleep(0.05)

    return serve


SLOW = {
    "a status line": drip(b"", b"H"),
    "headers": drip(b"HTTP/1.1 101 Switching Protocols\r\n", b"x"),
    "whole headers": drip(b"HTTP/1.1 101 Switching Protocols\r\n", b"x: y\r\n"),
    "the body of a refusal": drip(b"HTTP/1.1 503 x\r\nContent-Length: 100000\r\n\r\n", b"x"),
}


@pytest.mark.parametrize("slow", SLOW)
def test_an_attempt_is_bounded_as_a_whole_and_its_socket_is_given_back(
    slow: str, tmp_path: Path
) -> None:
    with raw(SLOW[slow]) as server:
        with pytest.raises(ConnectFailedError, match="within 1 s: "):
            stream(
                RecordingRun(tmp_path), server.url, connect_budget_seconds=1.0,
                connect_timeout_seconds=0.4,
            )  # fmt: skip
        assert server.accepted >= 1
    assert server.given_up == server.accepted


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with (
        raw(drain) as server,
        pytest.raises(ConnectFailedError, match=r"no handshake within 0\.3 s") as failed,
    ):
        stream(RecordingRun(tmp_path), server.url, connect_budget_seconds=0.3)
    assert "security group" in failed.value.hint


def drain(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def test_a_stop_request_ends_an_attempt_that_hangs(tmp_path: Path) -> None:
    asked = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        asked.set()  # the run is asked to stop while the handshake is under way
        drain(connection)

    with raw(serve) as server, pytest.raises(Interrupted):
        stream(
            RecordingRun(tmp_path, asked.is_set), server.url, connect_timeout_seconds=60.0,
            connect_budget_seconds=600.0,
        )  # fmt: skip


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    return serve


@pytest.mark.parametrize(
    ("answer", "error", "told"),
    [
        (b"HTTP/1.1 429 Slow down\r\n\r\n", ConnectFailedError, "Too many requests"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", ConnectFailedError, "gateway or proxy in front"),
        (b"HTTP/1.1 599 x\r\n\r\n", ConnectFailedError, "overloaded"),
        (b"HTTP/1.1 501 x\r\n\r\n", ConnectRefusedError, "BASE_URL"),
        (b"HTTP/1.1 418 x\r\n\r\n", ConnectRefusedError, "banned"),
        (b"HTTP/1.1 200 OK\r\n\r\n", ConnectRefusedError, "BASE_URL"),
        (b"HTTP/1.1 302 x\r\nLocation: ws://x/\r\n\r\n", ConnectRefusedError, "final address"),
        (b"HTTP/1.1 302 x\r\n\r\n", ConnectRefusedError, "final address"),
        (b"HTTP/1.1 429 x\r\nRetry-After: 99\r\n\r\n", ConnectFailedError, "Too many requests"),
        (b"garbage\r\n\r\n", ConnectFailedError, "port"),
        (b"HTTP/1.1 101 x\r\n\r\n", ConnectFailedError, "port"),
        (b"HTTP/1.1 500 x\r\nContent-Length: many\r\n\r\n", StreamError, ""),
        (b"HTTP/1.1 500 x\r\nContent-Length: 99999999999999999999\r\n\r\n", StreamError, ""),
        (b"\xff\xfe\r\n\r\n", ConnectFailedError, "port"),
        (b"", ConnectFailedError, "port"),
    ],
)
def test_each_answer_is_an_error_of_the_stream_s_own_with_its_cause(
    answer: bytes, error: type[StreamError], told: str, tmp_path: Path
) -> None:
    with raw(answering(answer)) as server, pytest.raises(error) as raised:
        stream(RecordingRun(tmp_path), server.url, connect_budget_seconds=0.5)
    assert told in raised.value.hint
    assert (server.accepted == 1) or error is ConnectFailedError


def test_the_pause_is_what_the_server_asks_for(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    with serving(Feed(Market(rate=500.0), statuses=(429,), retry_after="2")) as url:
        stream(run_, url)
    [told] = run_.named("connection.retried")
    assert told["retry_in_seconds"] == 2.0


def test_a_pause_beyond_the_budget_is_not_waited_for(tmp_path: Path) -> None:
    run_ = RecordingRun(tmp_path)
    feed = Feed(Market(), statuses=(503,), retry_after="3600")
    with serving(feed) as url, pytest.raises(ConnectFailedError, match="asks to wait 3600 s"):
        stream(run_, url)
    assert run_.named("connection.retried") == []


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "Connection refused"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "502"),
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (b"", "through the proxy"),
    ],
)
def test_a_dead_proxy_is_named_as_the_cause(
    answer: bytes | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with raw(answering(answer or b"")) as server:
        monkeypatch.setenv("http_proxy", f"http://me:hunter2@127.0.0.1:{server.port}")
        if answer is None:
            server.close()
        with pytest.raises(StreamError) as failed:
            stream(RecordingRun(tmp_path), "ws://feed.invalid", connect_budget_seconds=0.5)
        if answer is None:
            server.close = lambda: None  # type: ignore[method-assign]
    assert told in str(failed.value)
    assert f"HTTP_PROXY names the proxy 127.0.0.1:{server.port}" in failed.value.hint
    assert "hunter2" not in str(failed.value) + failed.value.hint


def test_an_unknown_host_is_a_matter_of_dns(tmp_path: Path) -> None:
    with pytest.raises(ConnectFailedError) as failed:
        stream(RecordingRun(tmp_path), "ws://nobody.invalid", connect_budget_seconds=0.5)
    assert "DNS does not know nobody.invalid" in failed.value.hint


@pytest.mark.parametrize(
    ("label", "source"), [("recorded", "synthetic"), ("synthetic", "recorded")]
)
def test_the_label_must_be_what_the_server_says(label: str, source: str, tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    recording.write_text("")
    feed = Feed(Market() if source == "synthetic" else Recording(recording))
    with serving(feed) as url, pytest.raises(FeedLabelError, match=f"'{source}' feed, not {label}"):
        stream(RecordingRun(tmp_path), url, feed=label)
    assert [record.close_code for record in feed.records] == [1000]


DAMAGE = {
    "another line": (b"x y\n", "line 3: it does not begin with the time"),
    "a list": (b"5 [1]\n", "line 3: its JSON is not an object"),
    "no JSON": (b"5 {\n", "line 3: "),
    "another form": (b'5 {"e":"trade"}\n', "line 3: it is not a combined-stream message"),
    "no text": (b'5 {"stream":"\xff","data":{}}\n', "line 3: "),
    "a huge line": (b'5 {"stream":"' + b"x" * (1 << 20) + b'"}\n', "line 3: more than"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_recording_that_cannot_be_played_whole_fails_the_run_with_words(
    damage: str, tmp_path: Path
) -> None:
    events = Market(rate=1000.0).first("bnbusdt@trade", 2)
    lines = [
        f'{n} {{"stream":"bnbusdt@trade","data":{e.payload(1_795_000_000_000)}}}\n'.encode()
        for n, e in enumerate(events)
    ]
    recording = tmp_path / "recording"
    odd, told = DAMAGE[damage]
    recording.write_bytes(b"".join([*lines, odd, *lines]))
    run_ = RecordingRun(tmp_path)
    with (
        serving(Feed(Recording(recording))) as url,
        pytest.raises(ConnectionLostError, match=r"2 trades: .* code 1011 recording") as lost,
    ):
        stream(run_, url, feed="recorded", run_seconds=30)
    assert told in str(lost.value)
    assert "trades.parquet" in run_.artifacts


def test_a_cut_archive_fails_the_run_after_what_could_be_played(tmp_path: Path) -> None:
    import gzip

    events = Market(rate=1000.0).first("bnbusdt@trade", 5000)
    text = "".join(
        f'{n} {{"stream":"bnbusdt@trade","data":{e.payload(1_795_000_000_000)}}}\n'
        for n, e in enumerate(events)
    )
    recording = tmp_path / "recording.gz"
    packed = gzip.compress(text.encode())
    recording.write_bytes(packed[: len(packed) // 2])
    with (
        serving(Feed(Recording(recording), speed=0)) as url,
        pytest.raises(
            ConnectionLostError, match=r"code 1011 recording\.gz, after line \d+"
        ) as lost,
    ):
        stream(RecordingRun(tmp_path), url, feed="recorded", run_seconds=30)
    assert 0 < int(str(lost.value.result.metrics["trades"])) < 5000


def test_the_reason_of_a_shutdown_is_still_the_exchange_s(tmp_path: Path) -> None:
    feed = Feed(Market(rate=2000.0), faults=Faults(shutdown_after=10, shutdown_grace=0.01))
    with serving(feed) as url, pytest.raises(ConnectionLostError, match="1001 server shutdown"):
        stream(RecordingRun(tmp_path), url, run_seconds=30)
