"""What a station reports: elements, readings, and why a reading was rejected."""

from enum import IntEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import frozen

from toolkit.runtime import Result

Floats: TypeAlias = npt.NDArray[np.float64]
Slots: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.uint8]


class WeatherError(Exception):
    """A station cannot be studied; ``hint`` says what to do about it, and stands in the text, too.

    ``result``, where it is set, holds what the run measured of the other stations.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}\nhint: {hint}")
        self.message = message
        self.hint = hint
        self.result: Result | None = None


class Flag(IntEnum):
    """Why a reading was rejected; ``GOOD`` when it was not."""

    GOOD = 0
    MISSING = 1  # the provider's own mark for no value: -9999, NA, an empty field
    SOURCE = 2  # the provider's quality control rejected it
    DUPLICATE = 3  # a good reading for the same time came before it
    RANGE = 4  # physically impossible
    SPIKE = 5  # far from both neighbours, on the same side
    STEP = 6  # too far from the reading before it
    INCONSISTENT = 7  # maximum below minimum

    @property
    def label(self) -> str:
        """The word for it in files: empty for a good reading."""
        return "" if self is Flag.GOOD else self.name.lower()


@frozen
class Element:
    """A measured quantity, in SI units, and the limits that its readings must respect.

    ``spike`` is the largest credible departure from both neighbours, ``step`` the largest credible
    change from one reading to the next; None where the quantity really jumps (rain).
    """

    code: str
    label: str
    unit: str
    low: float
    high: float
    spike: float | None = None
    step: float | None = None
    hourly: bool = False


# Ranges: the records of the WMO archive of weather and climate extremes (https://wmo.asu.edu); wind
# as in Zahumensky (2004), "Guidelines on quality control procedures for data from automatic weather
# stations". Daily spikes: 25 K, Durre et al. (2010), https://doi.org/10.1175/2010JAMC2375.1
ELEMENTS = {
    element.code: element
    for element in (
        Element("TMAX", "daily maximum temperature", "°C", -89.4, 57.7, spike=25.0, step=35.0),
        Element("TMIN", "daily minimum temperature", "°C", -89.4, 57.7, spike=25.0, step=35.0),
        Element("PRCP", "daily precipitation", "mm", 0.0, 1825.0),
        Element("AWND", "daily mean wind speed", "m/s", 0.0, 75.0),
        Element("TEMP", "hourly temperature", "°C", -89.4, 57.7, 10.0, 20.0, hourly=True),
        Element("PRES", "hourly sea-level pressure", "hPa", 870.0, 1085.0, 10.0, 15.0, hourly=True),
        Element("WIND", "hourly wind speed", "m/s", 0.0, 75.0, 30.0, hourly=True),
        Element("RAIN", "hourly precipitation", "mm", 0.0, 305.0, hourly=True),
    )
}


@frozen(eq=False)
class Readings:
    """All readings of one element at one station, in the order in which they were reported.

    ``slots`` counts days (hours if the element is hourly) since 1970-01-01, local standard time.
    """

    station: str
    element: Element
    slots: Slots
    values: Floats
    flags: Flags

    @property
    def good(self) -> npt.NDArray[np.bool_]:
        """Which readings were not rejected."""
        return np.equal(self.flags, Flag.GOOD)

    def times(self) -> npt.NDArray[np.datetime64]:
        """The readings' times."""
        return self.slots.astype("datetime64[h]" if self.element.hourly else "datetime64[D]")


@frozen(eq=False)
class Station:
    """One station as its source reports it; ``unreadable`` counts lines that were no readings."""

    id: str
    name: str
    provenance: str
    series: tuple[Readings, ...]
    unreadable: int = 0

    @property
    def title(self) -> str:
        """For people: the name, if it has one, and the id."""
        return f"{self.name} ({self.id})" if self.name else self.id


def readings(station: str, code: str, slots: Slots, values: Floats, flags: Flags) -> Readings:
    """Readings of the element ``code``; a value that is not a number is flagged as missing."""
    missing = np.isnan(values) & (flags == Flag.GOOD)
    return Readings(
        station,
        ELEMENTS[code],
        np.asarray(slots, np.int64),
        np.asarray(values, np.float64),
        np.where(missing, Flag.MISSING, flags).astype(np.uint8),
    )
