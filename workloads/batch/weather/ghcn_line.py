"""GHCN-Daily's CSV files by station, as NOAA keeps them in the bucket noaa-ghcn-pds.

Long format, with a header or without: ID, DATE (YYYYMMDD), ELEMENT, VALUE, M-, Q- and S-flag,
OBS-TIME (HHMM); values in tenths, -9999 for none, a non-blank Q-flag for a failed quality check.
https://docs.opendata.aws/noaa-ghcn-pds/readme.html

What is here defines the format, one line at a time; `ghcn` gives the same columns faster.
"""

import re
from datetime import date
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import frozen

from workloads.batch.weather.readings import Flag, Floats, Slots

MISSING = -9999
_EPOCH = date(1970, 1, 1).toordinal()
_PREFIX = re.compile(rb"([^,]+),(\d{8}),([^,]{4}),")
_REST = re.compile(rb"(-?\d{1,5}),([^,]*),([^,]*),([^,]*)(?:,.*)?", re.DOTALL)

Kinds: TypeAlias = npt.NDArray[np.int8]
Line: TypeAlias = tuple[int, int, int, bool]


@frozen
class Format:
    """What to read from a file: the lines of one station and of some elements."""

    station: bytes
    codes: tuple[bytes, ...]


@frozen(eq=False)
class Columns:
    """Readings in the order of the file: position in ``codes``, slot, tenths, Q-flag set."""

    kinds: Kinds
    slots: Slots
    tenths: npt.NDArray[np.int32]
    flagged: npt.NDArray[np.bool_]
    unreadable: int = 0

    def of(self, kind: int) -> tuple[Slots, Floats, npt.NDArray[np.uint8]]:
        """Slots, values and flags of one element; values in its unit, NaN where there is none."""
        mine = self.kinds == kind
        tenths = self.tenths[mine]
        missing = tenths == MISSING
        flags = np.where(self.flagged[mine], np.uint8(Flag.SOURCE), np.uint8(Flag.GOOD))
        flags[missing] = Flag.MISSING
        return self.slots[mine], np.where(missing, np.nan, tenths / 10), flags


def decode_lines(block: bytes, wanted: Format) -> Columns:
    """Decode whole lines one by one."""
    rows: list[Line] = []
    unreadable = 0
    for line in block.split(b"\n")[:-1]:
        try:
            row = decode_line(line, wanted)
        except ValueError:
            unreadable += 1
        else:
            if row is not None:
                rows.append(row)
    kinds, slots, tenths, flagged = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Columns(
        np.array(kinds, np.int8),
        np.array(slots, np.int64),
        np.array(tenths, np.int32),
        np.array(flagged, np.bool_),
        unreadable,
    )


def decode_line(line: bytes, wanted: Format) -> Line | None:
    """Kind, slot, tenths and Q-flag of one line, or None if another station's or element's.

    Raises:
        ValueError: When the line breaks the format.
    """
    if line.startswith(b"ID,DATE,"):
        return None
    prefix = _PREFIX.match(line)
    if prefix is None:
        raise ValueError(line)
    station, day, code = prefix.groups()
    if station != wanted.station or code not in wanted.codes:
        return None
    rest = _REST.fullmatch(line, prefix.end())
    if rest is None:
        raise ValueError(line)
    tenths, _, quality, _ = rest.groups()
    slot = date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() - _EPOCH
    return wanted.codes.index(code), slot, int(tenths), bool(quality.strip(b" "))
