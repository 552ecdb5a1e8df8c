"""The workload: read, check, forecast, judge and draw, one station after the other."""

import gc
from collections.abc import Mapping
from typing import Any, cast

from attrs import frozen

from toolkit.runtime import Gate, Interrupted, Json, Result, Run
from workloads.batch.weather import quality, skill, sources
from workloads.batch.weather.readings import ELEMENTS, Readings, Station, WeatherError
from workloads.batch.weather.report import Report


@frozen
class Settings:
    """The settings of the catalog, typed; each field is the variable's name in lower case."""

    source: str
    station: str
    station_url: str
    element: str
    train_months: int
    validation_months: int
    test_months: int
    test_end: str
    harmonics: int
    max_order: int
    horizon: int
    level: float
    min_skill_persistence: float
    min_skill_climatology: float
    max_coverage_error: float

    @property
    def stations(self) -> tuple[str, ...]:
        """The stations' ids, in the order given, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.station.split(",")))


def run(settings: Mapping[str, Json], run: Run) -> Result:
    """Write observations, forecasts, metrics and a picture of every station in the settings.

    Raises:
        WeatherError: When a station cannot be read or its record is too short.
        Interrupted: When the run was asked to stop; what was done by then is saved.
    """
    chosen = Settings(**cast("dict[str, Any]", settings))
    report = Report(run, source=chosen.source, element=chosen.element)
    for name in chosen.stations:
        try:
            station = _observe(name, chosen, run)
        except Interrupted:
            raise Interrupted(report.save()) from None
        report.add_observations(station)
        _stop_if_asked(run, report)
        forecast = _forecast(station, chosen, run)
        report.add_forecast(station, forecast, _gates(name, forecast, chosen))
        _stop_if_asked(run, report)
        _draw(station, forecast, chosen, run)
    return report.save()


def _stop_if_asked(run: Run, report: Report) -> None:
    if run.stopping():
        raise Interrupted(report.save())


def _observe(name: str, settings: Settings, run: Run) -> Station:
    raw = sources.read(settings.source, name, url=settings.station_url, run=run)
    run.event("weather.parsed", station=name, source=settings.source, unreadable=raw.unreadable)
    station = quality.check(raw)
    rows, rejected = quality.total(station)
    run.event("weather.checked", station=name, rows=rows, rejected=rejected)
    return station


def _forecast(station: Station, settings: Settings, run: Run) -> skill.Forecast:
    days, values = quality.daily(_series_for(settings.element, station), settings.element)
    split = skill.split_months(
        days,
        train=settings.train_months,
        validation=settings.validation_months,
        test=settings.test_months,
        end=settings.test_end,
    )
    order, errors = skill.choose_order(
        days, values, split, harmonics=settings.harmonics, max_order=settings.max_order
    )
    run.event("weather.fitted", station=station.id, order=order, rmse=round(min(errors), 4))
    forecast = skill.forecast(
        days,
        values,
        split,
        harmonics=settings.harmonics,
        order=order,
        horizon=settings.horizon,
        level=settings.level,
    )
    first = forecast.scores[0]
    run.event(
        "weather.scored",
        station=station.id,
        rmse=round(first.rmse, 4),
        skill_persistence=round(first.skill_persistence, 4),
        skill_climatology=round(first.skill_climatology, 4),
        coverage=round(first.coverage, 4),
    )
    return forecast


def _series_for(code: str, station: Station) -> Readings:
    """The series that the daily ``code`` is taken or made from; it has good readings."""
    for series in station.series:
        if series.element.code in (code, "TEMP") and series.good.any():
            return series
    raise WeatherError(
        f"station {station.id} has no good {ELEMENTS[code].label}",
        hint="choose another ELEMENT or STATION",
    )


def _gates(name: str, forecast: skill.Forecast, settings: Settings) -> tuple[Gate, ...]:
    """What the first day of the forecast must reach at every station."""
    first = forecast.scores[0]
    rules = (
        ("skill over persistence", first.skill_persistence, ">=", settings.min_skill_persistence),
        ("skill over climatology", first.skill_climatology, ">=", settings.min_skill_climatology),
        ("coverage error", abs(first.coverage - settings.level), "<=", settings.max_coverage_error),
    )
    return tuple(Gate(f"{name} 1-day {what}", value, op, limit) for what, value, op, limit in rules)


def _draw(station: Station, forecast: skill.Forecast, settings: Settings, run: Run) -> None:
    from workloads.batch.weather.plot import draw

    picture = draw(station, forecast, settings.element, settings.level)
    first = station.id == settings.stations[0]
    file = "weather.png" if first else f"weather-{station.id}.png"
    run.save(file, picture, media_type="image/png")
    gc.collect()  # a figure is a web of cycles: the figures of many stations would pile up
