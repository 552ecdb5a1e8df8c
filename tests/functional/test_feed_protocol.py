"""The market feed speaks Binance's protocol to another implementation of WebSocket."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from websocket import ABNF
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as open_client

from toolkit.local.feed import Faults, Feed, Market, Rules, serving

MARKET = Market(rate=2000.0)


def connect(url: str, **options: Any) -> ClientConnection:
    """A client that never stops reading, so that it can always finish its closing handshake."""
    return open_client(url, max_queue=None, **options)


@contextlib.contextmanager
def client(feed: Feed, path: str, **options: Any) -> Iterator[ClientConnection]:
    with serving(feed) as url, connect(url + path, **options) as connection:
        yield connection


def messages(connection: ClientConnection, count: int) -> list[dict[str, Any]]:
    return [json.loads(connection.recv(timeout=120)) for _ in range(count)]


def ids(connection: ClientConnection, count: int) -> list[int]:
    return [message["t"] for message in messages(connection, count)]


FIRST = MARKET.first_id


def test_a_raw_stream_gives_bare_payloads() -> None:
    with client(Feed(MARKET), "/ws/bnbusdt@trade") as connection:
        assert ids(connection, 50) == list(range(FIRST, FIRST + 50))


def test_a_combined_stream_wraps_payloads_with_their_stream() -> None:
    with client(Feed(MARKET), "/stream?streams=bnbusdt@trade/btcusdt@trade") as connection:
        received = messages(connection, 60)
    streams = {message["stream"] for message in received}
    assert streams == {"bnbusdt@trade", "btcusdt@trade"}
    assert all(m["data"]["s"].lower() == m["stream"].partition("@")[0] for m in received)


def test_subscribing_is_acknowledged_and_brings_trades_until_unsubscribed() -> None:
    with client(Feed(MARKET), "/ws") as connection:
        request = {"method": "SUBSCRIBE", "params": ["bnbusdt@trade"], "id": 1}
        connection.send(json.dumps(request))
        received = messages(connection, 20)
        assert {"result": None, "id": 1} in received
        connection.send(json.dumps(request | {"method": "UNSUBSCRIBE", "id": 2}))
        while json.loads(connection.recv(timeout=120)) != {"result": None, "id": 2}:
            pass


def test_a_second_client_sees_the_next_trade_and_not_a_gap() -> None:
    with serving(Feed(MARKET)) as url:
        with connect(url + "/ws/bnbusdt@trade") as connection:
            first = ids(connection, 10)
        with connect(url + "/ws/bnbusdt@trade") as connection:
            second = ids(connection, 10)
    assert first == list(range(FIRST, FIRST + 10))
    assert second == list(range(second[0], second[0] + 10))
    assert second[0] > first[-1]


def test_the_server_pings_and_ends_a_connection_that_does_not_answer() -> None:
    feed = Feed(Market(rate=0.001), rules=Rules(ping_interval=0.05, pong_timeout=0.1))
    with serving(feed) as url:
        deaf = websocket.create_connection(url + "/ws/bnbusdt@trade", timeout=120)
        frames = [deaf.recv_frame() for _ in range(3)]  # which answers none of them
        deaf.shutdown()
    opcodes = [frame.opcode for frame in frames]
    assert opcodes == [ABNF.OPCODE_TEXT, ABNF.OPCODE_PING, ABNF.OPCODE_CLOSE]
    assert frames[-1].data == (1008).to_bytes(2, "big") + b"Pong timeout"


def test_a_client_that_answers_pings_stays() -> None:
    feed = Feed(Market(rate=0.001), rules=Rules(ping_interval=0.05, pong_timeout=120))
    with serving(feed) as url:
        answering = websocket.create_connection(url + "/ws/bnbusdt@trade", timeout=120)
        # Each comes once the one before it was answered.
        received = [answering.recv_data(control_frame=True) for _ in range(4)]
        answering.shutdown()
    assert [opcode for opcode, _ in received] == [ABNF.OPCODE_TEXT, *[ABNF.OPCODE_PING] * 3]


def test_a_connection_ends_at_the_limit_of_its_lifetime() -> None:
    with client(Feed(MARKET, rules=Rules(lifetime=0.1)), "/ws/bnbusdt@trade") as connection:
        with pytest.raises(ConnectionClosed) as closed:
            messages(connection, 100_000)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001


def test_too_many_control_messages_end_the_connection() -> None:
    with client(Feed(MARKET), "/ws") as connection:
        for number in range(6):
            connection.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
        with pytest.raises(ConnectionClosed) as closed:
            messages(connection, 6)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_blocked_region_gets_451_and_passing_troubles_their_status() -> None:
    with serving(Feed(MARKET, blocked=True)) as url:
        for _ in range(2):
            with pytest.raises(InvalidStatus) as blocked, connect(url + "/ws/bnbusdt@trade"):
                pass
            assert blocked.value.response.status_code == 451
    with serving(Feed(MARKET, statuses=(503,))) as url:
        with pytest.raises(InvalidStatus) as passing, connect(url + "/ws/bnbusdt@trade"):
            pass
        assert passing.value.response.status_code == 503
        with connect(url + "/ws/bnbusdt@trade") as connection:
            assert ids(connection, 1) == [FIRST]


def test_a_path_that_binance_does_not_have_is_not_found() -> None:
    with (
        serving(Feed(MARKET)) as url,
        pytest.raises(InvalidStatus) as refused,
        connect(url + "/bnbusdt@trade"),
    ):
        pass
    assert refused.value.response.status_code == 404


def test_a_shutdown_is_announced_before_the_close() -> None:
    faults = Faults(shutdown_after=5, shutdown_grace=0.01)
    with client(Feed(MARKET, faults=faults), "/stream?streams=bnbusdt@trade") as connection:
        received = messages(connection, 6)
        assert received[-1]["stream"] == "!serverShutdown"
        assert received[-1]["data"]["e"] == "serverShutdown"
        with pytest.raises(ConnectionClosed):
            connection.recv(timeout=120)


def test_a_drop_leaves_no_close_frame() -> None:
    with client(Feed(MARKET, faults=Faults(drop_after=5)), "/ws/bnbusdt@trade") as connection:
        with pytest.raises(ConnectionClosed) as dropped:
            messages(connection, 100)
        assert dropped.value.rcvd is None


def test_fragmented_and_trickled_messages_arrive_whole() -> None:
    faults = Faults(fragment_every=2, trickle_every=3)
    with client(Feed(MARKET, faults=faults), "/ws/bnbusdt@trade") as connection:
        assert ids(connection, 30) == list(range(FIRST, FIRST + 30))


def test_a_recording_is_replayed_as_fast_as_the_client_reads(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    lines = [
        f'{n * 10**9} {{"stream":"bnbusdt@trade","data":{{"e":"trade","t":{n}}}}}\n'
        for n in range(3000)
    ]
    path.write_text("".join(lines))
    from toolkit.local.feed import Recording

    with client(Feed(Recording(path), speed=0), "/ws/bnbusdt@trade") as connection:
        assert ids(connection, 3000) == list(range(3000))


def test_the_command_prints_its_url_and_serves_until_it_is_told_to_stop() -> None:
    command = [sys.executable, "-m", "toolkit.local.feed", "--rate", "500", "--gap", "2:3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        with connect(announced["url"] + "/ws/bnbusdt@trade") as connection:
            assert ids(connection, 3) == [FIRST, FIRST + 1, FIRST + 5]
        process.terminate()
        assert process.wait(120) == 0
    assert announced["feed"] == "synthetic"
