"""The server of the stream benchmark: Binance trade frames, in a blast or paced, over TLS or not.

It writes prepared octets to a plain socket, so that it is never what is measured.
"""

import base64
import hashlib
import socket
import ssl
import time
from pathlib import Path

import numpy as np

from toolkit.local.feed import Market

_BLOCK = 50_000  # frames prepared at once
_SHARE = 1 << 20  # octets a write in a blast
_FIRST_ID, _FIRST_MS = 4_000_000_000, 1_795_000_000_000


class Frames:
    """The same block of frames again and again, with ids and times that go on rising."""

    first_id = _FIRST_ID

    def __init__(self, symbol: str = "BNBUSDT") -> None:
        market = Market(seed=7, rate=2000.0, first_id=_FIRST_ID)
        events = market.first(f"{symbol.lower()}@trade", _BLOCK)
        self.span_ms = int(events[-1].due * 1000) + 1
        frames = [_frame(e.payload(_FIRST_MS + int(e.due * 1000)).encode()) for e in events]
        sizes = np.array([len(frame) for frame in frames])
        self.ends = np.cumsum(sizes)
        self.starts = self.ends - sizes
        self._octets = np.frombuffer(b"".join(frames), dtype=np.uint8).copy()
        head = 4 + len('{"e":"trade","E":')
        self._event_time = self.starts + head
        self._trade_id = self.starts + head + 13 + len(f',"s":"{symbol}","t":')
        self._trade_time = self.ends - np.array(
            [len(f) - f.index(b',"T":') - 5 for f in frames], dtype=np.int64
        )
        self._ms = np.array([_FIRST_MS + int(e.due * 1000) for e in events])

    def block(self, number: int) -> bytes:
        """The ``number``-th block of frames."""
        ids = _FIRST_ID + number * _BLOCK + np.arange(_BLOCK)
        times = self._ms + number * self.span_ms
        self._write(self._trade_id, ids, 10)
        self._write(self._event_time, times, 13)
        self._write(self._trade_time, times, 13)
        return self._octets.tobytes()

    def _write(self, at: np.ndarray, values: np.ndarray, digits: int) -> None:
        for place in range(digits):
            self._octets[at + place] = values // 10 ** (digits - 1 - place) % 10 + ord("0")


def serve(listener: socket.socket, count: int, rate: float, tls: ssl.SSLContext | None) -> None:
    """Serve one client: ``count`` frames, ``rate`` a second (0: as fast as it reads)."""
    frames = Frames()
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is not None:
        connection = tls.wrap_socket(connection, server_side=True)
    with connection:
        _handshake(connection)
        try:
            _pace(connection, frames, count, rate) if rate else _blast(connection, frames, count)
            while connection.recv(1 << 16):  # until the client goes
                pass
        except (OSError, ssl.SSLError):
            return


def _blast(connection: socket.socket, frames: Frames, count: int) -> None:
    for number in range(-(-count // _BLOCK)):
        block = frames.block(number)
        rest = min(_BLOCK, count - number * _BLOCK)
        block = block[: int(frames.ends[rest - 1])]
        for start in range(0, len(block), _SHARE):
            connection.sendall(block[start : start + _SHARE])


def _pace(connection: socket.socket, frames: Frames, count: int, rate: float) -> None:
    """One frame a send, as an exchange does."""
    started, sent, block = time.monotonic(), 0, b""
    starts, ends = frames.starts.tolist(), frames.ends.tolist()
    while sent < count:
        due = min(count, int((time.monotonic() - started) * rate))
        for index in range(sent, due):
            if index % _BLOCK == 0:
                block = frames.block(index // _BLOCK)
            connection.sendall(block[starts[index % _BLOCK] : ends[index % _BLOCK]])
        sent = due
        time.sleep(0.0005)


def _handshake(connection: socket.socket) -> None:
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(1 << 16)
    lines = request.decode("latin-1").split("\r\n")
    key = next(
        line.split(": ", 1)[1] for line in lines if line.lower().startswith("sec-websocket-key")
    )
    accept = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    answer = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(accept).decode()}",
        "\r\n",
    ]
    connection.sendall("\r\n".join(answer).encode())


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    head = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
    if size < 126:
        raise ValueError("the benchmark's frames have a header of four octets")
    return b"\x81" + head + payload


def certificate(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for localhost, and the server's context."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, private = directory / "cert.pem", directory / "key.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, private)
    return path, context
