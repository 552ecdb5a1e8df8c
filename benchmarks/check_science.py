"""Are the error bars of the Ising model as wide as its chains really scatter?

    python benchmarks/check_science.py [--chains 40] [--size 64] [--samples 2000]

Independent chains at each temperature: the standard deviation of their means against the mean of
the errors that each chain reports for itself. 1 is right; where a chain is not resolved, it reports
none. The last column is what 32 blocks, whatever the autocorrelation time, would have reported.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from workloads.batch.science.bootstrap import BLOCKS, estimate
from workloads.batch.science.chain import Chain
from workloads.batch.science.findings import QUANTITIES, find
from workloads.batch.science.plan import Plan

TEMPERATURES = (2.0, 2.1, 2.15, 2.2, 2.27, 2.35, 2.4, 2.5, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chains", type=int, default=40)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--samples", type=int, default=2000)
    given = parser.parse_args()
    plan = Plan(given.size, given.samples, 7, TEMPERATURES)
    print(f"{given.chains} chains of {given.size} x {given.size}, {given.samples} samples each")
    print("| T | resolved | scatter / error: |m| | u | C | 32 blocks: |m| |")
    print("|---|---|---|---|---|---|")
    for number, temperature in enumerate(TEMPERATURES):
        seeds = np.random.SeedSequence([7, number]).spawn(given.chains)
        findings, old = [], []
        for seed in seeds:
            samples = Chain.start(temperature, given.size, given.samples, seed).advance(
                given.samples
            )
            findings.append(find(plan, temperature, samples))
            random = np.random.default_rng(1)
            columns = np.abs(samples[plan.warmup :, :1])
            old.append(estimate(columns, lambda mean: mean[..., 0], random, blocks=BLOCKS).error)
        resolved = [finding for finding in findings if finding.resolved]
        cells = []
        for name in QUANTITIES:
            scatter = np.std([f.comparison(name).measured.value for f in findings], ddof=1)
            errors = [f.comparison(name).measured.error for f in resolved]
            cells.append(f"{scatter / np.mean(errors):.2f}" if errors else "not resolved")
        scatter = np.std([f.magnetisation.measured.value for f in findings], ddof=1)
        print(
            f"| {temperature} | {len(resolved)} of {given.chains} | {' | '.join(cells)} "
            f"| {scatter / np.mean(old):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
