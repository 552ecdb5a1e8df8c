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
MIN_SCORED_DAYS = 20
# Errors of neighbouring days resemble each other; those two weeks apart do not any more.
BLOCK_DAYS = 14
_RESAMPLES = 2000
_CONFIDENCE = 0.95
_EXACT = 1e-12  # a sum of squared errors that is nothing but rounding


@frozen
class Split:
    """Half-open positions in the daily series: train, validate, test, one after the other."""

    start: int
    validation: int
    test: int
    end: int


@frozen
class Interval:
    """What a share of the resampled test periods agree on."""

    low: float
    high: float


@frozen
class Score:
    """How forecasts of ``horizon`` days did over ``days`` days; errors in the element's unit.

    ``coverage`` is the share of days inside the forecast interval, ``width`` its mean width. The
    skill is the share of the squared error of "as today" (persistence) or of "as usual for the
    date" (climatology) that the model saves, with its 95 % interval.
    """

    horizon: int
    days: int
    rmse: float
    rmse_persistence: float
    rmse_climatology: float
    coverage: float
    width: float
    skill_persistence: float
    skill_climatology: float
    skill_persistence_interval: Interval
    skill_climatology_interval: Interval


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
    days = int(usable.sum())
    if days < MIN_SCORED_DAYS:
        raise WeatherError(
            f"only {days} days of the test period can be scored {horizon} days ahead; the least is "
            f"{MIN_SCORED_DAYS}",
            hint="raise TEST_MONTHS, lower HORIZON, set TEST_END to a month before the gap, or "
            "choose another station",
        )
    squares = {
        "the model": np.square(observed - mean)[usable],
        "persistence": np.square(observed - persistence)[usable],
        "climatology": np.square(observed - climatology)[usable],
    }
    model, persistent, usual = squares.values()
    for name, reference in (("persistence", persistent), ("climatology", usual)):
        if not reference.sum() > _EXACT:
            raise WeatherError(
                f"{name} is exact {horizon} days ahead: there is nothing to improve on",
                hint="is every reading of this record the same?",
            )
    rmse, rmse_persistence, rmse_climatology = (
        float(np.sqrt(square.mean())) for square in squares.values()
    )
    observed, mean, half = observed[usable], mean[usable], half[usable]
    return Score(
        horizon=horizon,
        days=days,
        rmse=rmse,
        rmse_persistence=rmse_persistence,
        rmse_climatology=rmse_climatology,
        coverage=float(np.mean(np.abs(observed - mean) <= half)),
        width=float(2 * np.mean(half)),
        skill_persistence=1 - (rmse / rmse_persistence) ** 2,
        skill_climatology=1 - (rmse / rmse_climatology) ** 2,
        skill_persistence_interval=skill_interval(model, persistent),
        skill_climatology_interval=skill_interval(model, usual),
    )


def skill_interval(model: Floats, reference: Floats) -> Interval:
    """The 95 % interval of 1 - mean(model) / mean(reference), by the circular block bootstrap.

    Whole blocks of BLOCK_DAYS are drawn, with their days in order, so that what neighbouring days
    have in common stays (Politis and Romano 1992); both series lose and win the same days.
    """
    days = len(model)
    length = min(BLOCK_DAYS, days)
    random = np.random.default_rng(days)  # the same record, the same interval
    first = random.integers(days, size=(_RESAMPLES, -(-days // length)))
    sums = [
        _circular_sums(squares, length)[first].sum(axis=1, dtype=np.float64)
        for squares in (model, reference)
    ]
    if not (sums[1] > _EXACT).all():
        raise WeatherError(
            "the reference is exact in most weeks of the test period: a skill has no interval",
            hint="are most readings of this record the same?",
        )
    skills = 1 - sums[0] / sums[1]
    low, high = np.quantile(skills, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def _circular_sums(values: Floats, length: int) -> Floats:
    """The sum of ``length`` values from each one on; the end is followed by the start."""
    ends = np.cumsum(np.concatenate([[0.0], values, values[: length - 1]]))
    sums: Floats = ends[length:] - ends[:-length]
    return sums


def _nothing_observed(period: str) -> WeatherError:
    return WeatherError(
        f"the {period} period has no day with an observation",
        hint="set TEST_END to a month before the gap, or choose another station",
    )


def _rms(errors: Floats) -> float:
    errors = errors[~np.isnan(errors)]
    return float(np.sqrt(np.mean(np.square(errors)))) if len(errors) else float("nan")


def autocorrelation(errors: Floats, lags: int) -> Floats:
    """Autocorrelation at lags 1 to ``lags``; pairs with a missing error are left out.

    NaN for a lag that no pair of days is apart, and for errors that are all the same.
    """
    centred = errors - np.nanmean(errors)
    variance = np.nanmean(centred**2)
    found = np.full(lags, np.nan)
    for lag in range(1, min(lags, len(errors) - 1) + 1):
        products = centred[lag:] * centred[:-lag]
        if variance > 0 and not np.isnan(products).all():
            found[lag - 1] = np.nanmean(products) / variance
    return found
