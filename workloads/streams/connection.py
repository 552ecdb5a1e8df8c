"""The connection: websocket-client's own, read in bulk.

websocket-client does the handshake, TLS, pings, fragments and the closing handshake. Its receive
loop takes three reads and a dozen calls a frame, so the frames that make up a market stream are
split here (`frames`) from one large read. Whatever else arrives is handed back to websocket-client,
octet by octet, through the read function of its frame buffer: it is still its connection.

`WebSocketApp` is not used: its `run_forever` stops late or never when a signal asks it to
(docs/streams.md has the measurements).
"""

import contextlib
import select
import ssl
import time
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import websocket

from workloads.streams.errors import ConnectionLostError
from workloads.streams.frames import Frames, frame_size, split

_CAPACITY = 1 << 20  # octets read at once, and the largest frame
_SEND_SECONDS = 5.0  # for a pong
_CLOSE_SECONDS = 0.5  # for the exchange's answer to our close
_AGAIN = "A stream is not resumed. Run it again; the ledger shows this run as failed."
_FRAGMENTS = 1_000  # of one message
_UNUSUAL = 1_000  # control frames and fragments between two looks at the clock


class Connection(Protocol):
    """What a stream needs of a connection."""

    @property
    def drained(self) -> bool:
        """Whether the last `receive` took all that there was."""

    @property
    def pings(self) -> int:
        """How many pings have come."""

    @property
    def feed(self) -> str | None:
        """What the server says that it is; None when it does not say."""

    def receive(self, timeout: float) -> Iterator[Frames]:
        """What has arrived, waiting at most ``timeout`` seconds for the first of it.

        Each item must be used before the next one is asked for. Raises ConnectionLostError.
        """

    def close(self) -> None:
        """Close the connection; never raises, and never takes longer than a second."""


class BulkConnection:
    """An open `websocket.WebSocket`, read in bulk."""

    def __init__(
        self, opened: websocket.WebSocket, capacity: int = _CAPACITY, feed: str | None = None
    ) -> None:
        self.drained = True
        self.pings = 0
        self.feed = feed
        self._websocket: Any = opened  # only partly typed upstream
        self._buffer = np.zeros(capacity, dtype=np.uint8)
        self._view = self._buffer.data
        self._start = self._end = 0  # what is buffered
        self._limit = 0  # how far websocket-client may read
        self._fragments = 0  # of the message that is not complete
        self._unfinished = False  # whole frames are still buffered
        self._closing = False
        self._close_by = 0.0
        self._lost: ConnectionLostError | None = None
        for read_ahead in self._websocket.frame_buffer.recv_buffer:
            self._view[self._end : self._end + len(read_ahead)] = read_ahead
            self._end += len(read_ahead)
        self._websocket.frame_buffer.recv_buffer = []
        self._websocket.frame_buffer.recv = self._take
        self._websocket.settimeout(0)

    def receive(self, timeout: float) -> Iterator[Frames]:
        """See `Connection.receive`."""
        if not self._unfinished:
            self._fill(timeout)
        self._unfinished = False
        unusual = 0
        while self._start < self._end:
            if not self._in_fragments:
                frames = split(self._buffer[self._start : self._end])
                self._start += frames.size
                if len(frames):
                    yield frames
                    continue
            size = frame_size(self._view[self._start : self._end])
            if size is None:
                break
            if unusual == _UNUSUAL:
                self._unfinished, self.drained = True, False
                break
            unusual += 1
            payload = self._hand_over(size)
            if payload is not None:
                yield Frames.of([payload])

    def close(self) -> None:
        """See `Connection.close`."""
        self._closing, self._close_by = True, time.monotonic() + _CLOSE_SECONDS
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._websocket.close(timeout=_CLOSE_SECONDS)
        self._websocket.shutdown()  # close() leaves the socket open after the peer's close frame

    @property
    def _in_fragments(self) -> bool:
        return self._websocket.cont_frame.cont_data is not None

    def _fill(self, timeout: float) -> None:
        """Read what there is, and wait for it when there is nothing."""
        if self._lost is not None:
            raise self._lost
        before = self._compact()
        self._read()
        if self._end == before and self.drained and timeout > 0:
            readable, _, _ = select.select([self._websocket.sock], [], [], timeout)
            if readable:
                self._read()
        if self._end == before and self._lost is not None:
            raise self._lost

    def _compact(self) -> int:
        """Move the beginning of an incomplete frame to the front; returns its size."""
        rest = self._end - self._start
        if rest == len(self._buffer):
            raise ConnectionLostError(f"a frame of more than {rest} octets", hint=_AGAIN)
        self._buffer[:rest] = self._buffer[self._start : self._end]
        self._start, self._end = 0, rest
        return rest

    def _read(self) -> None:
        """Read until the socket or the buffer says enough."""
        sock = self._websocket.sock
        self.drained = False
        try:
            while self._end < len(self._buffer):
                count = sock.recv_into(self._view[self._end :])
                if not count:
                    self._lost = ConnectionLostError("it ended without a close frame", hint=_AGAIN)
                    return
                self._end += count
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.drained = True
        except OSError as error:
            self._lost = ConnectionLostError(f"it broke: {error}", hint=_AGAIN)

    def _hand_over(self, size: int) -> bytes | None:
        """Let websocket-client deal with the next frame, which is all there.

        Returns the message that it completes, if it is one. Pings are answered, a close frame too.
        """
        self._limit = self._start + size
        self._websocket.settimeout(_SEND_SECONDS)
        try:
            opcode, frame = self._websocket.recv_data_frame(control_frame=True)
        except _AllTaken:
            self._check_fragments()
            return None  # a fragment: the rest of its message is still to come
        except (websocket.WebSocketException, OSError) as error:
            raise ConnectionLostError(f"it broke: {error}", hint=_AGAIN) from error
        finally:
            self._websocket.settimeout(0)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise ConnectionLostError(_farewell(frame.data), hint=_AGAIN)
        self.pings += opcode == websocket.ABNF.OPCODE_PING
        if not self._in_fragments:
            self._fragments = 0
        is_data = opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY)
        return bytes(frame.data) if is_data else None

    def _check_fragments(self) -> None:
        """A message is no larger for being cut into fragments."""
        self._fragments += 1
        size = len(self._websocket.cont_frame.cont_data[1]) if self._in_fragments else 0
        if size > len(self._buffer) or self._fragments > _FRAGMENTS:
            raise ConnectionLostError(
                f"a message of more than {self._fragments - 1} fragments and {size} octets",
                hint=_AGAIN,
            )

    def _take(self, count: int) -> bytes:
        """What websocket-client reads from: the frame that was handed over.

        While closing, it may read on from the buffer and the socket, for the answer to its close.
        """
        limit = self._end if self._closing else self._limit
        count = min(count, limit - self._start)
        if count:
            self._start += count
            return self._view[self._start - count : self._start].tobytes()
        if not self._closing:
            raise _AllTaken
        if time.monotonic() >= self._close_by:
            raise websocket.WebSocketTimeoutException("no answer to the close in time")
        octets: bytes = self._websocket.sock.recv(1 << 14)
        if not octets:
            raise websocket.WebSocketConnectionClosedException
        return octets


class _AllTaken(websocket.WebSocketTimeoutException):
    """websocket-client wants more than the frame that it was given."""


def _farewell(data: bytes) -> str:
    """A close frame in words (RFC 6455, section 5.5.1)."""
    if len(data) < 2:
        return "the exchange closed it without a reason"
    reason = data[2:].decode("utf-8", "replace")
    return f"the exchange closed it with code {int.from_bytes(data[:2], 'big')} {reason}".rstrip()
