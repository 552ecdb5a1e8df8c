"""Who buys: recency, frequency and monetary value (RFM), and the retention of cohorts."""

import math
from typing import Self

import numpy as np
import numpy.typing as npt
from attrs import frozen

from workloads.batch.ecommerce.orders import Calendar, Floats, Ints
from workloads.batch.ecommerce.tally import Tally

SCORES = 5
# The segment of each recency score (rows, 1 = long ago) and frequency score (columns, 1 = seldom).
SEGMENTS = (
    ("Lost", "Lost", "Hibernating", "At risk", "At risk"),
    ("Hibernating", "Hibernating", "Hibernating", "At risk", "At risk"),
    ("Hibernating", "Slipping", "Slipping", "Loyal", "Loyal"),
    ("Promising", "Promising", "Rising", "Loyal", "Champions"),
    ("New", "Promising", "Rising", "Champions", "Champions"),
)


@frozen(eq=False)
class Rfm:
    """Customers by their scores: arrays of (recency, frequency, monetary) scores, 1 first.

    Score 5 is the best fifth. ``days``, ``orders`` and ``cents`` are sums over the cell's
    customers of days since the last order, of orders and of revenue.
    """

    customers: Ints
    days: Ints
    orders: Ints
    cents: Ints

    @classmethod
    def of(cls, tally: Tally) -> Self:
        """Score every customer of an order log by fifths."""
        bought = tally.customer_orders > 0
        days = (tally.calendar.days - 1 - tally.customer_last_day)[bought]
        orders, cents = tally.customer_orders[bought], tally.customer_cents[bought]
        cell = (_fifths(-days) * SCORES + _fifths(orders)) * SCORES + _fifths(cents)

        def total(weights: npt.NDArray[np.integer] | None = None) -> Ints:
            sums = np.bincount(cell, weights, minlength=SCORES**3)
            return sums.astype(np.int64).reshape(SCORES, SCORES, SCORES)

        return cls(total(), total(days), total(orders), total(cents))


@frozen(eq=False)
class Cohorts:
    """``active``: customers of each cohort (row: the period of the first order) by age in periods.

    Only complete periods count. Cells that lie after the end of the log are -1.
    """

    active: Ints
    retention: float

    @classmethod
    def of(cls, triangle: Ints, calendar: Calendar) -> Self:
        """Cohorts from the (cohort, period) counts of customers who ordered."""
        periods = calendar.complete_periods
        active = np.full((periods, periods), -1, dtype=np.int64)
        for cohort in range(periods):
            active[cohort, : periods - cohort] = triangle[cohort, cohort:periods]
        return cls(active, retention(active))

    @property
    def share(self) -> Floats:
        """The share of each cohort that ordered at each age; NaN after the end of the log."""
        size = np.maximum(self.active[:, :1], 1)
        return np.where(self.active >= 0, self.active / size, np.nan)

    @property
    def mean_share(self) -> Floats:
        """The share of all customers that ordered at each age, over the cohorts that reached it."""
        reached = self.active >= 0
        sizes = (reached * self.active[:, :1]).sum(axis=0)
        mean: Floats = np.where(reached, self.active, 0).sum(axis=0) / np.maximum(sizes, 1)
        return mean


def retention(active: Ints) -> float:
    """The share of active customers who are active a period later, from the second period on.

    The step out of the first period is left out: there, by definition, everyone ordered, while
    later an active customer may happen not to order. That chance cancels in later ratios.
    """
    before, after = active[:, 1:-1], active[:, 2:]
    both = after >= 0
    base = before[both].sum()
    return float(after[both].sum() / base) if base else math.nan


def _fifths(values: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """0 to 4 by fifths of the customers; equal values get equal scores."""
    borders = np.quantile(values, np.arange(1, SCORES) / SCORES)
    scores = np.zeros(len(values), dtype=np.uint8)
    for border in borders:
        scores += values >= border
    return scores
