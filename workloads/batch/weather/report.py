"""What the run leaves behind: two tables, grown on scratch station by station, and the metrics."""

import json
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from attrs import asdict

from toolkit.runtime import Gate, Json, Result, Run
from workloads.batch.weather import quality, skill
from workloads.batch.weather.readings import Flag, Floats, Station, WeatherError
from workloads.batch.weather.skill import Forecast, Interval, Score

_HEADERS = {
    "observations.csv": "station,time,element,value,unit,flag",
    "forecast.csv": "station,date,horizon,forecast,low,high,climatology,observed",
}


class Report:
    """Collects the results of one station after the other; memory does not grow with the tables."""

    def __init__(self, run: Run, *, source: str, element: str) -> None:
        self._run = run
        self._rows = dict.fromkeys(_HEADERS, 0)
        self._about: dict[str, Json] = {"source": source, "element": element}
        self._stations: dict[str, Json] = {}
        self._gates: list[Gate] = []
        self._failures: dict[str, WeatherError] = {}
        for name, header in _HEADERS.items():
            (run.scratch / name).write_text(header + "\n", encoding="utf-8")

    def add_observations(self, station: Station) -> None:
        """Every reading of the station with its flag; a blank flag is a good reading."""
        self._append("observations.csv", _observations(station))
        self._stations[station.id] = {
            "name": station.name,
            "provenance": station.provenance,
            "unreadable_lines": station.unreadable,
            "readings": {series.element.code: quality.tally(series) for series in station.series},
        }

    def add_forecast(self, station: Station, forecast: Forecast, gates: Iterable[Gate]) -> None:
        """The held-out period's forecasts with intervals, the model and its scores."""
        self._append("forecast.csv", [_forecasts(station, forecast)])
        described = self._stations[station.id]
        assert isinstance(described, dict)
        errors = forecast.observed - forecast.mean[:, 0]
        described["model"] = _describe(forecast)
        described["error_autocorrelation"] = _rounded(skill.autocorrelation(errors, lags=7))
        described["scores"] = [_score(score) for score in forecast.scores]
        self._gates.extend(gates)

    def add_failure(self, station: str, error: WeatherError) -> None:
        """Why a station has no forecast, beside what is known of it."""
        self._failures[station] = error
        described = self._stations.setdefault(station, {})
        assert isinstance(described, dict)
        described["error"] = str(error)

    @property
    def failure(self) -> WeatherError | None:
        """One error for all stations that have no forecast."""
        if len(self._failures) < 2:
            return next(iter(self._failures.values()), None)
        lines = [f"{name}: {error.message}" for name, error in self._failures.items()]
        hints = dict.fromkeys(error.hint for error in self._failures.values())
        return WeatherError("\n".join(lines), hint="; ".join(hints))

    def save(self) -> Result:
        """Persist the tables and the metrics, whole or partial."""
        for name, rows in self._rows.items():
            self._run.save(name, self._run.scratch / name, media_type="text/csv", rows=rows)
        metrics = self._about | {"stations": self._stations}
        content = json.dumps(metrics, indent=1, allow_nan=False).encode() + b"\n"
        self._run.save("metrics.json", content, media_type="application/json")
        return Result(metrics, tuple(self._gates))

    def _append(self, name: str, frames: Iterable[pd.DataFrame]) -> None:
        with (self._run.scratch / name).open("a", newline="", encoding="utf-8") as file:
            for frame in frames:
                frame.to_csv(
                    file, header=False, index=False, float_format="%.2f", lineterminator="\n"
                )
                self._rows[name] += len(frame)


def _observations(station: Station) -> Iterator[pd.DataFrame]:
    labels = np.array([flag.label for flag in Flag], dtype=object)
    for series in station.series:
        yield pd.DataFrame(
            {
                "station": station.id,
                "time": series.times().astype(str),
                "element": series.element.code,
                "value": series.values,
                "unit": series.element.unit,
                "flag": labels[series.flags],
            }
        )


def _forecasts(station: Station, forecast: Forecast) -> pd.DataFrame:
    days, horizons = forecast.mean.shape
    return pd.DataFrame(
        {
            "station": station.id,
            "date": np.repeat(forecast.days.astype("datetime64[D]").astype(str), horizons),
            "horizon": np.tile(np.arange(1, horizons + 1), days),
            "forecast": forecast.mean.ravel(),
            "low": forecast.low.ravel(),
            "high": forecast.high.ravel(),
            "climatology": np.repeat(forecast.climatology, horizons),
            "observed": np.repeat(forecast.observed, horizons),
        }
    )


def _describe(forecast: Forecast) -> Json:
    model = forecast.model
    return {
        "order": len(model.ar),
        "season": _rounded(model.season),
        "ar": _rounded(model.ar),
        "noise": _rounded(model.noise),
        "test_start": str(forecast.days[0].astype("datetime64[D]")),
        "test_end": str(forecast.days[-1].astype("datetime64[D]")),
    }


def _rounded(values: Floats) -> Json:
    return [None if np.isnan(value) else round(value, 6) for value in values.tolist()]


def _score(score: Score) -> Json:
    return {
        name: [round(value.low, 6), round(value.high, 6)]
        if isinstance(value, Interval)
        else round(value, 6)
        for name, value in asdict(score, recurse=False).items()
    }
