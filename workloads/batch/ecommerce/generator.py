"""The order log of a synthetic shop, as a stream of chunks in constant memory.

Every column has a random stream of its own that is consumed one order after the other, so cutting
the log into other chunks gives the very same orders. SFC64 and single precision are numpy's
fastest ways to what is needed.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workloads.batch.ecommerce.market import PRODUCTS, Market
from workloads.batch.ecommerce.orders import PERIOD_DAYS, Floats, Ints, Orders

_QUANTILES = 1 << 20
_REGULARS = 5  # every fifth customer is a regular ...
_REGULAR_WEIGHT = 4  # ... who orders four times as often as the others


class _Streams(NamedTuple):
    """One independent random stream for each thing that is drawn."""

    days: np.random.Generator
    churn: np.random.Generator
    customer: np.random.Generator
    product: np.random.Generator
    basket: np.random.Generator
    returned: np.random.Generator

    @classmethod
    def of(cls, seed: int) -> "_Streams":
        sequences = np.random.SeedSequence([seed, 1]).spawn(len(cls._fields))
        return cls(*(np.random.Generator(np.random.SFC64(each)) for each in sequences))


def stream(market: Market, orders: int, chunk_orders: int) -> Iterator[Orders]:
    """Yield exactly ``orders`` orders of the shop, at most ``chunk_orders`` at a time.

    A chunk never crosses a period of 28 days. Given their sum, the days' counts are Poisson
    counts about the expected demand with lognormal noise.
    """
    streams = _Streams.of(market.seed)
    demand = market.demand() * np.exp(streams.days.normal(0, market.noise, market.days))
    counts = streams.days.multinomial(orders, demand / demand.sum())
    shelf = _Shelf(market)
    for period, customers in enumerate(_customers(market, orders, streams.churn)):
        first = period * PERIOD_DAYS
        for days in _days(first, counts[first : first + PERIOD_DAYS], chunk_orders):
            chosen = streams.customer.integers(len(customers), size=len(days))
            yield shelf.fill(days, customers[chosen], streams)


def _days(first: int, counts: Ints, chunk_orders: int) -> Iterator[npt.NDArray[np.int32]]:
    """The day of each order of one period, in chunks."""
    ends = np.cumsum(counts)
    days = np.arange(first, first + len(counts), dtype=np.int32)
    for start in range(0, int(ends[-1]), chunk_orders):
        inside = np.clip(ends - start, 0, chunk_orders)
        yield np.repeat(days, np.diff(inside, prepend=0))


def _customers(market: Market, orders: int, rng: np.random.Generator) -> Iterator[Ints]:
    """The customers to draw from in each period; a regular stands there more than once.

    Each customer stays for another period with the planted probability; as many new ones come as
    the season needs.
    """
    customers = np.arange(0)
    known = 0
    for active in market.active_customers(orders):
        customers = customers[rng.random(len(customers)) < market.stay_probability]
        new = max(int(active) - len(customers), 0)
        customers = np.concatenate([customers, np.arange(known, known + new)])
        known += new
        regulars = customers[customers % _REGULARS == 0]
        yield np.concatenate([customers, *[regulars] * (_REGULAR_WEIGHT - 1)])


class _Shelf:
    """The tables that turn random numbers into products, baskets and returns."""

    def __init__(self, market: Market) -> None:
        self.category_of = np.array(market.product_category, dtype=np.uint8)
        self.product_at = _quantiles(market.product_shares())
        self.medians = np.array(market.basket_medians, dtype=np.float32)[self.category_of] * 100
        self.return_rates = np.array(market.return_rates, dtype=np.float32)[self.category_of]
        self.sigma = np.float32(market.basket_sigma)
        self.promoted = market.promoted().astype(bool)

    def fill(self, days: npt.NDArray[np.int32], customer: Ints, streams: _Streams) -> Orders:
        """Complete the orders of these days and customers."""
        size = len(days)
        product = self.product_at[streams.product.integers(_QUANTILES, size=size)]
        index = product.astype(np.intp)  # what numpy would convert it to at each of three uses
        cents = streams.basket.standard_normal(size, dtype=np.float32)
        cents *= self.sigma
        np.exp(cents, out=cents)
        cents *= self.medians[index]
        returned = streams.returned.random(size, dtype=np.float32) < self.return_rates[index]
        return Orders(
            day=days,
            customer=customer,
            product=product,
            category=self.category_of[index],
            cents=np.rint(cents, out=cents).astype(np.int32),
            promoted=self.promoted[days],
            returned=returned,
        )


def _quantiles(shares: Floats) -> npt.NDArray[np.uint16]:
    """The product at each of 2^20 equally likely quantiles: one look-up instead of a search."""
    ends = np.rint(np.cumsum(shares) * _QUANTILES).astype(np.int64)
    return np.repeat(np.arange(PRODUCTS, dtype=np.uint16), np.diff(ends, prepend=0))
