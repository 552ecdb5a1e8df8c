"""Small lattices at the critical temperature: numbers that hold for every model of the Ising class.

Onsager's solution is that of the infinite lattice. At its critical temperature a finite one has a
Binder cumulant that does not depend on its size, and a mean square magnetisation that falls with
the side as L^(-1/4), hence a susceptibility that grows as L^(7/4).
"""

import math
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from toolkit.runtime import Gate, Json, Run
from workloads.batch.science import onsager
from workloads.batch.science.bootstrap import (
    Estimate,
    autocorrelation_time,
    blocks_for,
    estimate,
)
from workloads.batch.science.chain import STRIDE, Chain, Progress, Samples, Turn
from workloads.batch.science.plan import Plan
from workloads.batch.science.workers import Workers

SIZES = (16, 32)
LARGE = 64  # beside them, where its chain is long enough to be resolved:
LARGE_SAMPLES = 5000
# A square with periodic boundaries: G. Kamieniarz and H. W. J. Bloete, J. Phys. A 26 (1993) 201.
BINDER = 0.6106901
EXPONENT = 7 / 4  # of the susceptibility: gamma / nu
SAMPLES = 8  # times those of a temperature: small lattices are cheap
Z_LIMIT = 5.0


@frozen
class Small:
    """What the lattice of one size gave; without errors where its chain is not ``resolved``."""

    size: int
    binder: Estimate
    square: Estimate  # <m^2>
    autocorrelation: float  # in sweeps

    @property
    def resolved(self) -> bool:
        """Whether the chain is long enough for its autocorrelation time."""
        return math.isfinite(self.binder.error)


def sizes(plan: Plan) -> tuple[int, ...]:
    """The sides of the lattices that a plan affords."""
    return (*SIZES, LARGE) if plan.samples >= LARGE_SAMPLES else SIZES


def chains(plan: Plan) -> list[Chain]:
    """A chain of each size, with random numbers that no temperature uses."""
    every = sizes(plan)
    seeds = np.random.SeedSequence([plan.seed, len(SIZES)]).spawn(len(every))
    return [
        Chain.start(onsager.CRITICAL_TEMPERATURE, size, SAMPLES * plan.samples, seed, plan.coupling)
        for size, seed in zip(every, seeds, strict=True)
    ]


def measure(plan: Plan, workers: Workers, run: Run, per_turn: int) -> list[Small]:
    """Simulate every size; those that a stop request did not let finish are left out."""
    samples: dict[int, list[Samples]] = {size: [] for size in sizes(plan)}
    found: list[Small] = []

    def follow(progress: Progress) -> Turn | None:
        return None if progress.chain.finished else Turn(progress.chain, per_turn)

    turns = [Turn(chain, per_turn) for chain in chains(plan)]
    for progress in workers.each(turns, then=follow, stopping=run.stopping):
        size = progress.chain.lattice.size
        samples[size].append(progress.samples)
        if progress.chain.finished:
            found.append(find(plan, size, np.concatenate(samples[size])))
            run.event("lattice.measured", **_told(found[-1]))
    return sorted(found, key=lambda small: small.size)


def find(plan: Plan, size: int, samples: Samples) -> Small:
    """Binder cumulant and mean square of the magnetisation, less a fifth for the warm-up."""
    magnetisation = samples[len(samples) // 5 :, 0]
    columns = np.column_stack((magnetisation**2, magnetisation**4))
    slowest = max(autocorrelation_time(np.abs(magnetisation) ** power) for power in (1, 2, 4))
    blocks = blocks_for(len(columns), slowest)
    random = np.random.default_rng([plan.seed, size])
    return Small(
        size,
        estimate(
            columns, lambda mean: 1 - mean[..., 1] / (3 * mean[..., 0] ** 2), random, blocks=blocks
        ),
        estimate(columns, lambda mean: mean[..., 0], random, blocks=blocks),
        STRIDE * slowest,
    )


def exponent(found: Sequence[Small]) -> Estimate:
    """The exponent of the susceptibility, from the smallest and the largest resolved lattice."""
    resolved = [small for small in found if small.resolved]
    if len(resolved) < 2:
        return Estimate(math.nan, math.nan)
    small, large = resolved[0], resolved[-1]
    octaves = math.log(large.size / small.size)
    slope = math.log(large.square.value / small.square.value) / octaves
    error = math.hypot(*(s.square.error / s.square.value for s in (small, large))) / octaves
    return Estimate(2 + slope, error)


def gates(found: Sequence[Small]) -> tuple[Gate, ...]:
    """Both numbers agree with theory within their errors; unresolved ones pass nothing."""
    worst = max((abs(s.binder.z(BINDER)) for s in found if s.resolved), default=math.nan)
    return (
        Gate("binder_z", worst, "<=", Z_LIMIT),
        Gate("susceptibility_exponent_z", abs(exponent(found).z(EXPONENT)), "<=", Z_LIMIT),
    )


def metrics(found: Sequence[Small]) -> dict[str, Json]:
    """What stands in the metrics."""
    measured = exponent(found)
    return {
        "finite_size": [_told(small) for small in found],
        "susceptibility_exponent": _rounded(measured.value),
        "susceptibility_exponent_error": _rounded(measured.error),
    }


def _told(small: Small) -> dict[str, Json]:
    return {
        "size": small.size,
        "binder": _rounded(small.binder.value),
        "binder_error": _rounded(small.binder.error),
        "magnetisation_squared": _rounded(small.square.value),
        "magnetisation_squared_error": _rounded(small.square.error),
        "autocorrelation_sweeps": _rounded(small.autocorrelation),
    }


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
