"""Who buys: recency, frequency and monetary value (RFM), and what becomes of cohorts."""

import math
from typing import Self

import numpy as np
import pandas as pd
from attrs import frozen

from workloads.batch.ecommerce.orders import Calendar, Ints
from workloads.batch.ecommerce.tally import Tally

SCORES = 5
# The segment of each recency score (rows, 1 = long ago) and frequency score (columns, 1 = seldom).
SEGMENTS = pd.DataFrame(
    [
        ["Lost", "Lost", "Hibernating", "At risk", "At risk"],
        ["Hibernating", "Hibernating", "Hibernating", "At risk", "At risk"],
        ["Hibernating", "Slipping", "Slipping", "Loyal", "Loyal"],
        ["Promising", "Promising", "Rising", "Loyal", "Champions"],
        ["New", "Promising", "Rising", "Champions", "Champions"],
    ],
    index=pd.RangeIndex(1, SCORES + 1, name="recency"),
    columns=pd.RangeIndex(1, SCORES + 1, name="frequency"),
)


def rfm(tally: Tally) -> pd.DataFrame:
    """Score every customer; a row for each (recency, frequency, monetary) score that occurs.

    ``customers`` counts them; ``days`` since the last order, ``orders`` and ``cents`` are sums
    over them.
    """
    customers = pd.DataFrame(
        {
            "days": tally.calendar.days - 1 - tally.customer_last_day.astype(np.int64),
            "orders": tally.customer_orders.astype(np.int64),
            "cents": tally.customer_cents,
        }
    )
    customers = customers[customers["orders"] > 0]
    scores = [
        fifth(-customers["days"]).rename("recency"),
        fifth(customers["orders"]).rename("frequency"),
        fifth(customers["cents"]).rename("monetary"),
    ]
    sums = customers.assign(customers=1).groupby(scores).sum().reset_index()
    segments = SEGMENTS.melt(ignore_index=False, value_name="segment").reset_index()
    columns = ["recency", "frequency", "monetary", "segment", "customers", "days"]
    return sums.merge(segments, how="left")[[*columns, "orders", "cents"]]


def fifth(values: "pd.Series[int]") -> "pd.Series[int]":
    """Score 1 to 5: with score s, at least s - 1 fifths of all customers have a lower value.

    Equal values get equal scores, and the lowest value scores 1, however many customers share it.
    """
    below = values.rank(method="min") - 1
    return (below * SCORES // len(values)).astype(np.int8) + 1


@frozen(eq=False)
class Cohorts:
    """``active``: customers of each cohort (row: the period of the first order) by age in periods.

    Only complete periods count. Cells after the end of the log are NaN.
    """

    active: pd.DataFrame

    @classmethod
    def of(cls, triangle: Ints, calendar: Calendar) -> Self:
        """Cohorts from the (cohort, period) counts of customers who ordered."""
        periods = calendar.complete_periods
        counts = pd.DataFrame(triangle[:periods, :periods])
        counts = counts.rename_axis(index="cohort", columns="period")
        cells = counts.melt(ignore_index=False, value_name="customers").reset_index()
        cells = cells.astype(np.int64).query("period >= cohort")
        cells["age"] = cells["period"] - cells["cohort"]
        return cls(cells.pivot(index="cohort", columns="age", values="customers"))

    @property
    def share(self) -> pd.DataFrame:
        """The share of each cohort that ordered at each age; NaN after the end of the log."""
        size = self.active[0]
        return self.active.div(size.where(size > 0), axis=0)

    @property
    def mean_share(self) -> "pd.Series[float]":
        """The share of all customers that ordered at each age, over the cohorts that reached it."""
        sizes = self.active.notna().mul(self.active[0], axis=0).sum()
        return self.active.sum() / sizes.where(sizes > 0)

    @property
    def ordered_again(self) -> float:
        """The share of new customers who ordered in the period after that of their first order."""
        return float(self.mean_share.get(1, math.nan))

    @property
    def stay_probability(self) -> float:
        """The probability that an active customer is still one a period later.

        An active customer may happen not to order in a period. That chance cancels in the ratio of
        two neighbouring ages, but not in the step from age 0, where by definition everyone ordered.
        """
        active = self.active.to_numpy()
        before, after = active[:, 1:-1], active[:, 2:]
        reached = np.isfinite(after)
        base = before[reached].sum()
        return float(after[reached].sum() / base) if base else math.nan
