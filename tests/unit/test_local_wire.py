"""The wire that can be cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from toolkit.local.wire import Wire


def echo(listener: socket.socket) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
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
    return socket.create_connection(("127.0.0.1", wire.port), timeout=30)


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
