"""The model: annual harmonics for the season, an autoregression for what they leave.

A day's value is climatology(day) + residual, the residual follows AR(p), and the size of its daily
shocks has a season too. Everything is fitted by least squares on the days that have a value: gaps
cost rows, they are never filled to fit.
"""

import numpy as np
from attrs import frozen

from workloads.batch.weather.readings import Floats, Slots, WeatherError

YEAR = 365.2425  # days
MIN_DAYS = 100  # to fit an autoregression on
_ROUNDING = 1e-9
_MEAN_TO_DEVIATION = np.sqrt(np.pi / 2)  # of a normal variable: sigma / E|x|


@frozen(eq=False)
class Model:
    """``season`` holds mean, cos and sin of each harmonic; ``ar`` the weights of the last p days.

    ``noise`` describes the standard deviation of a one-day error as ``season`` does the value.
    """

    season: Floats
    ar: Floats
    noise: Floats

    def climatology(self, days: Slots) -> Floats:
        """The expected value of each day, knowing only the date."""
        return _annual(days, self.season)

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

    def deviation(self, days: Slots, horizon: int) -> Floats:
        """Standard deviation of the error of forecasts for each day, 1 to ``horizon`` days ahead.

        sigma * sqrt(1 + psi_1^2 + ... + psi_(h-1)^2), psi the moving-average weights of the AR
        (Box, Jenkins & Reinsel, Time Series Analysis, section 5.2); sigma is the target day's.
        """
        psi = [1.0]
        for _ in range(horizon - 1):
            psi.append(sum(a * w for a, w in zip(self.ar, reversed(psi), strict=False)))
        return np.outer(_sigma(days, self.noise), np.sqrt(np.cumsum(np.square(psi))))

    def _states(self, residuals: Floats) -> Floats:
        """The last p residuals as known on each day, newest first; zero before the first."""
        p = len(self.ar)
        padded = np.concatenate([np.zeros(p), residuals])
        for t in np.flatnonzero(np.isnan(padded)):
            padded[t] = self.ar @ padded[t - p : t][::-1]
        return np.lib.stride_tricks.sliding_window_view(padded, p)[1:, ::-1]


def fit(days: Slots, values: Floats, *, harmonics: int, order: int) -> Model:
    """Fit on consecutive ``days``; ``values`` may hold NaN.

    Raises:
        WeatherError: When too few days have a value and ``order`` values right before it.
    """
    good = ~np.isnan(values)
    if np.count_nonzero(good) < MIN_DAYS:
        raise WeatherError(
            f"only {np.count_nonzero(good)} of {len(days)} days have a value; the model takes "
            f"{MIN_DAYS}",
            hint="choose a station or months with fewer gaps",
        )
    design = _design(days, harmonics)
    season = _least_squares(design[good], values[good])
    residuals = values - design @ season
    windows = np.lib.stride_tricks.sliding_window_view(residuals, order + 1)
    whole = ~np.isnan(windows).any(axis=1)
    if np.count_nonzero(whole) < MIN_DAYS:
        raise WeatherError(
            f"only {np.count_nonzero(whole)} of {len(days)} days have a value and the {order} "
            f"before them; an autoregression of that order takes {MIN_DAYS}",
            hint="lower MAX_ORDER, or choose a station or months with fewer gaps",
        )
    past, present = windows[whole, :-1][:, ::-1], windows[whole, -1]
    if np.ptp(present) <= _ROUNDING * max(1.0, float(np.abs(season).max())):
        raise WeatherError(
            "the season explains every day to the last digit: there is nothing left to forecast",
            hint="is every reading of this record the same?",
        )
    ar = _least_squares(past, present)
    # Months that were never seen have a size of shock, too: below a year, one size fits all.
    seasons = min(harmonics, 1) if len(days) >= YEAR else 0
    noise = _fit_noise(days[order:][whole], present - past @ ar, seasons)
    return Model(season, ar, noise)


def _fit_noise(days: Slots, errors: Floats, harmonics: int) -> Floats:
    """Harmonics of the errors' standard deviation, scaled to a mean square of exactly one."""
    noise = _least_squares(_design(days, harmonics), np.abs(errors) * _MEAN_TO_DEVIATION)
    sigma = _sigma(days, noise)
    if not (sigma > 0).all():
        raise WeatherError(
            "the autoregression explains every day to the last digit: its errors have no size",
            hint="is this record a formula's, or the same value every day?",
        )
    scale: float = np.sqrt(np.mean(np.square(errors / sigma)))
    return noise * scale


def _sigma(days: Slots, noise: Floats) -> Floats:
    # A straight fit to noisy sizes may come near zero where shocks are smallest.
    sigma: Floats = np.maximum(_annual(days, noise), noise[0] / 2)
    return sigma


def _annual(days: Slots, coefficients: Floats) -> Floats:
    values: Floats = _design(days, len(coefficients) // 2) @ coefficients
    return values


def _design(days: Slots, harmonics: int) -> Floats:
    angle = 2 * np.pi / YEAR * np.outer(days, np.arange(1, harmonics + 1))
    return np.column_stack([np.ones(len(days)), np.cos(angle), np.sin(angle)])


def _least_squares(a: Floats, b: Floats) -> Floats:
    return np.linalg.lstsq(a, b)[0].astype(np.float64)
