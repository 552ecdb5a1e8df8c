"""Read GHCN files a block of lines at once: columns of machine words instead of lines of text.

Eight bytes of text are one little-endian word, so a comparison, a test for digits or a number take
a few integer operations on a whole column (SWAR, "SIMD within a register"). A usual line

    USW00024233,20150102,TMAX,-128,,,W,2400
    0           12       21   26

has a fixed start, which one gather lays out as a table; the rest is found from VALUE's comma. Every
condition on the shape is checked, and a line that fails one is decoded by `ghcn_line`.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from attrs import evolve

from workloads.batch.weather.ghcn_line import Columns, Format, Line, decode_line, decode_lines
from workloads.batch.weather.readings import Slots

Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]

BLOCK_BYTES = 1 << 19  # its columns fit into the processor's cache
_ID_BYTES = 11
_VALUE_AT = 26
_PAD = bytes(64)  # so that a word past the end of the last line can be read
_HEAD = np.dtype(
    {
        "names": ["id", "id_end", "date", "element", "value"],
        "formats": ["<u8"] * 5,
        "offsets": [0, 4, 12, 20, _VALUE_AT],  # id_end overlaps id: bytes 4 to 11
        "itemsize": _VALUE_AT + 8,
    }
)
_YEARS = (1700, 2200)  # of the table of days; other years are decoded line by line


def _word(text: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(text, "little"))


_COMMAS, _ZEROS, _ONES, _SIXES, _TOPS, _LOWS, _HIGHS = (
    _word(bytes([byte]) * 8) for byte in (0x2C, 0x30, 0x01, 0x06, 0x80, 0x7F, 0xF0)
)
_COMMA, _MINUS, _SPACE = (np.uint64(ord(sign)) for sign in ",- ")
_PAIRS = np.uint64(0x00FF00FF00FF00FF)


def parse(stream: BinaryIO, wanted: Format) -> Columns:
    """All wanted readings of a file; a line that breaks the format is counted as unreadable."""
    return join([decode(block, wanted) for block in blocks(stream)])


def decode(
    block: bytes, wanted: Format, unusual: Callable[[bytes, Format], Line | None] = decode_line
) -> Columns:
    """The wanted readings of a block of whole lines, the same as from `decode_lines`.

    ``unusual`` decodes the lines that the columns cannot.
    """
    if len(wanted.station) != _ID_BYTES or any(len(code) != 4 for code in wanted.codes):
        return decode_lines(block, wanted)
    text = block + _PAD
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    heads = _gather(text, starts, _HEAD)
    kinds, usual = _kinds(heads["element"], wanted.codes)
    usual &= heads["id"] == _word(wanted.station[:8])
    usual &= heads["id_end"] == _word(wanted.station[4:] + b",")
    slots, dated, exists = _days(heads["date"])
    usual &= dated
    other = usual & (kinds < 0)

    tenths, length, number = _numbers(heads["value"])
    at = starts + (_VALUE_AT + 1) + length
    flagged, length, shaped = _quality(_gather(text, at, np.dtype("<u8")))
    at += length
    usual &= exists & number & shaped & (at <= ends)
    columns = Columns(kinds, slots, tenths, flagged)
    return _complete(
        columns,
        usual & (kinds >= 0),
        ~(usual | other),
        text,
        starts,
        ends,
        lambda line: unusual(line, wanted),
    )


def join(parts: Sequence[Columns]) -> Columns:
    """One after the other."""
    if not parts:
        return decode_lines(b"", Format(b"", ()))
    return Columns(
        np.concatenate([part.kinds for part in parts]),
        np.concatenate([part.slots for part in parts]),
        np.concatenate([part.tenths for part in parts]),
        np.concatenate([part.flagged for part in parts]),
        sum(part.unreadable for part in parts),
    )


def blocks(stream: BinaryIO, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The file in pieces of whole lines."""
    rest = b""
    while read := stream.read(size):
        text = rest + read
        end = text.rfind(b"\n") + 1
        rest = text[end:]
        if end:
            yield text[:end]
    if rest:
        yield rest + b"\n"


def _complete(
    columns: Columns,
    keep: Mask,
    unusual: Mask,
    text: bytes,
    starts: Slots,
    ends: Slots,
    decode_unusual: Callable[[bytes], Line | None],
) -> Columns:
    """Decode the unusual lines one by one, into their places, and drop what is not wanted."""
    unreadable = 0
    for i in np.flatnonzero(unusual).tolist():
        try:
            row = decode_unusual(text[starts[i] : ends[i]])
        except ValueError:
            unreadable += 1
            continue
        if row is not None:
            keep[i] = True
            columns.kinds[i], columns.slots[i], columns.tenths[i], columns.flagged[i] = row
    if keep.all():
        return evolve(columns, unreadable=unreadable)
    return Columns(
        columns.kinds[keep],
        columns.slots[keep],
        columns.tenths[keep],
        columns.flagged[keep],
        unreadable,
    )


def _gather(text: bytes, at: Slots, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """The bytes from each position on as ``dtype``, whatever their alignment."""
    raw = np.dtype((np.void, dtype.itemsize))
    every = np.ndarray((len(text) - dtype.itemsize + 1,), raw, text, strides=(1,))
    return every[at].view(dtype)


def _kinds(words: Words, codes: tuple[bytes, ...]) -> tuple[npt.NDArray[np.int8], Mask]:
    """Position in ``codes`` or -1, and whether the words begin with ``,????,``."""
    words = words & _word(b"\xff" * 6)
    kinds = np.full(len(words), -1, np.int8)
    for kind, code in enumerate(codes):
        kinds[words == _word(b"," + code + b",")] = kind
    mine = kinds >= 0
    if mine.all():
        return kinds, mine
    return kinds, _zero_bytes(words ^ _COMMAS) == _word(b"\x80\0\0\0\0\x80")


def _zero_bytes(words: Words) -> Words:
    """0x80 in every byte that is zero, 0 in the others."""
    return ~(((words & _LOWS) + _LOWS) | words | _LOWS)


def _digits(words: Words) -> tuple[Words, Mask]:
    """The digits' values, byte by byte, and whether all eight are digits."""
    digits = words ^ _ZEROS
    return digits, ((digits | (digits + _SIXES)) & _HIGHS) == 0


def _days(words: Words) -> tuple[Slots, Mask, Mask]:
    """Days since 1970-01-01 of YYYYMMDD, whether all are digits, and whether the day exists."""
    # Neighbouring lines mostly share their date: decode each run of equal dates once.
    first = np.concatenate([[0], np.flatnonzero(words[1:] != words[:-1]) + 1])
    length = np.diff(first, append=len(words))
    slots, dated = _decode_days(words[first])
    slots, dated = np.repeat(slots, length), np.repeat(dated, length)
    return slots, dated, slots != _NO_DAY


def _decode_days(words: Words) -> tuple[Slots, Mask]:
    digits, dated = _digits(words)
    pairs = (digits * 10 + (digits >> 8)) & _PAIRS
    year = (pairs & 0xFF) * 100 + ((pairs >> 16) & 0xFF)
    month, day = (pairs >> 32) & 0xFF, pairs >> 48
    known = dated & (year >= _YEARS[0]) & (year < _YEARS[1]) & (month < 16) & (day < 32)
    index = np.where(known, ((year - _YEARS[0]) << 9) + (month << 5) + day, 0)
    return _day_table()[index.astype(np.int64)], dated


_NO_DAY = np.iinfo(np.int64).min


@cache
def _day_table() -> Slots:
    """Days since 1970-01-01 by ``(year - 1700) << 9 | month << 5 | day``; _NO_DAY for no day."""
    table = np.full(((_YEARS[1] - _YEARS[0]), 16, 32), _NO_DAY)
    months = np.arange(f"{_YEARS[0]}-01", f"{_YEARS[1]}-01", dtype="datetime64[M]")
    first = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - first
    days = np.arange(1, 32)
    dates = np.where(days <= length[:, None], first[:, None] + days - 1, _NO_DAY)
    table[:, 1:13, 1:32] = dates.reshape(-1, 12, 31)
    return table.ravel()


def _numbers(words: Words) -> tuple[npt.NDArray[np.int32], Slots, Mask]:
    """The number before the first comma, its length in bytes, and whether it is -?[0-9]{1,4}."""
    negative = (words & 0xFF) == _MINUS
    words = np.where(negative, words >> 8, words).view(np.uint64)
    unlike = words ^ _COMMAS
    comma = (unlike - _ONES) & ~unlike & _TOPS
    lowest = comma & (~comma + 1)
    before = ((lowest >> 7) - 1).view(np.uint64)  # all ones in the bytes before the first comma
    bits = np.bitwise_count(before)
    digits, valid = _digits((words & before) | (_ZEROS & ~before))
    valid &= (bits >= 8) & (bits <= 32)
    # The most significant digit comes first in memory: move the last digit to the last byte.
    last = digits.astype(np.uint32) << (np.uint8(32) - bits)
    pairs = (last * 10 + (last >> 8)) & np.uint32(0x00FF00FF)
    number = ((pairs * (1 + (100 << 16))) >> 16).astype(np.int32)
    return np.where(negative, -number, number), (bits >> 3).astype(np.int64) + negative, valid


def _quality(words: Words) -> tuple[Mask, Slots, Mask]:
    """From M-flag on: whether the Q-flag is set, the bytes up to S-flag, the shape ``M?,Q?,``."""
    one = (words & 0xFF) == _COMMA
    shaped = one | (((words >> 8) & 0xFF) == _COMMA)
    words = np.where(one, words >> 8, words >> 16)
    length = 2 - one.astype(np.int64)
    quality = words & 0xFF
    one = quality == _COMMA
    shaped &= one | (((words >> 8) & 0xFF) == _COMMA)
    return ~one & (quality != _SPACE), length + 2 - one, shaped
