"""A Markov chain of lattices at one temperature: the piece of work that a process takes at a time.

A chain carries its random generator with it. Its samples therefore depend on its seed only, not on
the process that takes it, nor on how many sweeps are done at a time.
"""

import time
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
from attrs import define, frozen

from workloads.batch.science import machine
from workloads.batch.science.lattice import Lattice, Metropolis

Samples: TypeAlias = npt.NDArray[np.float64]

STRIDE = 4  # sweeps from one sample to the next: closer ones hardly tell anything new


@define
class Chain:
    """A chain on its way: it has taken ``done`` of the ``wanted`` samples."""

    temperature: float
    wanted: int
    lattice: Lattice
    moves: Metropolis
    random: np.random.Generator
    done: int = 0

    @classmethod
    def start(
        cls,
        temperature: float,
        size: int,
        wanted: int,
        seed: np.random.SeedSequence,
        coupling: float = 1.0,
    ) -> Self:
        """A chain that starts with all spins up.

        Below the critical temperature a random start may freeze into stripes for very long.
        """
        random = np.random.Generator(np.random.SFC64(seed))
        moves = Metropolis.at(temperature, coupling)
        return cls(temperature, wanted, Lattice.ordered(size), moves, random)

    @property
    def finished(self) -> bool:
        """Whether the chain has all the samples that it was to take."""
        return self.done >= self.wanted

    def advance(self, samples: int) -> Samples:
        """Take up to so many samples more: rows of magnetisation and energy per spin."""
        taken = np.empty((min(samples, self.wanted - self.done), 2))
        for row in taken:
            for _ in range(STRIDE):
                self.lattice.sweep(self.moves, self.random)
            row[:] = self.lattice.measure()
        self.done += len(taken)
        return taken


@frozen
class Progress:
    """What a turn brought: the chain as it is now, its new samples, the process's peak memory."""

    chain: Chain
    samples: Samples
    peak_memory: int  # bytes


@frozen
class Turn:
    """One turn of work for a process: advance this chain by up to ``samples``."""

    chain: Chain
    samples: int

    def take(self) -> Progress:
        """Take the samples."""
        taken = self.chain.advance(self.samples)
        return Progress(self.chain, taken, machine.peak_memory())


@frozen
class Pace:
    """How fast a process advances a chain, measured while its fellows work too."""

    samples_per_second: float
    cpu_share: float  # CPU seconds a second: 1.0 is a whole core
    peak_memory: int  # bytes


@frozen
class Trial:
    """A short measurement of the pace of a chain that is thrown away afterwards."""

    chain: Chain
    seconds: float

    def take(self) -> Pace:
        """The pace, over at least one sample after one that warms the caches up."""
        self.chain.advance(1)
        start, cpu, samples = time.perf_counter(), time.process_time(), 0
        while samples == 0 or time.perf_counter() - start < self.seconds:
            samples += len(self.chain.advance(1))
        elapsed = time.perf_counter() - start
        share = (time.process_time() - cpu) / elapsed
        return Pace(samples / elapsed, share, machine.peak_memory())
