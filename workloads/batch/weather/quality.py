"""Quality control: every reading is kept, and those that cannot be right are flagged with why.

The checks run in the order in which they can be trusted, and each looks only at what is still good:
physical range, duplicates, spikes, steps, and the maximum against the minimum.
"""

from typing import Self

import numpy as np
import pandas as pd
from attrs import evolve, frozen

from toolkit.runtime import Json
from workloads.batch.weather.readings import Flag, Flags, Floats, Readings, Slots, Station

MIN_HOURS = 18  # fewer good hours than this do not make a daily extreme


def check(station: Station) -> Station:
    """The station with its series sorted by time and every check's flags on them."""
    series = tuple(_check_one(readings) for readings in station.series)
    _check_extremes(series)
    return evolve(station, series=series)


def total(station: Station) -> tuple[int, int]:
    """How many readings the station has, and how many of them were rejected."""
    good = sum(int(np.count_nonzero(series.good)) for series in station.series)
    rows = sum(len(series.slots) for series in station.series)
    return rows, rows - good


@frozen
class Shares:
    """How much of a record is not there to rest on: each as a share from 0 to 1.

    ``rejected`` of the element's readings, those that the provider marks as missing left out;
    ``absent`` of the days from its first to its last value; ``unreadable`` of the station's lines.
    """

    rejected: float
    absent: float
    unreadable: float

    @classmethod
    def of(cls, station: Station, readings: Readings, values: Floats) -> Self:
        """The shares of one element, whose daily ``values`` have NaN on days without one."""
        given = readings.flags != Flag.MISSING
        lines = station.unreadable + sum(len(series.slots) for series in station.series)
        return cls(
            rejected=_share(int(np.count_nonzero(given & ~readings.good)), int(given.sum())),
            absent=_share(int(np.isnan(values).sum()), len(values)),
            unreadable=_share(station.unreadable, lines),
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def tally(readings: Readings) -> dict[str, Json]:
    """How many readings were good, rejected (by reason) or never came; all names present."""
    good = np.unique(readings.slots[readings.good])
    absent = np.diff(good) - 1
    return {
        "rows": len(readings.slots),
        "good": len(good),
        "rejected": {
            flag.label: int(np.count_nonzero(readings.flags == flag)) for flag in list(Flag)[1:]
        },
        "gaps": int(np.count_nonzero(absent)),
        "absent": int(absent.sum()),
        "longest_gap": int(absent.max(initial=0)),
    }


def daily(readings: Readings, code: str) -> tuple[Slots, Floats]:
    """Every day from first to last good reading, with its value or NaN.

    Hourly readings become the day's maximum for ``TMAX``, else its minimum, if ``MIN_HOURS`` of
    them are good.
    """
    series = pd.Series(readings.values, index=pd.DatetimeIndex(readings.times()))[readings.good]
    if series.empty:
        return np.empty(0, np.int64), np.empty(0)
    days = series.resample("D")
    if readings.element.hourly:
        extremes = days.max() if code == "TMAX" else days.min()
        values = extremes.where(days.count() >= MIN_HOURS)
    else:
        values = days.first()
    index = values.index.to_numpy().astype("datetime64[D]")
    return index.astype(np.int64), np.asarray(values, np.float64)


def _check_one(readings: Readings) -> Readings:
    element = readings.element
    impossible = (readings.values < element.low) | (readings.values > element.high)
    flags = np.where(impossible & readings.good, np.uint8(Flag.RANGE), readings.flags)
    # Good readings first among those of one time, then the order of the file.
    order = np.lexsort((flags != Flag.GOOD, readings.slots))
    slots, values, flags = readings.slots[order], readings.values[order], flags[order]
    again = np.zeros(len(slots), np.bool_)
    again[1:] = slots[1:] == slots[:-1]
    flags[again & (flags == Flag.GOOD)] = Flag.DUPLICATE
    for limit, flag in ((element.spike, Flag.SPIKE), (element.step, Flag.STEP)):
        if limit is not None:
            _mark_jumps(slots, values, flags, limit, flag)
    return Readings(readings.station, element, slots, values, flags)


def _mark_jumps(slots: Slots, values: Floats, flags: Flags, limit: float, flag: Flag) -> None:
    """Judge the good readings by their good neighbours, where those are one slot away."""
    good = np.flatnonzero(flags == Flag.GOOD)
    jump = np.diff(values[good])
    jump[np.diff(slots[good]) != 1] = 0.0
    if flag is Flag.SPIKE:
        back = -jump[1:]
        same_side = jump[:-1] * back > 0
        wrong = same_side & (np.minimum(np.abs(jump[:-1]), np.abs(back)) > limit)
    else:
        wrong = np.abs(jump) > limit
    flags[good[1 : 1 + len(wrong)][wrong]] = flag


def _check_extremes(series: tuple[Readings, ...]) -> None:
    """Reject both readings of a day whose maximum lies below its minimum."""
    codes = {readings.element.code: readings for readings in series}
    if not {"TMAX", "TMIN"} <= codes.keys():
        return
    high, low = codes["TMAX"], codes["TMIN"]
    _, i, j = np.intersect1d(high.slots[high.good], low.slots[low.good], return_indices=True)
    i, j = np.flatnonzero(high.good)[i], np.flatnonzero(low.good)[j]
    wrong = high.values[i] < low.values[j]
    for readings, at in ((high, i[wrong]), (low, j[wrong])):
        readings.flags[at] = Flag.INCONSISTENT
