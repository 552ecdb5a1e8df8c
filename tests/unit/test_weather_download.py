"""Fetching over a real socket: what may pass is asked for again, and everything is bounded."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import BadStatusLine, IncompleteRead, InvalidURL
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.runtime.contract import Interrupted
from toolkit.runtime.testing import FakeRun
from workloads.batch.weather import download
from workloads.batch.weather.download import Downloader
from workloads.batch.weather.readings import WeatherError

BODY = b"a station's file\n" * 50
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY[:99])
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n" + BODY[:64]
GARBAGE = b"SSH-2.0-OpenSSH_9.2\r\n\r\n"


def answer(status: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]
    return "\r\n".join(lines).encode()


@contextmanager
def server(*answers: bytes, hold: bool = False) -> Iterator[tuple[str, list[bytes]]]:
    """Give each connection the next answer (the last one again and again); maybe never end it."""
    asked: list[bytes] = []
    closing = threading.Event()

    def serve() -> None:
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            asked.append(connection.recv(65536))
            connection.sendall(answers[min(len(asked), len(answers)) - 1])
            if not hold:
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()

    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/a.csv", asked
        finally:
            closing.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def fetch(address: str, scratch: Path, patience: float = 60) -> FakeRun:
    run = FakeRun(scratch)
    Downloader(run, patience, random.Random(1)).fetch(address, scratch / "file")
    return run


@pytest.mark.parametrize(
    "trouble",
    [
        answer("503 Service Unavailable"),
        answer("429 Too Many Requests"),
        answer("502 Bad Gateway"),
        answer("408 Request Timeout"),
        CUT,
        CHUNKED,
        GARBAGE,
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9",
    ],
    ids=["503", "429", "502", "408", "cut", "chunked", "garbage", "empty", "half"],
)
def test_what_may_pass_is_asked_for_again(trouble: bytes, tmp_path: Path) -> None:
    with server(trouble, trouble, WHOLE) as (address, asked):
        run = fetch(address, tmp_path)
    assert len(asked) == 3
    assert (tmp_path / "file").read_bytes() == BODY
    assert 0.75 + 1.5 <= run.waited <= 1.25 + 2.5  # pauses of about one second, then two


@pytest.mark.parametrize("trouble", [answer("503 Service Unavailable"), CUT, CHUNKED, GARBAGE])
def test_patience_ends_after_a_minute_of_growing_pauses(trouble: bytes, tmp_path: Path) -> None:
    run = FakeRun(tmp_path)
    with server(trouble) as (address, asked), pytest.raises(WeatherError) as caught:
        Downloader(run, 60, random.Random(1)).fetch(address, tmp_path / "file")
    assert 20 < run.waited < 60
    assert len(asked) in (5, 6)  # 1 + 2 + 4 + 8 + 16 seconds
    assert f"({len(asked)} attempts)" in caught.value.message
    assert "run it again later" in caught.value.hint or "route" in caught.value.hint


def test_after_one_file_has_used_the_patience_up_others_get_one_attempt(tmp_path: Path) -> None:
    downloader = Downloader(FakeRun(tmp_path), 10, random.Random(1))
    with server(answer("503 Service Unavailable")) as (address, asked):
        for expected in (4, 1, 1):
            before = len(asked)
            with pytest.raises(WeatherError, match="answered 503"):
                downloader.fetch(address, tmp_path / "file")
            assert len(asked) - before == expected


def test_the_wait_that_an_answer_asks_for_is_kept(tmp_path: Path) -> None:
    busy = answer("429 Too Many Requests", "Retry-After: 17")
    with server(busy, WHOLE) as (address, _):
        assert fetch(address, tmp_path).waited == 17


def test_a_wait_beyond_the_patience_is_told_and_not_begun(tmp_path: Path) -> None:
    busy = answer("503 Service Unavailable", "Retry-After: 3600")
    with server(busy) as (address, asked), pytest.raises(WeatherError, match="wait 3600 s"):
        fetch(address, tmp_path)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "-30"}, 0),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "9" * 400}, 999_999_999),
        ({"Retry-After": "Tue, 24 Nov 2026 05:01:30 GMT"}, 0),  # against which clock?
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 05:01:30 GMT",
                "Date": "Tue, 24 Nov 2026 05:00:00 GMT",
            },
            90,
        ),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers: dict[str, str], seconds: float) -> None:
    assert download.retry_after(headers) == seconds


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_makes_an_exception(value: str, date: str) -> None:
    assert download.retry_after({"Retry-After": value, "Date": date}) >= 0


@pytest.mark.parametrize(
    "sent",
    [b"", b"HTTP/1.1 200 OK\r\n", WHOLE[:-1]],
    ids=["nothing", "headers", "all but a byte"],
)
def test_a_server_that_never_ends_its_answer_is_left(sent: bytes, tmp_path: Path) -> None:
    with server(sent, hold=True) as (address, _), pytest.raises(WeatherError, match="not complete"):
        fetch(address, tmp_path, patience=0.3)


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", WHOLE[:-1]])
def test_a_request_to_stop_does_not_wait_for_the_server(sent: bytes, tmp_path: Path) -> None:
    with server(sent, hold=True) as (address, asked):
        run = FakeRun(tmp_path, stop_when=lambda _: bool(asked))
        with pytest.raises(Interrupted):
            Downloader(run, 600).fetch(address, tmp_path / "file")


@pytest.mark.parametrize("code", [*range(300, 600, 1)])
def test_answers_are_judged_by_their_kind(code: int) -> None:
    passing = download.may_pass(HTTPError("http://x", code, "", {}, None))  # type: ignore[arg-type]
    assert passing == (code in (408, 425, 429) or (code >= 500 and code not in download._FINAL_5XX))


@pytest.mark.parametrize(
    ("failure", "passes"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (IncompleteRead(b""), True),
        (BadStatusLine("SSH"), True),
        (URLError(ConnectionRefusedError()), True),
        (URLError(socket.gaierror(-3, "Temporary failure in name resolution")), True),
        (URLError("unknown url type: ftp"), False),
        (InvalidURL("nonnumeric port"), False),
        (ValueError("unknown url type"), False),
    ],
)
def test_failures_are_judged_by_their_kind(failure: Exception, passes: bool) -> None:
    assert download.may_pass(failure) == passes


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("404 Not Found", "ghcnd-stations.txt"),
        ("403 Forbidden", "ghcnd-stations.txt"),
        ("407 Proxy Authentication Required", "HTTPS_PROXY"),
        ("501 Not Implemented", "STATION_URL"),
    ],
)
def test_a_final_answer_is_told_at_once_with_its_hint(
    status: str, word: str, tmp_path: Path
) -> None:
    with server(answer(status)) as (address, asked), pytest.raises(WeatherError) as caught:
        fetch(address, tmp_path)
    assert len(asked) == 1
    assert word in caught.value.hint


def test_a_dead_proxy_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{port}/")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(WeatherError) as caught:
        fetch("http://noaa.invalid/a.csv", tmp_path, patience=0.5)
    assert f"proxy 127.0.0.1:{port}" in caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://h:notaport/a", "http://a b/", "file:///etc/passwd", "http://", "http:///x"]
)
def test_an_address_that_is_none_is_one_clear_error(address: str, tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match="cannot be fetched"):
        fetch(address, tmp_path)


def test_a_redirect_leads_to_http_only(tmp_path: Path) -> None:
    elsewhere = answer("302 Found", "Location: ftp://127.0.0.1/a")
    with server(elsewhere) as (address, _), pytest.raises(WeatherError, match="unknown url type"):
        fetch(address, tmp_path)


def test_credentials_in_an_address_are_not_shown() -> None:
    assert (
        download.shown("https://me:pw@host/a/b.csv?X-Amz-Signature=1#x") == "https://host/a/b.csv"
    )
