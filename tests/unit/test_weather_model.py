"""The model against theory: planted coefficients, known variances, known skill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.thorough import examples
from tests.unit.synthetic_weather import autoregression, days_of, season, station
from workloads.batch.weather import skill
from workloads.batch.weather.model import Model, fit
from workloads.batch.weather.readings import WeatherError

DECADE = days_of("2001-01-01", "2010-12-31")
SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_season_is_found_within_its_standard_error(seed: int) -> None:
    phi, sigma, n = 0.7, 2.5, len(DECADE)
    model = fit(DECADE, station(DECADE, seed, (phi,), sigma), harmonics=1, order=1)
    # Near frequency zero an AR(1) has the spectrum of noise with this standard deviation.
    slow = sigma / (1 - phi)
    errors = (model.season - [10, -8, 3]) / (slow * np.sqrt([1 / n, 2 / n, 2 / n]))
    assert np.abs(errors).max() < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planted_autoregression_is_found_within_its_standard_error(seed: int) -> None:
    first, second = 0.6, 0.25
    values = station(DECADE, seed, (first, second))
    model = fit(DECADE, values, harmonics=1, order=2)
    error = np.sqrt((1 - second**2) / len(DECADE))
    assert np.abs((model.ar - [first, second]) / error).max() < 4
    assert model.noise[0] == pytest.approx(2.5, rel=4 / np.sqrt(2 * len(DECADE)))


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_do_not_bias_the_fit(seed: int) -> None:
    values = station(DECADE, seed)
    values[np.random.default_rng(seed).random(len(values)) < 0.2] = np.nan
    values[1000:1100] = np.nan
    model = fit(DECADE, values, harmonics=1, order=1)
    pairs = np.count_nonzero(~np.isnan(values[1:] + values[:-1]))
    assert abs(model.ar[0] - 0.7) < 4 * np.sqrt((1 - 0.7**2) / pairs)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_season_of_the_shocks_is_found(seed: int) -> None:
    sizes = 2 + 0.8 * np.cos(2 * np.pi * DECADE / 365.2425)
    values = season(DECADE) + autoregression(len(DECADE), (0.5,), seed, sizes)
    model = fit(DECADE, values, harmonics=1, order=1)
    # Each |shock| tells its size with a relative error of sqrt(pi / 2 - 1) = 0.76.
    error = 0.76 * 2.1 * np.sqrt(2 / len(DECADE))
    assert np.abs((model.noise - [2, 0.8, 0]) / error).max() < 4


def test_a_record_shorter_than_a_year_gets_one_size_of_shock() -> None:
    days = DECADE[:300]
    assert len(fit(days, station(days), harmonics=1, order=1).noise) == 1


def test_the_error_of_an_ar1_grows_as_theory_says() -> None:
    model = Model(np.array([0.0]), np.array([0.8]), np.array([2.0]))
    horizons = np.arange(1, 11)
    expected = 2 * np.sqrt((1 - 0.8 ** (2 * horizons)) / (1 - 0.8**2))
    assert model.deviation(DECADE[:3], 10) == pytest.approx(np.tile(expected, (3, 1)))


def test_a_forecast_without_noise_is_exact() -> None:
    model = Model(np.array([10.0, -8.0, 3.0]), np.array([0.5, 0.3]), np.array([1.0]))
    values = season(DECADE)
    residual = np.zeros(len(DECADE))
    residual[:2] = (4.0, 3.0)
    for t in range(2, len(residual)):
        residual[t] = 0.5 * residual[t - 1] + 0.3 * residual[t - 2]
    ahead = model.ahead(DECADE, values + residual, 5)
    for h in range(1, 6):
        assert ahead[1:-h, h - 1] == pytest.approx((values + residual)[1 + h :])


def test_a_missing_day_is_bridged_by_its_own_forecast() -> None:
    model = Model(np.array([0.0]), np.array([0.5]), np.array([1.0]))
    ahead = model.ahead(DECADE[:4], np.array([8.0, np.nan, np.nan, 6.0]), 1)
    assert ahead[:, 0].tolist() == [4.0, 2.0, 1.0, 3.0]


@settings(max_examples=examples(30), deadline=None)
@given(st.integers(400, 700), st.integers(1, 4), st.integers(1, 7), st.integers(0, 99))
def test_no_forecast_knows_the_future(now: int, order: int, horizon: int, seed: int) -> None:
    days, values = DECADE[:800], station(DECADE[:800], seed)
    model = fit(days[:400], values[:400], harmonics=1, order=order)
    changed = values.copy()
    changed[now + 1 :] = 1e6
    before, after = (model.ahead(days, one, horizon)[: now + 1] for one in (values, changed))
    assert np.array_equal(before, after)


def split_of_years(train: int) -> skill.Split:
    return skill.split_months(DECADE, train=train * 12, validation=12, test=12, end="")


def test_the_split_follows_the_calendar_over_leap_years() -> None:
    days = days_of("2011-12-20", "2016-01-10")
    split = skill.split_months(days, train=24, validation=12, test=12, end="")
    first = days[[split.start, split.validation, split.test]].astype("datetime64[D]")
    assert first.astype(str).tolist() == ["2012-01-01", "2014-01-01", "2015-01-01"]
    assert str(days[split.end - 1].astype("datetime64[D]")) == "2015-12-31"


def test_the_last_month_to_forecast_can_be_chosen() -> None:
    split = skill.split_months(DECADE, train=36, validation=12, test=6, end="2008-02")
    assert str(DECADE[split.test].astype("datetime64[D]")) == "2007-09-01"
    assert str(DECADE[split.end - 1].astype("datetime64[D]")) == "2008-02-29"


def test_a_short_record_trains_on_what_there_is() -> None:
    assert split_of_years(50).start == 0


@pytest.mark.parametrize("end", ["", "2003-03", "2012-01", "2002-12", "1990-01"])
def test_too_little_to_train_on_is_an_error_with_a_hint(end: str) -> None:
    with pytest.raises(WeatherError, match="to train on") as caught:
        skill.split_months(DECADE[:800], train=12, validation=12, test=12, end=end)
    assert "TEST_MONTHS" in caught.value.hint


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_is_chosen_where_it_matters(seed: int) -> None:
    values = station(DECADE, seed, (0.2, 0.6))
    order, errors = skill.choose_order(DECADE, values, split_of_years(8), harmonics=1, max_order=4)
    assert order >= 2
    assert len(errors) == 4
    assert errors[order - 1] == min(errors)


def test_orders_are_compared_on_a_period_that_they_were_not_fitted_to() -> None:
    values, split = station(DECADE, 6), split_of_years(8)
    train = slice(split.start, split.validation)
    model = fit(DECADE[train], values[train], harmonics=1, order=1)
    ahead = model.ahead(DECADE, values, 1)[split.validation - 1 : split.test - 1, 0]
    expected = np.sqrt(np.mean((values[split.validation : split.test] - ahead) ** 2))
    _, errors = skill.choose_order(DECADE, values, split, harmonics=1, max_order=1)
    assert errors[0] == pytest.approx(expected, rel=1e-12)


def test_skill_is_what_theory_says_for_an_ar1() -> None:
    days, phi = days_of("1901-01-01", "2000-12-31"), 0.6
    values = station(days, 3, (phi,))
    split = skill.split_months(days, train=600, validation=12, test=588, end="")
    forecast = skill.forecast(days, values, split, harmonics=1, order=1, horizon=3, level=0.9)
    for score in forecast.scores:
        h = score.horizon
        # MSE: sigma^2 (1 - phi^2h); climatology: sigma^2; persistence: 2 sigma^2 (1 - phi^h).
        assert score.skill_climatology == pytest.approx(phi ** (2 * h), abs=0.02)
        assert score.skill_persistence == pytest.approx((1 - phi**h) / 2, abs=0.02)
        # Errors of neighbouring days share h - 1 shocks: fewer independent days than counted.
        tolerance = 4 * np.sqrt(0.9 * 0.1 / (score.days / h))
        assert score.coverage == pytest.approx(0.9, abs=tolerance)


def test_errors_that_the_model_explains_leave_no_autocorrelation() -> None:
    values = station(DECADE, 2)
    split = split_of_years(8)
    forecast = skill.forecast(DECADE, values, split, harmonics=1, order=1, horizon=1, level=0.9)
    errors = forecast.observed - forecast.mean[:, 0]
    assert np.abs(skill.autocorrelation(errors, 10)).max() < 4 / np.sqrt(len(errors))
    # ... while the climatology's errors keep the planted one.
    left = skill.autocorrelation(forecast.observed - forecast.climatology, 1)[0]
    assert left == pytest.approx(0.7, abs=0.15)


def test_nothing_is_learnt_from_the_held_out_period() -> None:
    values, split = station(DECADE, 4), split_of_years(8)
    changed = values.copy()
    changed[split.test :] += 100
    orders, models = [], []
    for one in (values, changed):
        orders.append(skill.choose_order(DECADE, one, split, harmonics=1, max_order=3))
        forecast = skill.forecast(DECADE, one, split, harmonics=1, order=2, horizon=1, level=0.9)
        models.append(forecast.model)
    assert orders[0] == orders[1]
    for name in ("season", "ar", "noise"):
        assert np.array_equal(getattr(models[0], name), getattr(models[1], name))


def test_every_horizon_is_scored_on_the_same_days() -> None:
    values = station(DECADE, 4)
    forecast = skill.forecast(
        DECADE, values, split_of_years(8), harmonics=1, order=1, horizon=7, level=0.9
    )
    assert [score.days for score in forecast.scores] == [365] * 7


def test_a_test_period_without_observations_is_an_error_with_a_hint() -> None:
    values = station(DECADE, 4)
    split = split_of_years(8)
    values[split.test :] = np.nan
    with pytest.raises(WeatherError, match="only 0 days of the test period"):
        skill.forecast(DECADE, values, split, harmonics=1, order=1, horizon=7, level=0.9)


def test_a_validation_period_without_observations_is_an_error_with_a_hint() -> None:
    values = station(DECADE, 4)
    split = split_of_years(8)
    values[split.validation : split.test] = np.nan
    with pytest.raises(WeatherError, match="validation period has no day"):
        skill.choose_order(DECADE, values, split, harmonics=1, max_order=2)


def test_too_many_gaps_to_fit_are_an_error_that_names_the_setting() -> None:
    values = station(DECADE, 4)
    values[::4] = np.nan
    fit(DECADE, values, harmonics=1, order=2)
    with pytest.raises(WeatherError, match="the 3 before them") as caught:
        fit(DECADE, values, harmonics=1, order=3)
    assert "MAX_ORDER" in caught.value.hint


def test_the_interval_of_a_skill_covers_the_true_one_as_often_as_it_says() -> None:
    # AR(1) against climatology: the true 1-day skill is ar^2. 200 independent test years.
    ar, inside = 0.6, 0
    for seed in range(200):
        residuals = autoregression(366, (ar,), seed)
        model = np.square(residuals[1:] - ar * residuals[:-1])
        found = skill.skill_interval(model, np.square(residuals[1:]))
        inside += found.low <= ar**2 <= found.high
    assert 0.86 <= inside / 200 <= 0.99


def test_no_skill_is_not_taken_for_skill() -> None:
    # Two methods that are equally good: the lower end is above 0 in about one of forty.
    random = np.random.default_rng(1)
    lucky = 0
    for _ in range(200):
        model, reference = np.square(random.normal(size=(2, 365)))
        lucky += skill.skill_interval(model, reference).low > 0
    assert lucky <= 15


DEGENERATE = st.one_of(
    st.just(np.full(900, 11.1)),
    st.just(season(np.arange(900))),
    st.just(np.arange(900) / 100),
    st.just(np.tile([1.0, 2.0], 450)),
    st.just(np.tile([1.0, 2.0, 4.0, 1.5], 225)),
    st.just(np.where(np.arange(900) < 850, 5.0, 6.0)),
    st.just(np.where(np.arange(900) % 400, 0.0, 0.1)),
    st.integers(0, 99).map(lambda seed: station(np.arange(900), seed)),
    st.integers(0, 99).map(lambda seed: np.round(station(np.arange(900), seed) / 10)),
)
GAPS = st.lists(st.tuples(st.integers(0, 899), st.integers(1, 500)), max_size=4)


@settings(max_examples=examples(150), deadline=None)
@given(
    values=DEGENERATE,
    gaps=GAPS,
    order=st.integers(1, 30),
    harmonics=st.integers(0, 6),
    horizon=st.integers(1, 30),
    months=st.tuples(st.integers(7, 36), st.integers(1, 4), st.integers(1, 4)),
)
def test_a_degenerate_record_ends_in_scores_or_in_words(
    values: np.ndarray,
    gaps: list[tuple[int, int]],
    order: int,
    harmonics: int,
    horizon: int,
    months: tuple[int, int, int],
) -> None:
    values, days = values.copy(), np.arange(900)
    for first, length in gaps:
        values[first : first + length] = np.nan
    train, validation, test = months
    try:
        split = skill.split_months(days, train=train, validation=validation, test=test, end="")
        chosen, _ = skill.choose_order(days, values, split, harmonics=harmonics, max_order=order)
        found = skill.forecast(
            days, values, split, harmonics=harmonics, order=chosen, horizon=horizon, level=0.9
        )
    except WeatherError:
        return
    for score in found.scores:
        for name in ("rmse", "rmse_persistence", "rmse_climatology", "coverage", "width"):
            assert np.isfinite(getattr(score, name)), name
        for kind in ("skill_persistence", "skill_climatology"):
            interval = getattr(score, f"{kind}_interval")
            assert interval.low <= interval.high
            assert np.isfinite([interval.low, interval.high, getattr(score, kind)]).all()
    skill.autocorrelation(found.observed - found.mean[:, 0], lags=20)
