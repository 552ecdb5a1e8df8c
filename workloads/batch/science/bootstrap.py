"""Errors of averages over correlated samples, by the block bootstrap (Künsch 1989)."""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import frozen

Array: TypeAlias = npt.NDArray[np.float64]

BLOCKS = 32
# Blocks of eight autocorrelation times lose an eighth of the variance, hence 6 % of the error ...
BLOCK_TIMES = 8
# ... which sixteen of them give to 18 %. Less is no error bar but a guess.
MIN_BLOCKS = 16
_WINDOW_TIMES = 6


@frozen
class Estimate:
    """A value and its standard error; NaN where the samples do not tell it."""

    value: float
    error: float

    def z(self, theory: float) -> float:
        """How many standard errors the value lies above the theory; NaN without an error."""
        return (self.value - theory) / self.error if self.error > 0 else math.nan


def estimate(
    columns: Array,
    statistic: Callable[[Array], Array],
    random: np.random.Generator,
    *,
    blocks: int | None = BLOCKS,
    resamples: int = 1000,
) -> Estimate:
    """The statistic of the columns' means, with an error that allows for autocorrelation.

    The series, of shape (samples, columns), is cut into equal blocks (left-over samples at its
    start are dropped), which must be several autocorrelation times long. Drawing whole blocks keeps
    the correlation inside them; ``statistic`` maps means of shape (..., columns) to shape (...).
    Without ``blocks`` the value has no error.
    """
    if blocks is None:
        return Estimate(float(statistic(columns.mean(axis=0))), math.nan)
    length = len(columns) // blocks
    if length == 0:
        raise ValueError(f"{len(columns)} samples do not fill {blocks} blocks")
    means = columns[-length * blocks :].reshape(blocks, length, -1).mean(axis=1)
    chosen = random.integers(blocks, size=(resamples, blocks))
    replicas = statistic(means[chosen].mean(axis=1))
    # Drawn from their own mean, blocks vary too little by (blocks - 1) / blocks.
    error = float(replicas.std()) * math.sqrt(blocks / (blocks - 1))
    return Estimate(float(statistic(means.mean(axis=0))), error)


def autocorrelation_time(series: Array) -> float:
    """The integrated autocorrelation time in samples: 1/2 for independent ones.

    The sum of the autocorrelation function up to the first lag beyond six times that sum (Madras
    and Sokal 1988, J. Stat. Phys. 50, 109); good to some 25 % where the series is 100 times as
    long. A shorter one is told from it by `blocks_for`.
    """
    centred = series - series.mean()
    spectrum = np.fft.rfft(centred, 2 * len(series))
    covariance = np.fft.irfft(np.square(np.abs(spectrum)))[: len(series)]
    if covariance[0] <= 0:
        return 0.5
    times = np.cumsum(covariance / covariance[0]) - 0.5
    wide = np.flatnonzero(np.arange(len(times)) >= _WINDOW_TIMES * times)
    return float(max(times[wide[0]] if len(wide) else times.max(), 0.5))


def blocks_for(samples: int, autocorrelation: float) -> int | None:
    """How many blocks, each long enough, so many samples can be cut into; None if too few.

    The time is taken one standard error longer than it was measured: those that were measured too
    short by chance would give errors that are too small.
    """
    window = 2 * _WINDOW_TIMES * autocorrelation + 1
    longest = autocorrelation * (1 + math.sqrt(2 * window / samples))
    blocks = min(BLOCKS, int(samples / max(BLOCK_TIMES * longest, 1)))
    return blocks if blocks >= MIN_BLOCKS else None
