"""GHCN-Daily's CSV files by station, as NOAA keeps them in the bucket noaa-ghcn-pds.

Long format, with a header or without: ID, DATE (YYYYMMDD), ELEMENT, VALUE, M-, Q- and S-flag,
OBS-TIME; values in tenths, -9999 for none, a non-blank Q-flag for a failed quality check.
https://docs.opendata.aws/noaa-ghcn-pds/readme.html
"""

from typing import BinaryIO

import numpy as np

from workloads.batch.weather.readings import Flag, Station, readings

CODES = ("TMAX", "TMIN", "PRCP")
MISSING = -9999


def parse(stream: BinaryIO, station: str) -> Station:
    """The station's temperatures and precipitation; lines that are no readings are counted."""
    columns: dict[str, list[tuple[int, float, int]]] = {code: [] for code in CODES}
    unreadable = 0
    for number, line in enumerate(stream):
        fields = line.decode("ascii", "replace").rstrip("\r\n").split(",")
        if number == 0 and fields[0] == "ID":
            continue
        if len(fields) >= 3 and fields[2] not in columns:
            continue
        try:
            columns[fields[2]].append(_reading(fields, station))
        except (ValueError, IndexError):
            unreadable += 1
    return Station(
        station,
        station,
        "NOAA GHCN-Daily",
        tuple(
            readings(station, code, *map(np.array, zip(*rows, strict=True)))
            for code, rows in columns.items()
            if rows
        ),
        unreadable,
    )


def _reading(fields: list[str], station: str) -> tuple[int, float, int]:
    name, date, _, value, _, quality = fields[:6]
    if name != station or len(date) != 8:
        raise ValueError(fields)
    day = np.datetime64(f"{date[:4]}-{date[4:6]}-{date[6:]}", "D").astype(int)
    tenths = int(value)
    flag = Flag.MISSING if tenths == MISSING else Flag.SOURCE if quality.strip() else Flag.GOOD
    return int(day), tenths / 10, flag
