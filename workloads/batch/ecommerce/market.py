"""The planted truth: what a synthetic shop is like. Only the generator and the check read it.

Every seed draws another shop, so the analysis cannot be right by knowing the numbers. The model is
the one that the analysis of a shop assumes: log demand = growth + weekday + annual season +
promotions + noise, Zipf popularity, lognormal baskets and geometric retention.
"""

from datetime import date
from typing import Self

import numpy as np
from attrs import asdict, frozen

from toolkit.runtime import Json
from workloads.batch.ecommerce.orders import (
    CATEGORIES,
    DAYS_A_YEAR,
    PERIOD_DAYS,
    Calendar,
    Floats,
    Ints,
)

PRODUCTS = 2_000
ORDERS_PER_CUSTOMER = 5  # in one period, until the customer base has reached its limit
# The only state that could grow with the orders; 16 bytes a customer in the tally.
MAX_CUSTOMERS = 250_000

_BASKET_MEDIANS = (21.0, 34.0, 29.0, 43.0, 58.0, 66.0, 72.0, 139.0)
_RETURN_RATES = (0.014, 0.032, 0.021, 0.005, 0.047, 0.041, 0.15, 0.064)
_CATEGORY_WEIGHTS = (0.13, 0.1, 0.12, 0.2, 0.09, 0.14, 0.15, 0.07)
_PROMOTION_EVERY_DAYS = 91
_EDGE_DAYS = 28


@frozen
class Market:
    """What was planted.

    ``growth`` and the ``weekday`` effects (Monday first, sum 0) are logarithms, growth per year;
    ``annual_peak`` is a day of the year; ``promotions`` are (first day, days);
    ``stay_probability`` is that of a customer to stay for another period of 28 days;
    ``product_category`` is in the order of product ids and ``product_rank`` their popularity,
    1 = best seller.
    """

    seed: int
    start: date
    days: int
    growth: float
    weekday: tuple[float, ...]
    annual_amplitude: float
    annual_peak: float
    noise: float
    promo_uplift: float
    promotions: tuple[tuple[int, int], ...]
    spike_day: int
    spike_factor: float
    zipf_exponent: float
    basket_medians: tuple[float, ...]
    basket_sigma: float
    return_rates: tuple[float, ...]
    stay_probability: float
    product_rank: tuple[int, ...]
    product_category: tuple[int, ...]

    @classmethod
    def draw(cls, calendar: Calendar, seed: int) -> Self:
        """The shop of that seed."""
        rng = np.random.default_rng([seed, 0])
        weekday = rng.normal(0, 0.09, 7)
        promotions = _promotions(rng, calendar.days)
        return cls(
            seed=seed,
            start=calendar.start,
            days=calendar.days,
            growth=float(rng.uniform(0.06, 0.18)),
            weekday=tuple((weekday - weekday.mean()).tolist()),
            annual_amplitude=float(rng.uniform(0.12, 0.2)),
            annual_peak=float(rng.uniform(300, 355)),
            noise=0.03,
            promo_uplift=float(rng.uniform(1.3, 1.6)),
            promotions=promotions,
            spike_day=_quiet_day(rng, calendar.days, promotions),
            spike_factor=float(rng.uniform(1.9, 2.4)),
            zipf_exponent=float(rng.uniform(1.0, 1.2)),
            basket_medians=_jitter(rng, _BASKET_MEDIANS),
            basket_sigma=float(rng.uniform(0.4, 0.55)),
            return_rates=_jitter(rng, _RETURN_RATES),
            stay_probability=float(rng.uniform(0.76, 0.84)),
            product_rank=tuple((rng.permutation(PRODUCTS) + 1).tolist()),
            product_category=tuple(
                rng.choice(len(CATEGORIES), PRODUCTS, p=_CATEGORY_WEIGHTS).tolist()
            ),
        )

    @property
    def calendar(self) -> Calendar:
        """The days of this shop."""
        return Calendar(self.start, self.days)

    def promoted(self) -> Floats:
        """1.0 on the days of a promotion, 0.0 on others."""
        days = np.zeros(self.days)
        for first, length in self.promotions:
            days[first : first + length] = 1.0
        return days

    def season(self) -> Floats:
        """Log demand of every day from growth and the annual season alone."""
        turn = self.calendar.year_angle() - 2 * np.pi * self.annual_peak / DAYS_A_YEAR
        return self.growth * self.calendar.years() + self.annual_amplitude * np.cos(turn)

    def demand(self) -> Floats:
        """Expected orders of every day relative to each other, before the daily noise."""
        log = self.season() + np.array(self.weekday)[self.calendar.weekdays()]
        demand: Floats = np.exp(log + np.log(self.promo_uplift) * self.promoted())
        demand[self.spike_day] *= self.spike_factor
        return demand

    def active_customers(self, orders: int) -> Ints:
        """How many customers the shop has in each period, for that many orders in all.

        They follow the season, so that an active customer orders about as often in each period;
        the base is limited to MAX_CUSTOMERS over all periods, which is what bounds memory.
        """
        season = np.exp(self.season())
        starts = np.arange(0, self.days, PERIOD_DAYS)
        season = np.add.reduceat(season, starts) / np.diff(np.append(starts, self.days))
        active = season / season.mean() * orders * PERIOD_DAYS / self.days / ORDERS_PER_CUSTOMER
        ever = active[0] + np.maximum(active[1:] - self.stay_probability * active[:-1], 0).sum()
        limited: Ints = (active * min(1.0, MAX_CUSTOMERS / ever)).astype(np.int64)
        return limited

    def product_shares(self) -> Floats:
        """The probability of each product, in the order of product ids."""
        shares: Floats = np.array(self.product_rank, dtype=np.float64) ** -self.zipf_exponent
        shares /= shares.sum()
        return shares

    def category_shares(self) -> Floats:
        """The probability of each category."""
        shares = np.zeros(len(CATEGORIES))
        np.add.at(shares, np.array(self.product_category), self.product_shares())
        return shares

    @property
    def return_rate(self) -> float:
        """The probability that an order comes back."""
        return float(self.category_shares() @ np.array(self.return_rates))

    def to_json(self) -> dict[str, Json]:
        """The truth as it stands in ground_truth.json."""
        truth: dict[str, Json] = asdict(self)
        return {
            **truth,
            "start": self.start.isoformat(),
            "categories": list(CATEGORIES),
            "return_rate": self.return_rate,
            "spike_date": self.calendar.date(self.spike_day).isoformat(),
        }


def _promotions(rng: np.random.Generator, days: int) -> tuple[tuple[int, int], ...]:
    quarters = range(_EDGE_DAYS, days - _EDGE_DAYS - 21, _PROMOTION_EVERY_DAYS)
    # Most of a quarter is left free for the first day, so that promotions never touch.
    return tuple((first + int(rng.integers(60)), int(rng.integers(6, 13))) for first in quarters)


def _quiet_day(rng: np.random.Generator, days: int, promotions: tuple[tuple[int, int], ...]) -> int:
    quiet = np.ones(days, dtype=bool)
    quiet[:_EDGE_DAYS] = quiet[-_EDGE_DAYS:] = False
    for first, length in promotions:
        quiet[first - 7 : first + length + 7] = False
    return int(rng.choice(np.flatnonzero(quiet)))


def _jitter(rng: np.random.Generator, values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple((np.array(values) * rng.uniform(0.85, 1.15, len(values))).tolist())
