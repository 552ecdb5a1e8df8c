"""Daily sales: each analysis on series whose answer is known."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from workloads.batch.ecommerce.analysis import year_on_year
from workloads.batch.ecommerce.orders import Calendar
from workloads.batch.ecommerce.trend import (
    Decomposition,
    Sales,
    change,
    find_anomalies,
)

CALENDAR = Calendar(date(2024, 11, 24), 730)
WEEKDAYS = np.array([0.1, 0.0, -0.1, 0.05, -0.05, 0.2, -0.2])
PROMOTED = np.isin(np.arange(730) // 10, [5, 30, 61])


def daily_orders(level: float = 1e6) -> np.ndarray:
    """Orders without noise: growth 0.1, amplitude 0.2 on day 300 of the year, uplift 1.5."""
    log = 0.1 * CALENDAR.years() + WEEKDAYS[CALENDAR.weekdays()]
    log += 0.2 * np.cos(CALENDAR.year_angle() - 2 * np.pi * 300 / 365.25)
    return np.rint(level * np.exp(log + np.log(1.5) * PROMOTED)).astype(np.int64)


def test_a_moving_average_is_the_mean_of_the_last_days() -> None:
    week = np.array([1, 2, 6, 9, 3, 0, 7, 14])
    np.testing.assert_allclose(Sales.of(week).average_7, [*[np.nan] * 6, 4, 41 / 7])


def test_a_change_compares_with_an_earlier_day_where_there_is_one() -> None:
    changes = change(pd.Series([np.nan, 0.0, 4.0, 5.0, 6.0, np.nan, 3.0]), 2)
    np.testing.assert_allclose(changes, [*[np.nan] * 4, 0.5, np.nan, -0.5])


def test_growth_compares_equal_weekdays() -> None:
    weekly = np.tile([10, 20, 30, 40, 50, 60, 70], 105)
    weekly[-7:] *= 2
    sales = Sales.of(weekly)
    assert sales.week_on_week[-1] == pytest.approx(1.0)
    assert sales.week_on_week[-8] == pytest.approx(0.0)
    assert sales.year_on_year[-1] == pytest.approx(0.25)  # one week of four has doubled
    assert np.isnan(sales.year_on_year[: 28 + 364 - 1]).all()
    assert sales.year_on_year[28 + 364 - 1] == pytest.approx(0.0)


def test_a_series_without_noise_is_taken_apart_exactly() -> None:
    found = Decomposition.of(daily_orders(), PROMOTED, CALENDAR)
    assert found.growth == pytest.approx(0.1, abs=1e-5)
    assert found.annual_amplitude == pytest.approx(0.2, abs=1e-5)
    assert found.uplift == pytest.approx(1.5, abs=1e-5)
    np.testing.assert_allclose(found.weekday_effects, WEEKDAYS, atol=1e-5)
    assert found.weekday_effects.sum() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(found.expected, daily_orders(), rtol=1e-5)


def test_the_parts_add_up_to_the_orders() -> None:
    orders = np.random.default_rng(1).poisson(daily_orders(500))
    found = Decomposition.of(orders, PROMOTED, CALENDAR)
    total = found.trend + found.weekday + found.annual + found.promotion + found.remainder
    np.testing.assert_allclose(np.exp(total), orders)


def test_wild_days_bend_neither_trend_nor_season() -> None:
    orders = daily_orders()
    orders[[3, 100, 101, 650]] *= 10
    found = Decomposition.of(orders, PROMOTED, CALENDAR)
    assert found.growth == pytest.approx(0.1, abs=1e-4)
    assert found.annual_amplitude == pytest.approx(0.2, abs=1e-4)
    assert [(a.day, round(a.factor, 2)) for a in find_anomalies(found)] == [
        (3, 10.0),
        (100, 10.0),
        (101, 10.0),
        (650, 10.0),
    ]


def test_without_promotions_there_is_no_uplift() -> None:
    nothing = np.zeros(730, dtype=bool)
    orders = np.where(PROMOTED, daily_orders() / 1.5, daily_orders()).astype(np.int64)
    assert np.isnan(Decomposition.of(orders, nothing, CALENDAR).uplift)


@pytest.mark.parametrize(("days", "seasonal"), [(727, False), (728, True)])
def test_growth_and_season_need_two_years_to_be_told_apart(days: int, *, seasonal: bool) -> None:
    found = Decomposition.of(daily_orders()[:days], PROMOTED[:days], Calendar(CALENDAR.start, days))
    assert np.isfinite(found.growth) == np.isfinite(found.annual_amplitude) == seasonal
    assert found.annual.any() == seasonal


@pytest.mark.parametrize(("days", "told"), [(540, False), (727, False), (728, True)])
def test_a_year_is_compared_with_a_whole_year_or_not_at_all(days: int, *, told: bool) -> None:
    change = year_on_year(np.repeat([100, 150], [days - 364, 364]))
    assert change == pytest.approx(0.5) if told else np.isnan(change)


def test_a_day_without_orders_is_an_anomaly_and_not_an_error() -> None:
    orders = daily_orders(1000)
    orders[200] = 0
    (anomaly,) = find_anomalies(Decomposition.of(orders, PROMOTED, CALENDAR))
    assert anomaly.day == 200
    assert anomaly.z < -20


@pytest.mark.parametrize("level", [100, 1_000, 100_000])
def test_ordinary_noise_raises_no_alarm_and_z_has_unit_deviation(level: float) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        orders = rng.poisson(daily_orders(level) * np.exp(rng.normal(0, 0.03, 730)))
        found = Decomposition.of(orders, PROMOTED, CALENDAR)
        assert find_anomalies(found) == ()
        assert found.z.std() == pytest.approx(1, abs=0.2)


def test_a_busy_day_scatters_less_than_a_quiet_one() -> None:
    orders = np.random.default_rng(1).poisson(daily_orders(200))
    found = Decomposition.of(orders, PROMOTED, CALENDAR)
    assert found.noise[found.expected.argmax()] < 0.9 * found.noise[found.expected.argmin()]
