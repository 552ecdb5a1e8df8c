"""Synthetic stations: a known season, a known autoregression, and GHCN files of them."""

import numpy as np
import numpy.typing as npt

from workloads.batch.weather.model import YEAR

Days = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def days_of(first: str, last: str) -> Days:
    return np.arange(np.datetime64(first), np.datetime64(last) + 1).astype(np.int64)


def autoregression(
    n: int, ar: tuple[float, ...], seed: int, shocks: Values | None = None
) -> Values:
    """A stationary AR(p) series with unit shocks (or ``shocks`` standard deviations)."""
    burn = 500
    noise = np.random.default_rng(seed).normal(size=n + burn)
    if shocks is not None:
        noise[burn:] *= shocks
    series = np.zeros(n + burn)
    for t in range(len(ar), n + burn):
        series[t] = sum(a * series[t - 1 - k] for k, a in enumerate(ar)) + noise[t]
    return series[burn:]


def season(days: Days) -> Values:
    """Mean 10, one harmonic (-8 cos, 3 sin): what fit() should find with one harmonic."""
    angle = 2 * np.pi * days / YEAR
    values: Values = 10 - 8 * np.cos(angle) + 3 * np.sin(angle)
    return values


def station(
    days: Days, seed: int = 1, ar: tuple[float, ...] = (0.7,), scale: float = 2.5
) -> Values:
    """Daily temperatures with a season and an AR(p) residual."""
    return season(days) + scale * autoregression(len(days), ar, seed)


def ghcn_csv(name: str, days: Days, temperatures: Values, *, header: bool = False) -> bytes:
    """TMAX, TMIN (5 degrees below) and PRCP lines in GHCN-Daily's long format."""
    lines = ["ID,DATE,ELEMENT,DATA_VALUE,M_FLAG,Q_FLAG,S_FLAG,OBS_TIME"] if header else []
    for day, value in zip(days.astype("datetime64[D]").astype(str), temperatures, strict=True):
        date, tenths = day.replace("-", ""), round(10 * value)
        lines.append(f"{name},{date},TMAX,{tenths},,,W,2400")
        lines.append(f"{name},{date},TMIN,{tenths - 50},,,W,2400")
        lines.append(f"{name},{date},PRCP,0,T,,W,2400")
        lines.append(f"{name},{date},AWND,34,,,W,")
    return "\n".join(lines).encode() + b"\n"
