"""From one scale to a plan of work, and what it will cost on this machine."""

import math
from collections.abc import Iterator
from typing import Self

import numpy as np
from attrs import frozen

from workloads.batch.science import onsager
from workloads.batch.science.chain import STRIDE, Chain, Pace
from workloads.batch.science.lattice import SIZE_STEP

# Closer to the critical temperature than this, neighbouring lattices resemble each other for so
# long (critical slowing down) that no affordable chain has an honest error. Shown, not judged.
CRITICAL_MARGIN = 0.1
TEMPERATURES = (1.4, 1.6, 1.8, 2.0, 2.1, 2.15, 2.2, 2.25, 2.27, 2.3, 2.35, 2.4, 2.5, 2.7, 3.0, 3.5)

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LAMBDA_SECONDS = 900
LAMBDA_BYTES = 10_240 * 2**20

_PLOT_SECONDS = 4.0
_PLOT_BYTES = 120 * 2**20  # matplotlib and a figure
_SAMPLE_BYTES = 2 * 16  # two numbers, once in pieces and once joined


def is_judged(temperature: float) -> bool:
    """Whether results at this temperature are held against theory."""
    return abs(temperature - onsager.CRITICAL_TEMPERATURE) >= CRITICAL_MARGIN


@frozen
class Settings:
    """The variables of the workload's catalog entry."""

    science_scale: float
    seed: int
    science_processes: int


@frozen
class Plan:
    """What is to be simulated: ``samples`` of a ``size`` x ``size`` lattice a temperature."""

    size: int
    samples: int
    seed: int
    temperatures: tuple[float, ...] = TEMPERATURES
    coupling: float = 1.0  # in units of J; with any other one the theory must be found wrong

    @classmethod
    def scaled(cls, scale: float, seed: int) -> Self:
        """The plan whose work grows in proportion to ``scale``; 1 is about a core-minute.

        The work is sites times sweeps. The side and the sweeps each grow with the cube root: a
        larger lattice has smaller finite-size effects, a longer chain a more certain error.
        """
        side = 512 * math.cbrt(scale)
        sweeps = 20_000 * math.cbrt(scale)
        size = max(4, round(side / SIZE_STEP)) * SIZE_STEP
        return cls(size, math.ceil(sweeps / STRIDE), seed)

    @property
    def warmup(self) -> int:
        """Samples at the start of each chain that do not count."""
        return self.samples // 5

    @property
    def sweeps(self) -> int:
        """Sweeps of each lattice."""
        return self.samples * STRIDE

    @property
    def updates(self) -> int:
        """Spin updates in all."""
        return self.size**2 * self.sweeps * len(self.temperatures)

    def chains(self) -> Iterator[Chain]:
        """The chains at their start, each with random numbers of its own."""
        seeds = np.random.SeedSequence(self.seed).spawn(len(self.temperatures))
        for temperature, seed in zip(self.temperatures, seeds, strict=True):
            yield Chain.start(temperature, self.size, self.samples, seed, self.coupling)


@frozen
class Cost:
    """What a plan needs on this machine, judged by a short trial in every process at once."""

    seconds: float
    memory: int  # bytes, of all processes together
    cores: float  # that the processes really got
    samples_per_second: float  # of each process
    updates_per_second: float  # of all processes together

    @classmethod
    def of(cls, plan: Plan, paces: list[Pace], own_memory: int, small_seconds: float = 0.0) -> Self:
        """The cost with one process for each pace, beside ``own_memory`` bytes of the parent.

        ``small_seconds`` is what the small lattices of `finite_size` take beside the plan's own.
        """
        rate = sum(pace.samples_per_second for pace in paces) / len(paces)
        rounds = math.ceil(len(plan.temperatures) / len(paces))
        series = _SAMPLE_BYTES * plan.samples * len(plan.temperatures)
        lattices = plan.size**2 // 8 * len(plan.temperatures)
        workers = sum(pace.peak_memory for pace in paces) if len(paces) > 1 else 0
        return cls(
            seconds=rounds * plan.samples / rate + small_seconds + _PLOT_SECONDS,
            memory=own_memory + workers + series + lattices + _PLOT_BYTES,
            cores=sum(pace.cpu_share for pace in paces),
            samples_per_second=rate,
            updates_per_second=rate * len(paces) * STRIDE * plan.size**2,
        )

    @property
    def fits_lambda(self) -> bool:
        """Whether a function of AWS Lambda could have done it: 15 minutes, 10,240 MB."""
        return self.seconds <= LAMBDA_SECONDS and self.memory <= LAMBDA_BYTES
