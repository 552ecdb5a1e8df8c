"""Spin updates a second: the workload's lattice against the ways people write the Ising model.

    python benchmarks/science.py [--size 1024] [--rounds 5]

Every way runs the same checkerboard Metropolis at the same temperature, in turns, so that a noisy
machine is noisy for all; each is held against Onsager's energy first. Rates are per CPU-second of
one core. The second table is the workload's own scaling over processes, in wall-clock time.
"""

import argparse
import math
import random
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from workloads.batch.science import machine, onsager
from workloads.batch.science.chain import Trial
from workloads.batch.science.lattice import Lattice, Metropolis
from workloads.batch.science.plan import Plan
from workloads.batch.science.workers import Workers

TEMPERATURE = 2.0
SECONDS = 0.4  # of every measurement


class Plain:
    """Loops over lists, as the algorithm is explained."""

    name = "Python loops"
    largest = 64

    def __init__(self, size: int) -> None:
        self.size = size
        self.spins = [[1] * size for _ in range(size)]

    def sweep(self) -> None:
        spins, size = self.spins, self.size
        for colour in (0, 1):
            for row in range(size):
                for column in range((row + colour) % 2, size, 2):
                    field = (
                        spins[row - 1][column]
                        + spins[(row + 1) % size][column]
                        + spins[row][column - 1]
                        + spins[row][(column + 1) % size]
                    )
                    cost = 2 * spins[row][column] * field
                    if cost <= 0 or random.random() < math.exp(-cost / TEMPERATURE):
                        spins[row][column] = -spins[row][column]

    def energy(self) -> float:
        return energy(np.array(self.spins))


class Rolled:
    """numpy as most examples write it: rolled neighbours, exp and a random number everywhere."""

    name = "numpy, roll and exp"
    largest = 2**16

    def __init__(self, size: int) -> None:
        self.spins = np.ones((size, size), dtype=np.int64)
        self.colours = [np.indices((size, size)).sum(axis=0) % 2 == colour for colour in (0, 1)]
        self.random = np.random.default_rng(1)

    def sweep(self) -> None:
        for colour in self.colours:
            field = sum(np.roll(self.spins, shift, axis) for shift in (1, -1) for axis in (0, 1))
            cost = 2 * self.spins * field
            chance = self.random.random(self.spins.shape) < np.exp(-cost / TEMPERATURE)
            self.spins[colour & chance] *= -1

    def energy(self) -> float:
        return energy(self.spins)


class Tabled:
    """numpy tuned: one small array a colour, a table of probabilities, single precision."""

    name = "numpy, tuned"
    largest = 2**16

    def __init__(self, size: int) -> None:
        self.halves = [np.ones((size, size // 2), dtype=np.int8) for _ in range(2)]
        self.random = np.random.Generator(np.random.SFC64(1))
        products = np.arange(-4, 5)
        self.table = np.exp(-2 * products / TEMPERATURE).astype(np.float32)

    def sweep(self) -> None:
        for colour in (0, 1):
            here, other = self.halves[colour], self.halves[1 - colour]
            field = np.roll(other, 1, 0) + np.roll(other, -1, 0) + other
            field[colour::2] += np.roll(other[colour::2], 1, 1)
            field[1 - colour :: 2] += np.roll(other[1 - colour :: 2], -1, 1)
            field *= here
            chance = self.table[field + 4]
            drawn = self.random.random(here.shape, dtype=np.float32)
            np.negative(here, out=here, where=drawn < chance)

    def energy(self) -> float:
        size = len(self.halves[0])
        spins = np.empty((size, size), dtype=np.int8)
        for colour, half in enumerate(self.halves):
            spins[0::2, colour::2] = half[0::2]
            spins[1::2, 1 - colour :: 2] = half[1::2]
        return energy(spins)


class Packed:
    """This workload: eight spins to a byte."""

    name = "this workload"
    largest = 2**16

    def __init__(self, size: int) -> None:
        self.lattice = Lattice.ordered(size)
        self.moves = Metropolis.at(TEMPERATURE)
        self.random = np.random.Generator(np.random.SFC64(1))

    def sweep(self) -> None:
        self.lattice.sweep(self.moves, self.random)

    def energy(self) -> float:
        return self.lattice.measure()[1]


WAYS = (Plain, Rolled, Tabled, Packed)


def energy(spins: np.ndarray) -> float:
    bonds = spins * np.roll(spins, 1, 0) + spins * np.roll(spins, 1, 1)
    return -float(bonds.mean())


def check(way: type) -> None:
    """Twenty sweeps from order are close to equilibrium at this temperature."""
    model, seen = way(64), []
    for sweep in range(140):
        model.sweep()
        if sweep >= 20:
            seen.append(model.energy())
    difference = statistics.mean(seen) - onsager.energy(TEMPERATURE)
    if abs(difference) > 0.025:
        raise SystemExit(f"{way.name} is wrong: its energy is off by {difference:+.4f}")


def rate(model: object, updates: int) -> float:
    """Updates per CPU-second."""
    model.sweep()
    start, sweeps = time.process_time(), 0
    while time.process_time() - start < SECONDS:
        model.sweep()
        sweeps += 1
    return sweeps * updates / (time.process_time() - start)


def compare(size: int, rounds: int) -> Iterator[tuple[str, int, float]]:
    models = [(way, min(size, way.largest)) for way in WAYS]
    made = [(way.name, side, way(side)) for way, side in models]
    rates: dict[str, list[float]] = {name: [] for name, _, _ in made}
    for _ in range(rounds):
        for name, side, model in made:
            rates[name].append(rate(model, side**2))
    for name, side, _ in made:
        yield name, side, statistics.median(rates[name])


def scale(size: int, rounds: int) -> Iterator[tuple[int, float, float]]:
    """Updates a second by the clock, and cores really got, in one and more processes."""
    plan = Plan(size, 10**6, seed=1)
    for processes in sorted({1, 2, machine.cores()}):
        seen: list[tuple[float, float]] = []
        with Workers(processes) as workers:
            for _ in range(rounds):
                trials = [Trial(c, 2 * SECONDS) for c in [*plan.chains()][:processes]]
                paces = list(workers.each(trials))
                updates = sum(pace.samples_per_second for pace in paces) * 4 * size**2
                seen.append((updates, sum(pace.cpu_share for pace in paces)))
        yield processes, *sorted(seen)[len(seen) // 2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    for way in WAYS:
        check(way)
    print(f"{'':22}{'lattice':>9}{'Mspin/CPU-s':>13}{'ours is':>10}")
    rows = [*compare(chosen.size, chosen.rounds)]
    for name, side, found in rows:
        print(f"{name:22}{side:>8}²{found / 1e6:>13,.1f}{rows[-1][2] / found:>9,.1f}x")
    print(f"\n{'processes':22}{'cores got':>9}{'Mspin/s':>13}{'per core':>10}")
    for processes, found, cores in scale(chosen.size, chosen.rounds):
        per_core = found / cores / 1e6
        print(f"{processes:<22}{cores:>9.2f}{found / 1e6:>13,.1f}{per_core:>10,.1f}")


if __name__ == "__main__":
    main()
