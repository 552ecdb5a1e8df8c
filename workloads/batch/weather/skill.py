"""Judging the model: choose its order on a validation period, then forecast a held-out one.

Every forecast for a day uses only what was observed up to ``h`` days before it, and every method is
scored on the same days: skill = 1 - MSE / MSE of the reference.
"""

from statistics import NormalDist

import numpy as np
from attrs import frozen

from workloads.batch.weather.model import Model, fit
from workloads.batch.weather.readings import Floats, Slots, WeatherError

MIN_TRAINING_DAYS = 200


@frozen
class Split:
    """Half-open positions in the daily series: train, validate, test, one after the other."""

    start: int
    validation: int
    test: int
    end: int


@frozen
class Score:
    """How forecasts of ``horizon`` days did over ``days`` days; errors in the element's unit.

    ``coverage`` is the share of days inside the forecast interval, ``width`` its mean width.
    """

    horizon: int
    days: int
    rmse: float
    rmse_persistence: float
    rmse_climatology: float
    coverage: float
    width: float

    @property
    def skill_persistence(self) -> float:
        """Share of the squared error of "as today" that the model saves."""
        return 1 - (self.rmse / self.rmse_persistence) ** 2

    @property
    def skill_climatology(self) -> float:
        """Share of the squared error of "as usual for the date" that the model saves."""
        return 1 - (self.rmse / self.rmse_climatology) ** 2


@frozen(eq=False)
class Forecast:
    """The held-out period: row i is ``days[i]``, column h - 1 was forecast h days before it."""

    days: Slots
    observed: Floats
    climatology: Floats
    mean: Floats
    low: Floats
    high: Floats
    scores: tuple[Score, ...]
    model: Model


def split_months(days: Slots, *, train: int, validation: int, test: int, end: str) -> Split:
    """Split consecutive days into whole months, the last one ``end`` (YYYY-MM, or the last whole).

    Raises:
        WeatherError: When too few days are left to train on.
    """
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    tomorrow = (days[-1:] + 1).astype("datetime64[D]").astype("datetime64[M]")[0]
    last = np.datetime64(end, "M") if end else tomorrow - 1
    edges = last + 1 - np.cumsum([0, test, validation, train])
    stop, tested, validated, started = (int(i) for i in np.searchsorted(months, edges))
    recorded = last < tomorrow and edges[2] > months[0]
    if not recorded or validated - started < MIN_TRAINING_DAYS:
        raise WeatherError(
            f"{days[0].astype('datetime64[D]')} to {days[-1].astype('datetime64[D]')} leaves "
            f"{max(validated - started, 0)} days to train on, before {validation} months of "
            f"validation and {test} of test up to {last}; the least is {MIN_TRAINING_DAYS}",
            hint="lower VALIDATION_MONTHS and TEST_MONTHS, change TEST_END or choose a station "
            "with a longer record",
        )
    return Split(started, validated, tested, stop)


def choose_order(
    days: Slots, values: Floats, split: Split, *, harmonics: int, max_order: int
) -> tuple[int, tuple[float, ...]]:
    """The order with the least 1-day error on the validation period, and the error of each."""
    errors = tuple(
        _validation_rmse(days, values, split, harmonics=harmonics, order=order)
        for order in range(1, max_order + 1)
    )
    if np.isnan(errors).any():
        raise _nothing_observed("validation")
    return 1 + int(np.argmin(errors)), errors


def forecast(
    days: Slots,
    values: Floats,
    split: Split,
    *,
    harmonics: int,
    order: int,
    horizon: int,
    level: float,
) -> Forecast:
    """Fit on train + validation, then forecast every day of the test period from each horizon."""
    known, test = slice(split.start, split.test), slice(split.test, split.end)
    model = fit(days[known], values[known], harmonics=harmonics, order=order)
    mean = _by_target(model.ahead(days, values, horizon))[test]
    half = NormalDist().inv_cdf(0.5 + level / 2) * model.deviation(days[test], horizon)
    persistence = _by_target(np.repeat(values[:, None], horizon, axis=1))[test]
    observed, climatology = values[test], model.climatology(days[test])
    scores = tuple(
        _score(h + 1, observed, mean[:, h], half[:, h], persistence[:, h], climatology)
        for h in range(horizon)
    )
    return Forecast(
        days[test], observed, climatology, mean, mean - half, mean + half, scores, model
    )


def _validation_rmse(
    days: Slots, values: Floats, split: Split, *, harmonics: int, order: int
) -> float:
    train, validation = slice(split.start, split.validation), slice(split.validation, split.test)
    model = fit(days[train], values[train], harmonics=harmonics, order=order)
    mean = _by_target(model.ahead(days, values, 1))[validation, 0]
    return _rms(values[validation] - mean)


def _by_target(by_origin: Floats) -> Floats:
    """Move each column h - 1 down by h, so that rows are the days forecast, not the days made."""
    by_target = np.full_like(by_origin, np.nan)
    for h in range(1, by_origin.shape[1] + 1):
        by_target[h:, h - 1] = by_origin[:-h, h - 1]
    return by_target


def _score(
    horizon: int,
    observed: Floats,
    mean: Floats,
    half: Floats,
    persistence: Floats,
    climatology: Floats,
) -> Score:
    usable = ~np.isnan(observed + mean + persistence)
    if not usable.any():
        raise _nothing_observed("test")
    observed, mean, half = observed[usable], mean[usable], half[usable]
    return Score(
        horizon=horizon,
        days=int(usable.sum()),
        rmse=_rms(observed - mean),
        rmse_persistence=_rms(observed - persistence[usable]),
        rmse_climatology=_rms(observed - climatology[usable]),
        coverage=float(np.mean(np.abs(observed - mean) <= half)),
        width=float(2 * np.mean(half)),
    )


def _nothing_observed(period: str) -> WeatherError:
    return WeatherError(
        f"the {period} period has no day with an observation",
        hint="set TEST_END to a month before the gap, or choose another station",
    )


def _rms(errors: Floats) -> float:
    errors = errors[~np.isnan(errors)]
    return float(np.sqrt(np.mean(np.square(errors)))) if len(errors) else float("nan")


def autocorrelation(errors: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 1 to ``lags``; pairs with a missing error are left out."""
    centred = errors - np.nanmean(errors)
    variance = np.nanmean(centred**2)
    return np.array(
        [np.nanmean(centred[lag:] * centred[:-lag]) / variance for lag in range(1, lags + 1)]
    )
