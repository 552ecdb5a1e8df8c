"""A wire that can be cut: a TCP forwarder on loopback, for faults of the network."""

import socket
import struct
import threading
import time
from contextlib import suppress

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Wire:
    """Forwards connections to a port; ``cut`` resets them and refuses new ones for a while."""

    def __init__(self, port: int, target: int) -> None:
        self._target = target
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._cut_until = 0.0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Reset every connection, and every new one until the wire is mended."""
        with self._lock:
            self._cut_until = time.monotonic() + seconds
            ends, self._ends = self._ends, set()
        for end in ends:
            _reset(end)

    def close(self) -> None:
        """Stop listening, and drop what is connected."""
        self._listener.close()
        self.cut(0.0)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            if time.monotonic() < self._cut_until:
                _reset(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                _reset(near)
                continue
            with self._lock:
                self._ends |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(_CHUNK):
                sink.sendall(content)
        with self._lock:
            whole = source in self._ends  # else it was cut, and a farewell would spoil the reset
            self._ends.discard(source)
        if whole:
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)


def _reset(end: socket.socket) -> None:
    """Close without a farewell: the other side sees a connection reset."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        end.shutdown(socket.SHUT_RD)
    end.close()
