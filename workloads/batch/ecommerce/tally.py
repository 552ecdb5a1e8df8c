"""One pass over the order log: everything that the analyses need, in constant memory.

All sums are of whole numbers (cents, orders), hence exact, so the result does not depend on how
the log was cut into chunks. Memory grows with days, products and customers, never with orders.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from workloads.batch.ecommerce.orders import CATEGORIES, PERIOD_DAYS, Calendar, Ints, Orders

# A basket's value in single precision, its bits shifted right: 64 bins an octave, 0.8 to 1.6 %
# wide, without a logarithm an order. The first bin begins with one cent.
_BIN_SHIFT = 17
_FIRST_BIN = int(np.float32(1).view(np.int32) >> _BIN_SHIFT)
BASKET_BINS = 64 * 31
_BITS = np.arange(_FIRST_BIN, _FIRST_BIN + BASKET_BINS + 1, dtype=np.int32) << _BIN_SHIFT
_BORDERS = _BITS.view(np.float32).astype(np.float64)
# Values are rounded to whole cents: those in [1024, 1040) were in [1023.5, 1039.5). Below 64 cents
# bins are narrower than a cent, and a value stands at the lower border of its bin.
BASKET_EDGES = _BORDERS - np.minimum(np.diff(_BORDERS, append=np.inf), 1) / 2
_NEVER = -1
_Kind = TypeVar("_Kind", bound=np.generic)


class Tally:
    """What was counted; read its arrays after ``finish``.

    ``daily_orders``, ``daily_cents``: (days, categories). ``daily_promoted``: (days,).
    ``product_orders``, ``product_cents``, ``product_returns``, ``product_category``: (products,).
    ``category_returns``, ``category_returned_cents``: (categories,). ``baskets``: (categories,
    BASKET_BINS). ``customer_orders``, ``customer_cents``, ``customer_last_day``: (customers,),
    orders 0 and last day -1 for an id never seen. ``triangle``: (cohort, period), how many
    customers of the cohort ordered in the period.
    """

    def __init__(self, calendar: Calendar, categories: int = len(CATEGORIES)) -> None:
        self.calendar = calendar
        self.categories = categories
        self.daily_orders = np.zeros((calendar.days, categories), dtype=np.int64)
        self.daily_cents = np.zeros((calendar.days, categories), dtype=np.int64)
        self.daily_promoted = np.zeros(calendar.days, dtype=np.int64)
        self.product_orders = np.zeros(0, dtype=np.int64)
        self.product_cents = np.zeros(0, dtype=np.int64)
        self.product_returns = np.zeros(0, dtype=np.int64)
        self.product_category = np.zeros(0, dtype=np.uint8)
        self.category_returns = np.zeros(categories, dtype=np.int64)
        self.category_returned_cents = np.zeros(categories, dtype=np.int64)
        self.baskets = np.zeros((categories, BASKET_BINS), dtype=np.int64)
        self.customer_orders = np.zeros(0, dtype=np.int32)
        self.customer_cents = np.zeros(0, dtype=np.int64)
        self.customer_last_day = np.zeros(0, dtype=np.int16)
        self._customer_cohort = np.zeros(0, dtype=np.int16)
        self.triangle = np.zeros((calendar.periods, calendar.periods), dtype=np.int64)
        self._period = 0
        self.last_day = 0

    @property
    def orders(self) -> int:
        """How many orders were counted."""
        return int(self.daily_orders.sum())

    def add(self, orders: Orders) -> None:
        """Count a chunk; raises ValueError when it begins before the last one ended."""
        if not len(orders):
            return
        if orders.day[0] < self.last_day:
            raise ValueError(f"day {orders.day[0]} after day {self.last_day}: sort the order log")
        self.last_day = int(orders.day[-1])
        self._add_days(orders)
        self._add_products(orders)
        self._add_baskets(orders)
        first_period, last_period = orders.day[[0, -1]] // PERIOD_DAYS
        starts = np.arange(first_period + 1, last_period + 1) * PERIOD_DAYS
        cuts = [0, *np.searchsorted(orders.day, starts).tolist(), len(orders)]
        for period, first, last in zip(
            range(first_period, last_period + 1), cuts, cuts[1:], strict=False
        ):
            self._add_customers(period, orders.between(first, last))

    def finish(self) -> None:
        """Close the last period; nothing can be added afterwards."""
        self._close_period()

    def _add_days(self, orders: Orders) -> None:
        first, last = int(orders.day[0]), int(orders.day[-1]) + 1
        cell = (orders.day - first).astype(np.int64) * self.categories + orders.category
        shape = (last - first, self.categories)
        size = shape[0] * shape[1]
        self.daily_orders[first:last] += np.bincount(cell, minlength=size).reshape(shape)
        self.daily_cents[first:last] += _sums(cell, orders.cents, size).reshape(shape)
        promoted = orders.day[orders.promoted] - first
        self.daily_promoted[first:last] += np.bincount(promoted, minlength=last - first)

    def _add_products(self, orders: Orders) -> None:
        size = max(len(self.product_orders), int(orders.product.max()) + 1)
        self.product_orders = _grown(self.product_orders, size)
        self.product_cents = _grown(self.product_cents, size)
        self.product_returns = _grown(self.product_returns, size)
        self.product_category = _grown(self.product_category, size)
        self.product_orders += np.bincount(orders.product, minlength=size)
        self.product_cents += _sums(orders.product, orders.cents, size)
        self.product_category[orders.product] = orders.category
        back = np.flatnonzero(orders.returned)
        category = orders.category[back]
        self.product_returns += np.bincount(orders.product[back], minlength=size)
        self.category_returns += np.bincount(category, minlength=self.categories)
        self.category_returned_cents += _sums(category, orders.cents[back], self.categories)

    def _add_baskets(self, orders: Orders) -> None:
        value = orders.cents.astype(np.float32).view(np.int32) >> _BIN_SHIFT
        value -= _FIRST_BIN
        np.maximum(value, 0, out=value)  # a free order
        cell = orders.category.astype(np.int64) * BASKET_BINS + value
        self.baskets += np.bincount(cell, minlength=self.baskets.size).reshape(self.baskets.shape)

    def _add_customers(self, period: int, orders: Orders) -> None:
        if period != self._period:
            self._close_period()
            self._period = period
        customer = orders.customer
        size = int(customer.max(initial=-1)) + 1
        if size > len(self.customer_orders):
            size += size // 8  # few steps of growth
            self.customer_orders = _grown(self.customer_orders, size)
            self.customer_cents = _grown(self.customer_cents, size)
            self.customer_last_day = _grown(self.customer_last_day, size, _NEVER)
            self._customer_cohort = _grown(self._customer_cohort, size, _NEVER)
        # ufunc.at is fast only where no type has to be converted (50 times).
        np.add.at(self.customer_orders, customer, np.int32(1))
        np.add.at(self.customer_cents, customer, orders.cents.astype(np.int64))
        self.customer_last_day[customer] = orders.day  # sorted: the last one stays

    def _close_period(self) -> None:
        """Enter the customers of the period that ends into the triangle."""
        seen = np.flatnonzero(self.customer_last_day >= self._period * PERIOD_DAYS)
        cohort = self._customer_cohort[seen]
        cohort[cohort == _NEVER] = self._period
        self._customer_cohort[seen] = cohort
        self.triangle[:, self._period] = np.bincount(cohort, minlength=len(self.triangle))


def _sums(cell: npt.NDArray[np.integer], values: npt.NDArray[np.integer], size: int) -> Ints:
    # bincount sums doubles, which is exact for whole numbers below 2^53.
    return np.bincount(cell, weights=values, minlength=size).astype(np.int64)


def _grown(array: npt.NDArray[_Kind], size: int, fill: int = 0) -> npt.NDArray[_Kind]:
    if size <= len(array):
        return array
    grown = np.full(size, fill, dtype=array.dtype)
    grown[: len(array)] = array
    return grown
