"""Daily sales: decomposition, moving averages, growth, promotion uplift and anomalies."""

from typing import Self

import numpy as np
import pandas as pd
from attrs import frozen

from workloads.batch.ecommerce.orders import YEAR_DAYS, Bools, Calendar, Floats, Ints

# A day this many robust standard deviations off is an anomaly: among 728 days of normal noise
# there is one in 2,400 runs.
ANOMALY_Z = 5.0
_MAD_TO_SIGMA = 1.4826
_HARMONICS = 2
_ROBUST_ROUNDS = 5


@frozen(eq=False)
class Decomposition:
    """Log orders as a sum, one array element a day, and the numbers behind it.

    ``growth`` is the logarithm per year, ``weekday_effects`` logarithms from Monday on with sum 0,
    ``annual_amplitude`` that of the first harmonic, ``uplift`` a factor, ``noise`` the standard
    deviation of the remainder on every day.
    """

    trend: Floats
    weekday: Floats
    annual: Floats
    promotion: Floats
    remainder: Floats
    growth: float
    weekday_effects: Floats
    annual_amplitude: float
    uplift: float
    noise: Floats

    @classmethod
    def of(cls, orders: Ints, promoted: Bools, calendar: Calendar) -> Self:
        """Decompose daily orders.

        In less than two years nothing tells growth from season: then there is a trend, but no
        annual part, and ``growth`` and ``annual_amplitude`` are NaN. So is the ``uplift`` where
        there was no promotion. A linear model with the robustness weights of STL (Cleveland et
        al. 1990, J. Official Statistics 6, 3-73), so that one wild day does not bend the trend.
        """
        log = np.log(np.maximum(orders, 1))
        weekdays, angle = calendar.weekdays(), calendar.year_angle()
        harmonics = _HARMONICS if calendar.days >= 2 * YEAR_DAYS else 0
        one_week = np.vstack([np.eye(6), np.full(6, -1.0)])  # the seven effects sum to 0
        turns = np.outer(angle, np.arange(1, harmonics + 1))
        columns = {
            "trend": np.column_stack([np.ones(len(log)), calendar.years()]),
            "weekday": one_week[weekdays],
            "annual": np.column_stack([np.cos(turns), np.sin(turns)]),
            "promotion": promoted[:, np.newaxis].astype(np.float64),
        }
        design = np.hstack(list(columns.values()))
        weights = np.ones(len(log))
        for _ in range(_ROBUST_ROUNDS):
            solution = np.linalg.lstsq(
                design * np.sqrt(weights)[:, np.newaxis], log * np.sqrt(weights), rcond=None
            )[0]
            remainder = log - design @ solution
            weights = _bisquare(remainder)
        cuts = np.cumsum([part.shape[1] for part in columns.values()])[:-1]
        effects = dict(zip(columns, np.split(solution, cuts), strict=True))
        parts = {name: columns[name] @ effects[name] for name in columns}
        cosine, sine = (effects["annual"][i] if harmonics else np.nan for i in (0, harmonics))
        expected = np.exp(design @ solution)
        return cls(
            **parts,
            remainder=remainder,
            growth=float(effects["trend"][1]) if harmonics else np.nan,
            weekday_effects=one_week @ effects["weekday"],
            annual_amplitude=float(np.hypot(cosine, sine)),
            uplift=float(np.exp(effects["promotion"][0])) if promoted.any() else np.nan,
            noise=_noise(remainder, expected),
        )

    @property
    def z(self) -> Floats:
        """How many standard deviations each day is off, on the scale of ``surprise``."""
        return surprise(self.remainder) / self.noise

    @property
    def expected(self) -> Floats:
        """The orders of each day as all but the remainder explain them."""
        return np.exp(self.trend + self.weekday + self.annual + self.promotion)


@frozen
class Anomaly:
    """A day that growth, season and promotions do not explain; ``factor`` is sold / expected."""

    day: int
    factor: float
    z: float


def find_anomalies(decomposition: Decomposition) -> tuple[Anomaly, ...]:
    """All days beyond ANOMALY_Z, in the order of time."""
    z = decomposition.z
    return tuple(
        Anomaly(int(day), float(np.exp(decomposition.remainder[day])), float(z[day]))
        for day in np.flatnonzero(np.abs(z) > ANOMALY_Z)
    )


def change(values: "pd.Series[float]", days: int) -> "pd.Series[float]":
    """The relative change against ``days`` days earlier; NaN where there is nothing to compare."""
    return values.pct_change(days, fill_method=None).where(values.shift(days) > 0)


@frozen(eq=False)
class Sales:
    """A daily series with what people plot beside it.

    ``week_on_week`` compares the last 7 days with the 7 before, ``year_on_year`` the last 28 days
    with the same 28 of 52 weeks earlier, so both compare equal weekdays.
    """

    values: Ints
    average_7: Floats
    average_28: Floats
    week_on_week: Floats
    year_on_year: Floats

    @classmethod
    def of(cls, values: Ints) -> Self:
        """Smooth and compare a daily series."""
        sales = pd.Series(values)
        average_7, average_28 = sales.rolling(7).mean(), sales.rolling(28).mean()
        smoothed = (average_7, average_28, change(average_7, 7), change(average_28, YEAR_DAYS))
        return cls(values, *(np.asarray(series, np.float64) for series in smoothed))


def _bisquare(remainder: Floats) -> Floats:
    limit = 6 * float(np.median(np.abs(remainder)))
    if limit == 0:
        return np.ones(len(remainder))
    weights: Floats = np.square(1 - np.square(np.minimum(np.abs(remainder) / limit, 1)))
    return weights


def surprise(remainder: Floats) -> Floats:
    """A log remainder as 2 (sqrt(orders / expected) - 1): the same near 0, without Poisson's skew.

    Square roots of counts are nearly normal (Anscombe 1948, Biometrika 35, 246-254); logarithms
    of small counts have a long lower tail that would raise false alarms.
    """
    return 2 * np.expm1(remainder / 2)


def _noise(remainder: Floats, expected: Floats) -> Floats:
    """The standard deviation of each day: a robust one common to all, and counting noise.

    A day of few orders scatters more (Poisson: 1 / expected in relative variance), so that the
    early days of a growing shop differ from its late ones.
    """
    off = surprise(remainder)
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(off - np.median(off))))
    counting = 1 / expected
    common = max(sigma**2 - float(np.median(counting)), 0.0)
    noise: Floats = np.sqrt(common + counting)
    return noise
