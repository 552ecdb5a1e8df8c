"""The trend analysis of a shop, from its order log alone.

Nothing here, nor in what it imports, knows the planted truth; a test walks the imports.
"""

from typing import Self

import numpy as np
import pandas as pd
from attrs import frozen

from workloads.batch.ecommerce import trend
from workloads.batch.ecommerce.customers import Cohorts, rfm
from workloads.batch.ecommerce.orders import YEAR_DAYS, Bools, Calendar
from workloads.batch.ecommerce.products import Categories, Products
from workloads.batch.ecommerce.tally import Tally


@frozen(eq=False)
class Analysis:
    """All results; ``promoted`` marks the days when most orders were placed under a promotion."""

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
    def of(cls, tally: Tally) -> Self:
        """Analyse what was counted."""
        orders = tally.daily_orders.sum(axis=1)
        promoted = tally.daily_promoted * 2 > orders
        decomposition = trend.Decomposition.of(orders, promoted, tally.calendar)
        return cls(
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

    def metrics(self) -> dict[str, float]:
        """The headline numbers: money in euros, rates and shares as fractions."""
        daily = self.orders.values
        orders, cents = daily.sum(), self.revenue.values.sum()
        this_year, last_year = daily[-YEAR_DAYS:], daily[-2 * YEAR_DAYS : -YEAR_DAYS]
        return {
            "orders": int(orders),
            "revenue": round(int(cents) / 100, 2),
            "average_order_value": round(float(cents / orders) / 100, 2),
            "customers": int(self.rfm["customers"].sum()),
            "growth_per_year": float(np.expm1(self.decomposition.growth)),
            "year_on_year": float(this_year.sum() / last_year.sum() - 1),
            "annual_amplitude": self.decomposition.annual_amplitude,
            "promotion_uplift": self.decomposition.uplift,
            "promotion_days": int(self.promoted.sum()),
            "daily_noise": float(np.median(self.decomposition.noise)),
            "anomalies": len(self.anomalies),
            "zipf_exponent": self.products.zipf_exponent,
            "top_20_percent_share": self.products.top_20_percent_share,
            "class_a_products": int((self.products.table["abc"] == "A").sum()),
            "return_rate": float(self.categories.returns.sum() / orders),
            "ordered_again": self.cohorts.ordered_again,
            "stay_probability": self.cohorts.stay_probability,
        }
