"""Cutting the fields out of many trade messages at once, without a JSON decoder.

`cut` accepts a batch only if every octet of every message is what the template says::

    {"e":"trade","E":#,"s":"SYMBOL","t":#,"p":"#.########","q":"#.########","T":#,"m":B,"M":true}

with ``#`` digits and ``B`` true or false. It walks along the template once, with one cursor for
each message, so each step is a numpy call over the whole batch. Anything else makes it decline: the
batch goes through `messages.parse`, with which it must agree (the property tests see to that).
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from workloads.streams.frames import Frames, Octets
from workloads.streams.messages import SCALE, Int64s, Trades, plausible

Words = npt.NDArray[np.uint64]

_WIDTH = 16  # digits of a whole number: two words
_WINDOW = 24  # octets in which a field must end


class _Declined(Exception):  # noqa: N818 - an answer
    """The batch is not all of the usual form."""


def cut(frames: Frames, symbol: str) -> Trades | None:
    """The trades of a batch; None unless all of it is trades of ``symbol`` in the usual form."""
    text = _Text(frames.data)
    try:
        at = text.skip(frames.starts, b'{"e":"trade","E":')
        event_time, at = text.whole(at)
        at = text.skip(at, f',"s":"{symbol}","t":'.encode())
        trade_id, at = text.whole(at)
        at = text.skip(at, b',"p":"')
        price, at = text.decimal(at)
        at = text.skip(at, b'","q":"')
        quantity, at = text.decimal(at)
        at = text.skip(at, b'","T":')
        trade_time, at = text.whole(at)
        at = text.skip(at, b',"m":')
        maker, at = text.boolean(at)
        at = text.skip(at, b',"M":true}')
        _check(at == frames.ends)
        trades = Trades(event_time, trade_id, price, quantity, trade_time, maker)
        _check(plausible(trades))
    except (_Declined, IndexError):  # a cursor beyond the last message
        return None
    return trades


class _Text:
    """Octets that are read at many places at once; every method returns where it stopped."""

    def __init__(self, data: Octets) -> None:
        self._data = data
        # Overlapping, unaligned stretches: numpy gathers untyped ones faster than integers.
        self._words = _stretches(data, 8)
        self._windows = _stretches(data, _WINDOW)

    def skip(self, at: Int64s, literal: bytes) -> Int64s:
        """Pass over ``literal``."""
        mask = np.uint64((1 << 8 * min(8, len(literal))) - 1)
        for offset in {*range(0, len(literal) - 7, 8), max(0, len(literal) - 8)}:
            wanted = np.uint64(int.from_bytes(literal[offset : offset + 8], "little"))
            _check((self._word(at + offset) & mask) == wanted)
        return at + len(literal)

    def whole(self, at: Int64s) -> tuple[Int64s, Int64s]:
        """Whole numbers of 1 to 16 digits, without leading zeros as JSON wants them."""
        width = self._until(at, b",")
        _check((width <= _WIDTH) & (self._data[at] != ord("0")))
        end = at + width
        number = _digits(self._word(end - 8), np.minimum(width, 8))
        if width.max() > 8:
            number += _digits(self._word(end - 16), np.maximum(width - 8, 0)) * np.uint64(10**8)
        return number.view(np.int64), end

    def decimal(self, at: Int64s) -> tuple[Int64s, Int64s]:
        """Numbers with exactly eight decimals and up to eight digits before them, in 1e-8."""
        width = self._until(at, b'"')
        end = at + width
        _check((width >= 10) & (width <= 17) & (self._data[end - 9] == ord(".")))
        whole = _digits(self._word(end - 17), width - 9)
        fraction = _digits(self._word(end - 8), 8)
        return (whole * np.uint64(SCALE) + fraction).view(np.int64), end

    def boolean(self, at: Int64s) -> tuple[npt.NDArray[np.bool_], Int64s]:
        """``true`` or ``false``, with what follows left to the next step."""
        words = self._word(at)
        true = (words & np.uint64(0xFFFFFFFF)) == np.uint64(int.from_bytes(b"true", "little"))
        false = (words & np.uint64(0xFFFFFFFFFF)) == np.uint64(int.from_bytes(b"false", "little"))
        _check(true | false)
        return true, at + 5 - true

    def _word(self, at: Int64s) -> Words:
        words: Words = self._words[at].view("<u8")
        return words

    def _until(self, at: Int64s, end: bytes) -> Int64s:
        """How many octets from the cursor to ``end``, at least one."""
        window = self._windows[at].view(np.uint8).reshape(-1, _WINDOW)
        width: Int64s = (window == ord(end)).argmax(axis=1)
        _check(width > 0)
        return width


def _stretches(data: Octets, size: int) -> npt.NDArray[np.void]:
    """All stretches of ``size`` octets, one from each octet on, without a copy."""
    return np.ndarray((max(0, len(data) - size + 1),), f"V{size}", data, 0, (1,))


def _digits(words: Words, width: Int64s | int) -> Words:
    """The number in the last ``width`` (0 to 8) characters of each word.

    The first character is the lowest octet. Neighbours are joined, then pairs, then fours: three
    multiplications for eight digits.
    """
    foreign = np.uint64(64) - (np.asarray(width) * 8).astype(np.uint64)
    words = (words ^ np.uint64(0x3030303030303030)) >> foreign << foreign
    above_nine = (words + np.uint64(0x7676767676767676)) | words
    _check((above_nine & np.uint64(0x8080808080808080)) == 0)
    words = (words * np.uint64(10) + (words >> np.uint64(8))) & np.uint64(0x00FF00FF00FF00FF)
    words = (words * np.uint64(100) + (words >> np.uint64(16))) & np.uint64(0x0000FFFF0000FFFF)
    return (words * np.uint64(10_000) + (words >> np.uint64(32))) & np.uint64(0xFFFFFFFF)


def _check(condition: Any) -> None:
    """Decline unless the condition holds for every message."""
    if not condition.all():
        raise _Declined
