"""The connection reads frames that are fed to a websocket-client connection over a socket pair."""

import contextlib
import socket
from collections.abc import Iterator

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st

from tests.stream_frames import CLOSE, CONTINUATION, PING, PONG, TEXT, frame, payload, trade
from workloads.streams.connection import BulkConnection
from workloads.streams.errors import ConnectionLostError


@contextlib.contextmanager
def opened(capacity: int = 1 << 16) -> Iterator[tuple[BulkConnection, socket.socket]]:
    """A connection after its handshake, and the exchange's end of it."""
    ours, theirs = socket.socketpair()
    client = websocket.WebSocket()
    client.sock, client.connected = ours, True
    with ours, theirs:
        yield BulkConnection(client, capacity), theirs


def received(connection: BulkConnection, timeout: float = 0.0) -> list[bytes]:
    return [message for frames in connection.receive(timeout) for message in frames]


def unmasked(answer: bytes) -> tuple[int, bytes]:
    """The opcode and the payload of a client's frame, which is always masked."""
    size = answer[1] & 0x7F
    mask = answer[2:6]
    return answer[0] & 0x0F, bytes(o ^ mask[i % 4] for i, o in enumerate(answer[6 : 6 + size]))


MESSAGES = [payload(trade(n)) for n in range(200)]


def test_everything_that_has_arrived_comes_in_one_read() -> None:
    with opened() as (connection, exchange):
        exchange.sendall(b"".join(map(frame, MESSAGES)))
        [frames] = list(connection.receive(0.0))
        assert list(frames) == MESSAGES
        assert connection.drained


def test_an_idle_connection_gives_nothing_and_stays_open() -> None:
    with opened() as (connection, exchange):
        assert received(connection, 0.01) == []
        exchange.sendall(frame(MESSAGES[0]))
        assert received(connection, 5.0) == MESSAGES[:1]


def test_a_frame_in_pieces_is_put_together() -> None:
    whole = frame(MESSAGES[0])
    with opened() as (connection, exchange):
        for octet in whole[:-1]:
            exchange.sendall(bytes([octet]))
            assert received(connection) == []
        exchange.sendall(whole[-1:])
        assert received(connection) == MESSAGES[:1]


def test_a_ping_is_answered_with_its_payload_and_the_trades_around_it_are_kept() -> None:
    with opened() as (connection, exchange):
        exchange.sendall(frame(MESSAGES[0]) + frame(b"1795", PING) + frame(MESSAGES[1]))
        assert received(connection) == MESSAGES[:2]
        assert unmasked(exchange.recv(100)) == (PONG, b"1795")
        assert connection.pings == 1


def test_fragments_become_one_message_even_around_a_ping() -> None:
    message = MESSAGES[0]
    with opened() as (connection, exchange):
        exchange.sendall(frame(message[:20], TEXT, final=False))
        assert received(connection) == []
        exchange.sendall(frame(b"p", PING) + frame(message[20:50], CONTINUATION, final=False))
        assert received(connection) == []
        exchange.sendall(frame(message[50:], CONTINUATION) + frame(MESSAGES[1]))
        assert received(connection) == MESSAGES[:2]


@given(st.lists(st.integers(0, 5), max_size=25), st.lists(st.integers(1, 400), min_size=1))
def test_any_mixture_of_frames_in_any_pieces_gives_the_messages_in_order(
    kinds: list[int], sizes: list[int]
) -> None:
    octets, expected = b"", []
    for number, kind in enumerate(kinds):
        message = MESSAGES[number]
        if kind == 0:
            octets += frame(b"ping", PING)
            continue
        if kind == 1:
            octets += frame(message[:9], TEXT, final=False) + frame(message[9:], CONTINUATION)
        elif kind == 2:
            octets += frame(message[:9], TEXT, final=False)
            octets += frame(b"", PING) + frame(message[9:], CONTINUATION)
        else:
            octets += frame(message)
        expected.append(message)
    got: list[bytes] = []
    with opened(capacity=1024) as (connection, exchange):
        turn = 0
        while octets:
            size = sizes[turn % len(sizes)]
            exchange.sendall(octets[:size])
            got += received(connection)
            octets, turn = octets[size:], turn + 1
        got += received(connection)
    assert got == expected


def test_a_buffer_that_is_full_is_not_drained() -> None:
    with opened(capacity=1024) as (connection, exchange):
        exchange.sendall(b"".join(map(frame, MESSAGES[:20])))
        got = received(connection)
        assert not connection.drained
        while not connection.drained:
            got += received(connection)
        assert got == MESSAGES[:20]


def test_octets_that_websocket_client_has_read_ahead_are_not_lost() -> None:
    ours, theirs = socket.socketpair()
    client = websocket.WebSocket()
    client.sock, client.connected = ours, True
    client.frame_buffer.recv_buffer = [frame(MESSAGES[0])[:30]]
    with ours, theirs:
        connection = BulkConnection(client)
        theirs.sendall(frame(MESSAGES[0])[30:])
        assert received(connection) == MESSAGES[:1]


def test_a_close_frame_is_a_loss_with_its_code_and_reason_after_the_last_trade() -> None:
    with opened() as (connection, exchange):
        exchange.sendall(frame(MESSAGES[0]) + frame(b"\x03\xe9server shutdown", CLOSE))
        reading = connection.receive(0.0)
        assert list(next(reading)) == MESSAGES[:1]
        with pytest.raises(ConnectionLostError, match="closed it with code 1001 server shutdown"):
            next(reading)
        assert unmasked(exchange.recv(100))[0] == CLOSE


def test_an_abrupt_end_is_a_loss_but_not_before_the_last_trade_was_given() -> None:
    with opened() as (connection, exchange):
        exchange.sendall(frame(MESSAGES[0]) + frame(MESSAGES[1])[:40])
        exchange.close()
        assert received(connection) == MESSAGES[:1]
        with pytest.raises(ConnectionLostError, match="ended without a close frame"):
            received(connection)


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"\x83\x00", id="reserved opcode"),
        pytest.param(frame(b"x", CONTINUATION), id="continuation of nothing"),
        pytest.param(b"\xc1\x01x", id="compressed, though nobody asked for it"),
        pytest.param(
            frame(b"a", TEXT, final=False) + frame(b"b", TEXT), id="a message inside a message"
        ),
        pytest.param(frame(b"\xff\xfe", TEXT, final=False) + frame(b"", 0), id="not UTF-8"),
    ],
)
def test_a_broken_protocol_is_a_loss(nonsense: bytes) -> None:
    with opened() as (connection, exchange):
        exchange.sendall(nonsense)
        with pytest.raises(ConnectionLostError):
            received(connection)


def test_a_frame_larger_than_the_buffer_is_a_loss_and_not_a_hang() -> None:
    with opened(capacity=256) as (connection, exchange):
        exchange.sendall(frame(b"x" * 1000))
        assert received(connection) == []
        with pytest.raises(ConnectionLostError, match="a frame of more than 256 octets"):
            received(connection)


def test_closing_says_goodbye_and_reads_on_for_the_answer() -> None:
    with opened() as (connection, exchange):
        exchange.sendall(frame(MESSAGES[0]) + frame(MESSAGES[1])[:10])
        assert received(connection) == MESSAGES[:1]
        exchange.sendall(frame(MESSAGES[1])[10:] + frame(b"\x03\xe8", CLOSE))
        connection.close()
        assert unmasked(exchange.recv(100)) == (CLOSE, b"\x03\xe8")
        assert exchange.recv(100) == b""


def test_closing_a_lost_connection_does_nothing() -> None:
    with opened() as (connection, exchange):
        exchange.close()
        connection.close()
        connection.close()
