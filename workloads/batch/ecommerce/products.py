"""What sells: Pareto and ABC, the Zipf exponent, and baskets and returns by category."""

import math
from typing import Self

import numpy as np
import pandas as pd
from attrs import frozen

from workloads.batch.ecommerce.orders import Floats, Ints
from workloads.batch.ecommerce.tally import BASKET_EDGES, Tally

_CLASS_A, _CLASS_B = 0.8, 0.95


@frozen(eq=False)
class Products:
    """``table`` has a row for each product that sold, by falling revenue.

    Its columns: ``product`` and ``category`` (ids), ``orders``, ``cents``, ``returns``,
    ``cumulative`` (the share of revenue up to and with the product) and ``abc``: A (first 80 % of
    revenue), B (to 95 %) or C.
    """

    table: pd.DataFrame
    zipf_exponent: float
    top_20_percent_share: float

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """Rank the products of an order log."""
        orders = tally.product_orders
        table = pd.DataFrame(
            {
                "product": np.arange(len(orders)),
                "category": tally.product_category,
                "orders": orders,
                "cents": tally.product_cents,
                "returns": tally.product_returns,
            }
        )
        table = table[table["orders"] > 0]
        table = table.sort_values("cents", ascending=False, kind="stable", ignore_index=True)
        table["cumulative"] = table["cents"].cumsum() / max(int(table["cents"].sum()), 1)
        table["abc"] = abc_classes(table["cents"])
        return cls(table, zipf_exponent(orders), top_share(orders, 0.2))


def abc_classes(falling: "pd.Series[int]") -> "pd.Series[str]":
    """A, B or C for revenues in falling order; what crosses a border is of the better class."""
    before = (falling.cumsum() - falling) / max(int(falling.sum()), 1)
    borders = [0, _CLASS_A, _CLASS_B, math.inf]
    return pd.cut(before, borders, right=False, labels=["A", "B", "C"]).astype(str)


def top_share(counts: Ints, part: float) -> float:
    """The share of all that the best ``part`` of the sold products has; NaN if there is none."""
    falling = np.sort(counts[counts > 0])[::-1]
    best = round(part * len(falling))
    return float(falling[:best].sum() / falling.sum()) if best else math.nan


def zipf_exponent(counts: Ints) -> float:
    """The exponent s of counts ~ rank^-s: maximum likelihood over the products that sold.

    Newton's method on E[ln rank], which falls with s (Clauset et al. 2009, SIAM Review 51, 661).
    """
    falling = np.sort(counts[counts > 0])[::-1]
    log_rank = np.log(np.arange(1, len(falling) + 1))
    observed = float(falling @ log_rank / falling.sum())
    exponent = 1.0
    for _ in range(50):
        shares = np.exp(-exponent * log_rank)
        shares /= shares.sum()
        expected = float(shares @ log_rank)
        variance = float(shares @ np.square(log_rank - expected))
        if variance == 0:
            return math.nan  # one product has no ranks to compare
        step = (expected - observed) / variance
        exponent += step
        if abs(step) < 1e-12:
            break
    return exponent


@frozen(eq=False)
class Categories:
    """One array element a category.

    ``baskets`` are histograms of values (categories, BASKET_BINS), ``basket_median`` and
    ``basket_p90`` are in cents, ``basket_log_mean`` and ``basket_log_sigma`` those of the
    logarithm of cents.
    """

    orders: Ints
    cents: Ints
    returns: Ints
    returned_cents: Ints
    return_rate: Floats
    baskets: Ints
    basket_median: Floats
    basket_p90: Floats
    basket_log_mean: Floats
    basket_log_sigma: Floats

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """Summarise the categories of an order log."""
        orders = tally.daily_orders.sum(axis=0)
        log_mean, log_sigma = _log_moments(tally.baskets)
        return cls(
            orders=orders,
            cents=tally.daily_cents.sum(axis=0),
            returns=tally.category_returns,
            returned_cents=tally.category_returned_cents,
            return_rate=_ratio(tally.category_returns, orders),
            baskets=tally.baskets,
            basket_median=basket_quantile(tally.baskets, 0.5),
            basket_p90=basket_quantile(tally.baskets, 0.9),
            basket_log_mean=log_mean,
            basket_log_sigma=log_sigma,
        )


def basket_quantile(baskets: Ints, part: float) -> Floats:
    """A quantile of each histogram (…, BASKET_BINS) in cents, linear within a bin."""
    quantiles = [
        np.interp(part * row.sum(), np.concatenate([[0], np.cumsum(row)]), BASKET_EDGES)
        if row.any()
        else np.nan
        for row in np.atleast_2d(baskets)
    ]
    return np.array(quantiles)


def _log_moments(baskets: Ints) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the log value, every order taken at its bin's middle."""
    middle = (np.log(BASKET_EDGES[1:]) + np.log(BASKET_EDGES[:-1])) / 2
    orders = baskets.sum(axis=1)
    mean = _ratio(baskets @ middle, orders)
    return mean, np.sqrt(np.maximum(_ratio(baskets @ middle**2, orders) - mean**2, 0))


def _ratio(part: Floats | Ints, whole: Ints) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return ratio
