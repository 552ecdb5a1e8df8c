"""The trend analysis of a shop, from its order log alone.

Nothing here, nor in what it imports, knows the planted truth; a test walks the imports.
"""

import math
from typing import Self

import numpy as np
import pandas as pd
from attrs import frozen

from workloads.batch.ecommerce import trend
from workloads.batch.ecommerce.customers import Cohorts, rfm
from workloads.batch.ecommerce.orders import YEAR_DAYS, Bools, Calendar, Ints, Shop
from workloads.batch.ecommerce.products import Categories, Products
from workloads.batch.ecommerce.tally import Tally


@frozen(eq=False)
class Analysis:
    """All results; ``promoted`` marks the days when most orders were placed under a promotion."""

    shop: Shop
    calendar: Calendar
    orders: trend.Sales
    revenue: trend.Sales
    promoted: Bools
    decomposition: trend.Decomposition
    anomalies: tuple[trend.Anomaly, ...]
    products: Products
    categories: Categories
    rfm: pd.DataFrame
    cohorts: Cohorts

    @classmethod
    def of(cls, tally: Tally, shop: Shop | None = None) -> Self:
        """Analyse what was counted of a shop; of the synthetic one if none is given."""
        orders = tally.daily_orders.sum(axis=1)
        promoted = tally.daily_promoted * 2 > orders
        decomposition = trend.Decomposition.of(orders, promoted, tally.calendar)
        return cls(
            shop=shop or Shop(),
            calendar=tally.calendar,
            orders=trend.Sales.of(orders),
            revenue=trend.Sales.of(tally.daily_cents.sum(axis=1)),
            promoted=promoted,
            decomposition=decomposition,
            anomalies=trend.find_anomalies(decomposition),
            products=Products.of(tally),
            categories=Categories.of(tally),
            rfm=rfm(tally),
            cohorts=Cohorts.of(tally.triangle, tally.calendar),
        )

    @property
    def return_rate(self) -> float:
        """The share of orders that came back; NaN where the log does not record it."""
        if "returned" not in self.shop.recorded:
            return math.nan
        return float(self.categories.returns.sum() / self.categories.orders.sum())

    def metrics(self) -> dict[str, float]:
        """The headline numbers: money in units of the currency, rates and shares as fractions.

        What the log does not tell is left out: a year on year needs two years, an uplift needs
        promotions.
        """
        daily = self.orders.values
        orders, cents = daily.sum(), self.revenue.values.sum()
        metrics = {
            "orders": int(orders),
            "revenue": round(int(cents) / 100, 2),
            "average_order_value": round(float(cents / orders) / 100, 2),
            "customers": int(self.rfm["customers"].sum()),
            "growth_per_year": float(np.expm1(self.decomposition.growth)),
            "year_on_year": year_on_year(daily),
            "annual_amplitude": self.decomposition.annual_amplitude,
            "promotion_uplift": self.decomposition.uplift,
            "promotion_days": int(self.promoted.sum()),
            "daily_noise": float(np.median(self.decomposition.noise)),
            "anomalies": len(self.anomalies),
            "zipf_exponent": self.products.zipf_exponent,
            "top_20_percent_share": self.products.top_20_percent_share,
            "class_a_products": int((self.products.table["abc"] == "A").sum()),
            "return_rate": self.return_rate,
            "ordered_again": self.cohorts.ordered_again,
            "stay_probability": self.cohorts.stay_probability,
        }
        return {name: value for name, value in metrics.items() if math.isfinite(value)}


def year_on_year(daily: Ints) -> float:
    """The last 52 weeks against the 52 before; NaN where the log has no two years."""
    if len(daily) < 2 * YEAR_DAYS:
        return math.nan
    before = daily[-2 * YEAR_DAYS : -YEAR_DAYS].sum()
    return float(daily[-YEAR_DAYS:].sum() / before - 1) if before else math.nan
