"""Splitting what was read from the socket into messages, without a call per frame.

RFC 6455, section 5.2. A *plain* frame is what a market stream consists of: final, text, unmasked,
below 64 KiB. Everything else (control frames, fragments) is left to websocket-client.
"""

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from attrs import field, frozen

from workloads.streams.messages import Int64s

Octets = npt.NDArray[np.uint8]

_PLAIN = 0x81  # FIN and the opcode of text
_EXTENDED = 126  # the length stands in the two bytes that follow
_FEW = 24  # frames below which the walk costs less than numpy's calls


@frozen(eq=False)
class Frames:
    """Messages inside one buffer: the i-th is ``data[starts[i]:ends[i]]``.

    The buffer is the connection's own and valid until its next read.
    """

    data: Octets
    starts: Int64s
    ends: Int64s
    size: int = field(default=0)  # octets of the whole frames, headers included

    @classmethod
    def of(cls, payloads: Sequence[bytes]) -> Self:
        """From single messages."""
        ends = np.cumsum([len(payload) for payload in payloads], dtype=np.int64)
        lengths = np.array([len(payload) for payload in payloads], dtype=np.int64)
        data = np.frombuffer(b"".join(payloads), dtype=np.uint8)
        return cls(data, ends - lengths, ends, len(data))

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[bytes]:
        for start, end in zip(self.starts.tolist(), self.ends.tolist(), strict=True):
            yield self.data[start:end].tobytes()


def split(data: Octets) -> Frames:
    """The whole plain frames at the beginning of ``data``, which must begin with a frame."""
    if len(data) > _FEW * 160:
        frames = _leap(data)
        if frames is not None:
            return frames
    return _walk(data)


def frame_size(data: bytes | memoryview) -> int | None:
    """Octets of the first frame of any kind, header included; None when they are not all there."""
    if len(data) < 2:
        return None
    size, length = 2, data[1] & 0x7F
    if length >= _EXTENDED:
        size = 4 if length == _EXTENDED else 10
        if len(data) < size:
            return None
        length = int.from_bytes(data[2:size], "big")
    size += length + (4 if data[1] & 0x80 else 0)  # a mask, if there is one
    return size if size <= len(data) else None


def _walk(data: Octets) -> Frames:
    """From header to header."""
    octets = data.tobytes()
    starts: list[int] = []
    ends: list[int] = []
    here, size = 0, len(octets)
    while here + 4 <= size and octets[here] == _PLAIN:
        length = octets[here + 1]
        start = here + 2
        if length == _EXTENDED:
            length = octets[here + 2] << 8 | octets[here + 3]
            start = here + 4
        elif length > _EXTENDED:
            break
        if start + length > size:
            break
        starts.append(start)
        here = start + length
        ends.append(here)
    return Frames(data, np.array(starts, np.int64), np.array(ends, np.int64), here)


def _leap(data: Octets) -> Frames | None:
    """The same in a few numpy calls; None when it cannot tell.

    The octet 0x81 does not occur in ASCII text, so it marks the headers; it can occur in their
    lengths. If each frame that begins at a mark ends at the next mark, then, as the first one is a
    frame, all are.
    """
    marks = np.flatnonzero(data[:-3] == _PLAIN)
    lengths = data[marks + 1].astype(np.int64)
    extended = lengths == _EXTENDED
    starts = marks + 2 + 2 * extended
    lengths = np.where(extended, data[marks + 2].astype(np.int64) << 8 | data[marks + 3], lengths)
    if (lengths > _EXTENDED)[~extended].any():
        return None
    ends = starts + lengths
    whole = int(np.count_nonzero(ends <= len(data)))
    if not whole or marks[0] != 0 or (ends[: whole - 1] != marks[1:whole]).any():
        return None
    size = int(ends[whole - 1])
    if (whole < len(marks) and marks[whole] != size) or (ends[:whole] > len(data)).any():
        return None
    return Frames(data, starts[:whole], ends[:whole], size)
