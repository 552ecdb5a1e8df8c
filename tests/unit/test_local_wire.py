"""The wire that can be cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from toolkit.local.feed.embedded import Branch
from toolkit.local.feed.wire import Wire


def echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    with connection, suppress(ConnectionResetError):
        while content := connection.recv(1024):
            connection.sendall(content.upper())


@pytest.fixture
def wire() -> Iterator[Wire]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=echo, args=(listener,), daemon=True)
        thread.start()
        wire = Wire(0, listener.getsockname()[1])
        yield wire
        wire.close()


def connect(wire: Wire) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=300)


def ask(wire: Wire) -> bytes:
    with connect(wire) as end:
        end.sendall(b"hello")
        return end.recv(10)


def test_what_goes_in_comes_back(wire: Wire) -> None:
    assert ask(wire) == b"HELLO"


def test_a_cut_resets_what_is_connected(wire: Wire) -> None:
    with connect(wire) as end:
        end.sendall(b"hello")
        end.recv(10)
        wire.cut(0.0)
        with pytest.raises(ConnectionResetError):
            end.recv(10)


def test_while_it_is_cut_nobody_gets_through(wire: Wire) -> None:
    wire.cut(600)
    with pytest.raises(ConnectionError):
        ask(wire)
    wire.cut(0.0)
    assert ask(wire) == b"HELLO"


def test_a_closed_wire_answers_nobody(wire: Wire) -> None:
    assert ask(wire) == b"HELLO"
    wire.close()
    with pytest.raises(ConnectionRefusedError):
        connect(wire)


def test_a_branch_leads_what_goes_to_the_feed_and_nothing_else(wire: Wire) -> None:
    feed = f"ws://127.0.0.1:{wire.port}"
    branch = Branch(feed)
    led = branch.lead(
        {"BASE_URL": feed, "STREAM_URL": f"{feed}/ws/x", "OTHER": f"{feed}0", "SYMBOLS": "BNBUSDT"}
    )
    own = led["BASE_URL"]
    assert own.startswith("ws://127.0.0.1:")
    assert own != feed
    assert led == {
        "BASE_URL": own,
        "STREAM_URL": f"{own}/ws/x",
        "OTHER": f"{feed}0",
        "SYMBOLS": "BNBUSDT",
    }
    branch.close()


def test_a_branch_can_be_cut_while_another_goes_on(wire: Wire) -> None:
    branches = [Branch(f"ws://127.0.0.1:{wire.port}") for _ in range(2)]
    ends = []
    for branch in branches:
        port = branch.lead({"URL": f"ws://127.0.0.1:{wire.port}"})["URL"].rpartition(":")[2]
        ends.append(socket.create_connection(("127.0.0.1", int(port)), timeout=300))
        ends[-1].sendall(b"hello")
        assert ends[-1].recv(10) == b"HELLO"
    branches[0].cut(600)
    with pytest.raises(ConnectionResetError):
        ends[0].recv(1)
    ends[1].sendall(b"again")
    assert ends[1].recv(10) == b"AGAIN"
    for closing in (*ends, *branches):
        closing.close()
