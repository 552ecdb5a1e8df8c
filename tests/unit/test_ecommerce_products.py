"""What sells: ABC, Pareto, Zipf, baskets and returns on data whose answer is known."""

import math

import numpy as np
import pandas as pd
import pytest

from tests.unit.ecommerce_samples import CALENDAR, order_log, tally_chunks
from workloads.batch.ecommerce.orders import CATEGORIES
from workloads.batch.ecommerce.products import (
    Categories,
    Products,
    abc_classes,
    top_share,
    zipf_exponent,
)


@pytest.mark.parametrize(
    ("revenue", "classes"),
    [
        ([80, 15, 5], "ABC"),
        ([79, 16, 5], "AAC"),  # what crosses 80 % is still A, and so on
        ([50, 40, 6, 4], "AABC"),
        ([25, 25, 25, 25], "AAAA"),
        ([100], "A"),
    ],
)
def test_abc_classes_end_at_80_and_95_percent_of_revenue(revenue: list[int], classes: str) -> None:
    assert "".join(abc_classes(pd.Series(revenue))) == classes


def test_products_are_ranked_by_revenue_without_those_that_never_sold() -> None:
    log = order_log(
        (0, 0, 1, 3, 500, False),
        (0, 0, 4, 2, 900, True),
        (1, 1, 1, 3, 500, False),
    )
    products = Products.of(tally_chunks([log], CALENDAR)).table
    assert products["product"].tolist() == [1, 4]
    assert products["category"].tolist() == [3, 2]
    assert products["orders"].tolist() == [2, 1]
    assert products["returns"].tolist() == [0, 1]
    np.testing.assert_allclose(products["cumulative"], [1000 / 1900, 1])


def test_the_top_share_counts_the_best_products_that_sold() -> None:
    assert top_share(np.array([1, 60, 0, 10, 9, 20]), 0.2) == pytest.approx(0.6)


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.1, 2.0])
def test_the_zipf_exponent_of_an_exact_law_is_found(exponent: float) -> None:
    counts = 1e12 * np.arange(1, 501.0) ** -exponent
    shuffled = np.random.default_rng(1).permutation(counts).astype(np.int64)
    assert zipf_exponent(shuffled) == pytest.approx(exponent, abs=1e-6)


def test_one_product_has_no_zipf_exponent() -> None:
    assert math.isnan(zipf_exponent(np.array([7])))


def test_categories_have_their_own_baskets_and_returns() -> None:
    rows = [(0, 0, 0, 0, 1_000 * 2**power, power == 1) for power in range(5)]
    found = Categories.of(tally_chunks([order_log(*rows, (1, 0, 1, 1, 700, True))], CALENDAR))
    assert found.orders.tolist() == [5, 1, *[0] * (len(CATEGORIES) - 2)]
    assert found.cents[:2].tolist() == [31_000, 700]
    assert found.returned_cents[:2].tolist() == [2_000, 700]
    np.testing.assert_allclose(found.return_rate[:2], [0.2, 1.0])
    assert np.isnan(found.return_rate[2:]).all()
    assert found.basket_median[0] == pytest.approx(4_000, rel=0.01)  # a bin is 0.8 to 1.6 % wide
    assert found.basket_log_mean[0] == pytest.approx(np.log(4_000), abs=0.008)
    assert found.basket_log_sigma[0] == pytest.approx(np.log(2) * np.sqrt(2), rel=0.01)
    assert np.isnan(found.basket_median[2:]).all()
