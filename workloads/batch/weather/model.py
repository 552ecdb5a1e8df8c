"""The model: annual harmonics for the season, an autoregression for what they leave.

A day's value is climatology(day) + residual; the residual follows AR(p). Both are fitted by least
squares, on the days that have a value: gaps cost rows, they are never filled to fit.
"""

import numpy as np
from attrs import frozen

from workloads.batch.weather.readings import Floats, Slots

YEAR = 365.2425  # days


@frozen(eq=False)
class Model:
    """``season`` holds mean, cos and sin of each harmonic; ``ar`` the weights of the last p days.

    ``sigma`` is the standard deviation of a one-day error, in the element's unit.
    """

    season: Floats
    ar: Floats
    sigma: float

    def climatology(self, days: Slots) -> Floats:
        """The expected value of each day, knowing only the date."""
        return _design(days, len(self.season) // 2) @ self.season

    def ahead(self, days: Slots, values: Floats, horizon: int) -> Floats:
        """Forecasts from every day: row t, column h - 1 is for ``days[t] + h``, made on day t.

        ``days`` must be consecutive. A missing value is replaced by its own one-day forecast.
        """
        states = self._states(values - self.climatology(days))
        ahead = np.empty((len(days), horizon))
        for h in range(horizon):
            step = states @ self.ar
            ahead[:, h] = step + self.climatology(days + h + 1)
            states = np.column_stack([step, states[:, :-1]])
        return ahead

    def spread(self, horizon: int) -> Floats:
        """Standard deviation of the forecast error for 1 to ``horizon`` days ahead.

        sigma * sqrt(1 + psi_1^2 + ... + psi_(h-1)^2), psi the moving-average weights
        (Box, Jenkins & Reinsel, Time Series Analysis, section 5.2).
        """
        psi = [1.0]
        for _ in range(horizon - 1):
            psi.append(sum(a * w for a, w in zip(self.ar, reversed(psi), strict=False)))
        spread: Floats = self.sigma * np.sqrt(np.cumsum(np.square(psi)))
        return spread

    def _states(self, residuals: Floats) -> Floats:
        """The last p residuals as known on each day, newest first; zero before the first."""
        p = len(self.ar)
        padded = np.concatenate([np.zeros(p), residuals])
        for t in np.flatnonzero(np.isnan(padded)):
            padded[t] = self.ar @ padded[t - p : t][::-1]
        return np.lib.stride_tricks.sliding_window_view(padded, p)[1:, ::-1]


def fit(days: Slots, values: Floats, *, harmonics: int, order: int) -> Model:
    """Fit on consecutive ``days``; ``values`` may hold NaN."""
    good = ~np.isnan(values)
    design = _design(days, harmonics)
    season = _least_squares(design[good], values[good])
    residuals = values - design @ season
    windows = np.lib.stride_tricks.sliding_window_view(residuals, order + 1)
    windows = windows[~np.isnan(windows).any(axis=1)]
    past, present = windows[:, :-1][:, ::-1], windows[:, -1]
    ar = _least_squares(past, present)
    freedom = len(present) - order - design.shape[1]
    sigma = float(np.sqrt(np.sum((present - past @ ar) ** 2) / freedom))
    return Model(season, ar, sigma)


def _design(days: Slots, harmonics: int) -> Floats:
    angle = 2 * np.pi / YEAR * np.outer(days, np.arange(1, harmonics + 1))
    return np.column_stack([np.ones(len(days)), np.cos(angle), np.sin(angle)])


def _least_squares(a: Floats, b: Floats) -> Floats:
    return np.linalg.lstsq(a, b)[0].astype(np.float64)
