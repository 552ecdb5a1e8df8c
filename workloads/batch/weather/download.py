"""Fetch a station's file over HTTPS: bounded in time, retried where that may help."""

import urllib.error
import urllib.request
from pathlib import Path

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from toolkit.runtime import Interrupted, Run
from workloads.batch.weather.readings import WeatherError

ATTEMPTS = 4
TIMEOUT_SECONDS = 15
_BLOCK_BYTES = 1 << 18


def download(address: str, path: Path, run: Run) -> None:
    """Write what the http(s) address answers to ``path``.

    Raises:
        WeatherError: When it cannot be had; for what may pass, after some attempts.
        Interrupted: When the run is asked to stop meanwhile.
    """

    def pause(seconds: float) -> None:
        run.wait(seconds)

    attempts = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.5, max=10),
        sleep=pause,
        reraise=True,
    )
    try:
        attempts(_fetch, address, path, run)
    except urllib.error.HTTPError as error:
        error.close()
        raise WeatherError(
            f"{address} answered {error.code} {error.reason}",
            hint="ghcnd-stations.txt in the same bucket lists the stations; set STATION, or "
            "STATION_URL for files kept elsewhere",
        ) from error
    except OSError as error:
        raise WeatherError(
            f"{address} cannot be fetched: {error}",
            hint="does the task have a route to it? SOURCE=vega-seattle needs no network",
        ) from error


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code == 429 or error.code >= 500
    return isinstance(error, OSError)


def _fetch(address: str, path: Path, run: Run) -> None:
    # The catalog admits only http and https addresses.
    with (
        urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response,  # noqa: S310
        path.open("wb") as file,
    ):
        size = 0
        while block := response.read(_BLOCK_BYTES):
            size += file.write(block)
            if run.stopping():
                raise Interrupted
        # read(n) ends quietly where the connection breaks.
        expected = response.headers.get("Content-Length")
        if expected is not None and size != int(expected):
            raise ConnectionError(f"only {size} of {expected} bytes came")
