"""The heat equation on a square, on finer and finer grids: does the error fall as theory says?

A second check with an exact answer, of the arithmetic of differential equations this time. The
scheme is forward in time and centred in space (FTCS); with time steps in proportion to the squared
spacing its error is of second order in the spacing (K. W. Morton and D. F. Mayers, Numerical
Solution of Partial Differential Equations, ch. 2-3).
"""

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from attrs import frozen

GRIDS = (16, 32, 64, 128)
_TIME = 0.05  # units in which the diffusivity and the side are 1: the sine has decayed to e^-1
# Time step over squared spacing: stable below 1/4. Between 1/12 and 1/6 the leading errors of time
# and space cancel each other for one mode or another, and the order would look better than it is.
_RATIO = 0.2
# (waves across, waves along, amplitude): several modes, so that nothing can cancel for all.
_MODES = ((1, 1, 1.0), (2, 1, 0.5), (1, 3, 0.25))


@frozen
class Convergence:
    """The largest error on each grid (intervals along a side), and the order between grids."""

    grids: tuple[int, ...]
    errors: tuple[float, ...]

    @property
    def orders(self) -> tuple[float, ...]:
        """Observed order of convergence from each grid to the next; 2 by theory."""
        points = list(zip(self.grids, self.errors, strict=True))
        return tuple(
            math.log(coarse / fine) / math.log(more / fewer)
            for (fewer, coarse), (more, fine) in pairwise(points)
        )


def converge(grids: Iterable[int] = GRIDS, ratio: float = _RATIO) -> Convergence:
    """Solve on each grid and compare with the exact solution."""
    chosen = tuple(grids)
    return Convergence(chosen, tuple(_error(intervals, ratio) for intervals in chosen))


def _error(intervals: int, ratio: float) -> float:
    steps = max(1, round(_TIME * intervals**2 / ratio))
    ratio = _TIME * intervals**2 / steps  # the nearest one that ends exactly at _TIME
    now, after = _exact(intervals, 0.0), _exact(intervals, 0.0)
    for _ in range(steps):
        inner = after[1:-1, 1:-1]
        np.add(now[:-2, 1:-1], now[2:, 1:-1], out=inner)
        inner += now[1:-1, :-2]
        inner += now[1:-1, 2:]
        inner *= ratio
        inner += (1 - 4 * ratio) * now[1:-1, 1:-1]
        now, after = after, now
    return float(np.abs(now - _exact(intervals, _TIME)).max())


def _exact(intervals: int, time: float) -> npt.NDArray[np.float64]:
    """The solution, of shape (intervals + 1, intervals + 1); the edge is held at zero."""
    x = np.linspace(0, 1, intervals + 1)
    solution = np.zeros((intervals + 1, intervals + 1))
    for across, along, amplitude in _MODES:
        decay = math.exp(-(math.pi**2) * (across**2 + along**2) * time)
        wave = np.outer(np.sin(math.pi * across * x), np.sin(math.pi * along * x))
        solution += amplitude * decay * wave
    solution[[0, -1]] = solution[:, [0, -1]] = 0.0  # sin(pi) is not quite zero in floating point
    return solution
