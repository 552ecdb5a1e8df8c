"""The order log: all that passes from the generator (or a real shop) to the analysis.

Columns, not rows: a chunk of some ten thousand orders is a handful of numpy arrays that stay in
the processor's cache, which is what makes ten million orders a matter of a second.
"""

from datetime import date, timedelta
from typing import Self

import numpy as np
import numpy.typing as npt
from attrs import evolve, fields, frozen

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

CATEGORIES = (
    "Books",
    "Toys",
    "Beauty",
    "Groceries",
    "Sports",
    "Home",
    "Fashion",
    "Electronics",
)
# Four weeks: unlike a month, every period has the same weekdays, so periods compare directly.
PERIOD_DAYS = 28
# 52 weeks: the same weekday a year earlier.
YEAR_DAYS = 364
DAYS_A_YEAR = 365.25
_EPOCH = date(2000, 1, 1).toordinal()


@frozen(eq=False)
class Orders:
    """A chunk of orders in the order of their days, one array element an order.

    ``day`` counts from the calendar's start, ``customer`` and ``product`` are ids from 0 up (used
    as indices), ``category`` is an index into the shop's categories, ``cents`` the value of the
    basket, ``promoted`` says whether the order was placed under a promotion, ``returned`` whether
    it came back.
    """

    day: npt.NDArray[np.int32]
    customer: Ints
    product: npt.NDArray[np.integer]
    category: npt.NDArray[np.uint8]
    cents: npt.NDArray[np.int32]
    promoted: Bools
    returned: Bools

    def __len__(self) -> int:
        return len(self.day)

    def between(self, first: int, last: int) -> Self:
        """Orders ``first`` up to, but without, ``last``, as views."""
        names = [column.name for column in fields(type(self))]
        return evolve(self, **{name: getattr(self, name)[first:last] for name in names})


@frozen
class Shop:
    """What a report calls things: the categories, the products, the money, and whose orders.

    ``recorded`` are the columns that the log really has; what rests on others is not reported.
    """

    categories: tuple[str, ...] = CATEGORIES
    products: tuple[str, ...] | None = None
    currency: str = "€"
    origin: str = "synthetic orders"
    recorded: frozenset[str] = frozenset({"product", "category", "promoted", "returned"})

    def product(self, number: int) -> str:
        """The name of a product id."""
        return self.products[number] if self.products else f"P{number:05d}"


@frozen
class Calendar:
    """The days that the order log covers."""

    start: date
    days: int

    def date(self, day: int) -> date:
        """The date of a day, counted from the start."""
        return self.start + timedelta(days=int(day))

    @property
    def periods(self) -> int:
        """How many periods begin in these days; the last one may be incomplete."""
        return -(-self.days // PERIOD_DAYS)

    @property
    def complete_periods(self) -> int:
        """How many periods lie wholly in these days."""
        return self.days // PERIOD_DAYS

    def weekdays(self) -> Ints:
        """The weekday of every day, Monday = 0."""
        return (self.start.weekday() + np.arange(self.days)) % 7

    def years(self) -> Floats:
        """Years since the middle of the calendar, for every day."""
        days = np.arange(self.days, dtype=np.float64)
        years: Floats = (days - days.mean()) / DAYS_A_YEAR
        return years

    def year_angle(self) -> Floats:
        """How far the year has turned on every day, in radians from 1 January (to ± 1 day)."""
        days = self.start.toordinal() - _EPOCH + np.arange(self.days, dtype=np.float64)
        return 2 * np.pi / DAYS_A_YEAR * (days % DAYS_A_YEAR)
