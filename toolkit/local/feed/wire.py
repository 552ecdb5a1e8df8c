"""A wire that can be cut: a TCP forwarder on loopback, for faults of the network."""

import socket
import struct
import threading
import time
from contextlib import suppress

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_Line = tuple[socket.socket, socket.socket]


class Wire:
    """Forwards connections to a port; ``cut`` resets them and refuses new ones for a while."""

    def __init__(self, port: int, target: int) -> None:
        self._target = target
        self._open: dict[_Line, int] = {}  # in how many directions something may still come
        self._lock = threading.Lock()
        self._cut_until = 0.0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Reset every connection, and every new one until the wire is mended."""
        with self._lock:
            self._cut_until = time.monotonic() + seconds
            lines, self._open = self._open, {}
        for line in lines:
            for end in line:
                _reset(end)

    def close(self) -> None:
        """Stop listening, and drop what is connected."""
        with suppress(OSError):
            self._listener.shutdown(
                socket.SHUT_RDWR
            )  # wakes who waits in `accept`; closing does not
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
            line = (near, far)
            with self._lock:
                self._open[line] = len(line)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(
                    target=self._forward, args=(line, source, sink), daemon=True
                ).start()

    def _forward(self, line: _Line, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(_CHUNK):
                sink.sendall(content)
        with self._lock:
            if line not in self._open:
                return  # it was cut, and a farewell would spoil the reset
            self._open[line] -= 1
            last = not self._open[line]
            if last:
                del self._open[line]
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)
        if last:
            for end in line:
                end.close()


def _reset(end: socket.socket) -> None:
    """Close without a farewell: the other side sees a connection reset."""
    with suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        end.shutdown(socket.SHUT_RD)
    end.close()
