"""The synthetic order log against the theory that it is drawn from."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest
from attrs import fields

from tests.unit.ecommerce_samples import CALENDAR
from workloads.batch.ecommerce.generator import stream
from workloads.batch.ecommerce.market import MAX_CUSTOMERS, PRODUCTS, Market
from workloads.batch.ecommerce.orders import CATEGORIES, PERIOD_DAYS, Orders

ORDERS = 400_000
COLUMNS = [column.name for column in fields(Orders)]


def log_of(market: Market, orders: int, chunk_orders: int) -> Orders:
    chunks = list(stream(market, orders, chunk_orders))
    return Orders(*(np.concatenate([getattr(c, name) for c in chunks]) for name in COLUMNS))


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.draw(CALENDAR, 7)


@pytest.fixture(scope="module")
def log(market: Market) -> Orders:
    return log_of(market, ORDERS, 50_000)


def test_the_log_has_exactly_the_orders_asked_for_in_the_order_of_time(log: Orders) -> None:
    assert len(log) == ORDERS
    assert (np.diff(log.day) >= 0).all()
    assert log.day[0] == 0
    assert log.day[-1] == CALENDAR.days - 1


@pytest.mark.parametrize("chunk_orders", [1_009, 65_536, ORDERS])
def test_other_chunks_give_the_very_same_orders(
    market: Market, log: Orders, chunk_orders: int
) -> None:
    again = log_of(market, ORDERS, chunk_orders)
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(again, name), getattr(log, name), err_msg=name)


def test_no_chunk_is_larger_than_asked_for(market: Market) -> None:
    assert max(len(chunk) for chunk in stream(market, ORDERS, 3_000)) == 3_000


def test_another_seed_is_another_shop(market: Market) -> None:
    other = Market.draw(CALENDAR, 8)
    assert other.growth != market.growth
    assert other.spike_day != market.spike_day
    assert other.product_rank != market.product_rank


def test_daily_orders_scatter_about_demand_by_noise_and_counting(
    market: Market, log: Orders
) -> None:
    counts = np.bincount(log.day, minlength=CALENDAR.days)
    demand = market.demand()
    expected = demand / demand.sum() * ORDERS
    z = (counts / expected - 1) / np.sqrt(market.noise**2 + 1 / expected)
    assert np.abs(z).max() < 5
    assert z.std() == pytest.approx(1, abs=0.1)  # its standard error is 0.026


def test_promotions_and_the_spike_are_planted_where_the_truth_says(
    market: Market, log: Orders
) -> None:
    np.testing.assert_array_equal(np.unique(log.day[log.promoted]), market.promoted().nonzero()[0])
    counts = np.bincount(log.day)
    week_before_and_after = counts[market.spike_day + np.array([-7, 7])].mean()
    factor = counts[market.spike_day] / week_before_and_after
    assert factor == pytest.approx(market.spike_factor, rel=0.25)


def test_products_follow_zipfs_law(market: Market, log: Orders) -> None:
    expected = market.product_shares() * ORDERS
    counts = np.bincount(log.product, minlength=PRODUCTS)
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_square - (PRODUCTS - 1)) < 5 * np.sqrt(2 * (PRODUCTS - 1))
    by_rank = market.product_shares()[np.argsort(market.product_rank)]
    assert by_rank[0] / by_rank[9] == pytest.approx(10**market.zipf_exponent)


def test_a_product_has_one_category(market: Market, log: Orders) -> None:
    np.testing.assert_array_equal(log.category, np.array(market.product_category)[log.product])


@pytest.mark.parametrize("category", range(len(CATEGORIES)))
def test_baskets_are_lognormal_and_returns_are_binomial(
    market: Market, log: Orders, category: int
) -> None:
    chosen = log.category == category
    values, returned = np.log(log.cents[chosen]), log.returned[chosen]
    size, rate = chosen.sum(), market.return_rates[category]
    median = np.log(market.basket_medians[category] * 100)
    assert abs(values.mean() - median) < 5 * market.basket_sigma / np.sqrt(size)
    assert abs(values.std() - market.basket_sigma) < 5 * market.basket_sigma / np.sqrt(2 * size)
    assert abs(returned.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / size)


def test_customers_stay_as_the_retention_says(market: Market, log: Orders) -> None:
    period = log.day // PERIOD_DAYS
    last = np.zeros(log.customer.max() + 1)
    np.maximum.at(last, log.customer, period)
    first_period = np.unique(log.customer[period == 0])
    stayed = (last[first_period] >= 1).mean()
    # Who is seen in a later period did stay; an active customer may rest in one, but not for long.
    error = np.sqrt(market.stay_probability * (1 - market.stay_probability) / len(first_period))
    assert stayed == pytest.approx(market.stay_probability, abs=0.02 + 4 * error)


def test_regulars_order_four_times_as_often(log: Orders) -> None:
    first_period = log.customer[log.day < PERIOD_DAYS]
    regular = first_period % 5 == 0
    others = first_period[~regular]
    rates = (
        regular.sum() / np.unique(first_period[regular]).size,
        others.size / (first_period.max() * 0.8),
    )
    assert rates[0] / rates[1] == pytest.approx(4, rel=0.1)


@pytest.mark.parametrize("orders", [10**7, 10**10])
def test_the_customer_base_is_limited(market: Market, orders: int) -> None:
    active = market.active_customers(orders)
    lost = (1 - market.stay_probability) * active[:-1].sum()
    assert active[-1] + lost <= MAX_CUSTOMERS * 1.02  # churn is drawn


def test_ten_billion_orders_take_no_more_memory_than_a_chunk(market: Market) -> None:
    tracemalloc.start()
    for _ in islice(stream(market, 10**10, 16_384), 40):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 2**20
