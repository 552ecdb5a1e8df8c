"""What the samples of a chain say, held against theory."""

import csv
import io
from collections.abc import Sequence

import numpy as np
from attrs import frozen

from toolkit.runtime import Gate
from workloads.batch.science import onsager
from workloads.batch.science.bootstrap import BLOCKS, Estimate, autocorrelation_time, estimate
from workloads.batch.science.chain import STRIDE, Samples
from workloads.batch.science.plan import Plan, is_judged

QUANTITIES = ("magnetisation", "energy", "specific_heat")
# Twenty seeds at the least scale gave 560 comparisons: |z| was 3.2 at most, 1.09 in the mean square
# root, as Student's t with 31 degrees of freedom would have it. Five is no chance.
Z_LIMIT = 5.0
ERROR_LIMIT = 0.01  # of the energy per spin: a wide error would agree with any theory


@frozen
class Comparison:
    """A measured quantity and its theory; ``judged`` if the difference has to be noise."""

    measured: Estimate
    theory: float
    judged: bool

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return self.measured.z(self.theory)


@frozen
class Finding:
    """What one temperature gave, per spin; ``autocorrelation`` is the energy's, in sweeps."""

    temperature: float
    sweeps: int
    magnetisation: Comparison
    energy: Comparison
    specific_heat: Comparison
    autocorrelation: float

    def comparison(self, quantity: str) -> Comparison:
        """One of QUANTITIES."""
        comparison: Comparison = getattr(self, quantity)
        return comparison


def find(plan: Plan, temperature: float, samples: Samples) -> Finding | None:
    """Compare the samples of a chain, warm-up included, with theory; None if they are too few."""
    counted = samples[plan.warmup :]
    if len(counted) < 2 * BLOCKS:
        return None
    energies = counted[:, 1]
    centre = energies.mean()
    columns = np.column_stack((np.abs(counted[:, 0]), energies, (energies - centre) ** 2))
    random = np.random.default_rng([plan.seed, plan.temperatures.index(temperature)])
    judged = is_judged(temperature)
    # The heat capacity is the energy's fluctuation: C = N (<u^2> - <u>^2) / T^2 a spin.
    scale = plan.size**2 / temperature**2
    return Finding(
        temperature,
        len(samples) * STRIDE,
        # Above the critical temperature |m| of a finite lattice is its noise, not zero.
        Comparison(
            estimate(columns, lambda mean: mean[..., 0], random),
            onsager.magnetisation(temperature),
            judged=judged and temperature < onsager.CRITICAL_TEMPERATURE,
        ),
        Comparison(
            estimate(columns, lambda mean: mean[..., 1], random),
            onsager.energy(temperature),
            judged=judged,
        ),
        Comparison(
            estimate(
                columns, lambda mean: scale * (mean[..., 2] - (mean[..., 1] - centre) ** 2), random
            ),
            onsager.specific_heat(temperature),
            judged=judged,
        ),
        STRIDE * autocorrelation_time(energies),
    )


def worst_z(findings: Sequence[Finding], quantity: str) -> float:
    """The largest |z| of a quantity where it is judged; NaN where it nowhere is."""
    chosen = [finding.comparison(quantity) for finding in findings]
    return float(np.max([abs(c.z) for c in chosen if c.judged] or [np.nan]))


def gates(findings: Sequence[Finding]) -> tuple[Gate, ...]:
    """Theory holds within the errors, and the errors are small enough to mean something."""
    widest = max(finding.energy.measured.error for finding in findings)
    return (
        *(Gate(f"{name}_z", worst_z(findings, name), "<=", Z_LIMIT) for name in QUANTITIES),
        Gate("energy_error", widest, "<=", ERROR_LIMIT),
    )


def to_csv(findings: Sequence[Finding]) -> bytes:
    """One row a temperature; z is empty where theory does not judge."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}{part}" for name in QUANTITIES for part in ("", "_error", "_theory", "_z")]
    writer.writerow(["temperature", "sweeps", *columns, "energy_autocorrelation_sweeps"])
    for finding in findings:
        row: list[object] = [finding.temperature, finding.sweeps]
        for name in QUANTITIES:
            found = finding.comparison(name)
            row += [f"{found.measured.value:.9f}", f"{found.measured.error:.3g}"]
            row += [f"{found.theory:.9f}", f"{found.z:.3f}" if found.judged else ""]
        writer.writerow([*row, f"{finding.autocorrelation:.1f}"])
    return text.getvalue().encode()
