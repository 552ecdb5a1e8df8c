"""The workload: read, check, forecast, judge and draw, one station after the other."""

import gc
from collections.abc import Mapping
from typing import Any, cast

from attrs import frozen

from toolkit.runtime import Gate, Interrupted, Json, Result, Run
from workloads.batch.weather import quality, skill, sources
from workloads.batch.weather.download import Downloader
from workloads.batch.weather.readings import (
    ELEMENTS,
    Floats,
    Readings,
    Slots,
    Station,
    WeatherError,
)
from workloads.batch.weather.report import Report


@frozen
class Settings:
    """The settings of the catalog, typed; each field is the variable's name in lower case."""

    source: str
    station: str
    station_url: str
    fetch_seconds: float
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
    max_rejected_share: float
    max_absent_share: float
    max_unreadable_share: float

    @property
    def stations(self) -> tuple[str, ...]:
        """The stations' ids, in the order given, each once."""
        return tuple(dict.fromkeys(name.strip() for name in self.station.split(",")))


def run(settings: Mapping[str, Json], run: Run) -> Result:
    """Write observations, forecasts, metrics and a picture of every station in the settings.

    Raises:
        WeatherError: When a station cannot be read or its record is too short; what the others
            gave is saved.
        Interrupted: When the run was asked to stop; what was done by then is saved.
    """
    chosen = Settings(**cast("dict[str, Any]", settings))
    report = Report(run, source=chosen.source, element=chosen.element)
    downloader = Downloader(run, chosen.fetch_seconds)
    for name in chosen.stations:
        try:
            _study(name, chosen, run, report, downloader)
        except WeatherError as error:
            run.event("station.failed", station=name, error=error.message, hint=error.hint)
            report.add_failure(name, error)
        except Interrupted:
            raise Interrupted(report.save()) from None
    result = report.save()
    if report.failure is not None:
        report.failure.result = result
        raise report.failure
    return result


def _study(name: str, chosen: Settings, run: Run, report: Report, downloader: Downloader) -> None:
    station = _observe(name, chosen, run, downloader)
    report.add_observations(station)
    _stop_if_asked(run)
    readings = _series_for(chosen.element, station)
    days, values = quality.daily(readings, chosen.element)
    forecast = _forecast(name, days, values, chosen, run)
    shares = quality.Shares.of(station, readings, values)
    report.add_forecast(station, forecast, _gates(name, forecast, shares, chosen))
    _stop_if_asked(run)
    _draw(station, forecast, chosen, run)


def _stop_if_asked(run: Run) -> None:
    if run.stopping():
        raise Interrupted


def _observe(name: str, settings: Settings, run: Run, downloader: Downloader) -> Station:
    raw = sources.read(settings.source, name, url=settings.station_url, downloader=downloader)
    run.event("weather.parsed", station=name, source=settings.source, unreadable=raw.unreadable)
    station = quality.check(raw)
    rows, rejected = quality.total(station)
    run.event("weather.checked", station=name, rows=rows, rejected=rejected)
    return station


def _forecast(
    name: str, days: Slots, values: Floats, settings: Settings, run: Run
) -> skill.Forecast:
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
    run.event("weather.fitted", station=name, order=order, rmse=round(min(errors), 4))
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
        station=name,
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


def _gates(
    name: str, forecast: skill.Forecast, shares: quality.Shares, settings: Settings
) -> tuple[Gate, ...]:
    """What every station must reach: skill beyond chance, honest intervals, a sound record."""
    first = forecast.scores[0]
    persistent, usual = first.skill_persistence_interval, first.skill_climatology_interval
    coverage = max(abs(score.coverage - settings.level) for score in forecast.scores)
    skill_over = "1-day skill, lower end, over"
    rules = (
        (f"{skill_over} persistence", persistent.low, ">=", settings.min_skill_persistence),
        (f"{skill_over} climatology", usual.low, ">=", settings.min_skill_climatology),
        ("coverage error, worst horizon", coverage, "<=", settings.max_coverage_error),
        ("share of readings rejected", shares.rejected, "<=", settings.max_rejected_share),
        ("share of days absent", shares.absent, "<=", settings.max_absent_share),
        ("share of lines unreadable", shares.unreadable, "<=", settings.max_unreadable_share),
    )
    return tuple(Gate(f"{name} {what}", value, op, limit) for what, value, op, limit in rules)


def _draw(station: Station, forecast: skill.Forecast, settings: Settings, run: Run) -> None:
    from workloads.batch.weather.plot import draw

    picture = draw(station, forecast, settings.element, settings.level, run.origin)
    first = station.id == settings.stations[0]
    file = "weather.png" if first else f"weather-{station.id}.png"
    run.save(file, picture, media_type="image/png")
    gc.collect()  # a figure is a web of cycles: the figures of many stations would pile up
