"""What the samples of a chain say, held against theory."""

import csv
import io
import math
from collections.abc import Callable, Sequence

import numpy as np
from attrs import frozen

from toolkit.runtime import Gate
from workloads.batch.science import onsager
from workloads.batch.science.bootstrap import (
    BLOCKS,
    Array,
    Estimate,
    autocorrelation_time,
    blocks_for,
    estimate,
)
from workloads.batch.science.chain import STRIDE, Samples
from workloads.batch.science.plan import Plan, is_judged

QUANTITIES = ("magnetisation", "energy", "specific_heat")
# Twenty seeds at the least scale gave 560 comparisons: |z| was 3.2 at most, 1.09 in the mean square
# root, as Student's t with 31 degrees of freedom would have it. Five is no chance.
Z_LIMIT = 5.0
ERROR_LIMIT = 0.01  # of the energy per spin: a wide error would agree with any theory
_CAUTION = 4
RESOLVED_LIMIT = 0.75  # of the comparisons that theory allows: too few samples tell nothing


@frozen
class Comparison:
    """A measured quantity and its theory; ``judged`` if the difference has to be noise.

    ``comparable`` says that theory holds for this quantity here; it is judged if the samples
    resolve its error, too.
    """

    measured: Estimate
    theory: float
    comparable: bool

    @property
    def judged(self) -> bool:
        """Whether the difference from theory counts."""
        return self.comparable and math.isfinite(self.measured.error)

    @property
    def z(self) -> float:
        """The difference in standard errors."""
        return self.measured.z(self.theory)


@frozen
class Finding:
    """What one temperature gave, per spin.

    ``autocorrelation`` is that of the slowest of the measured quantities, in sweeps. Where the
    samples are too few for it, the finding is not ``resolved``: it has values, but no errors.
    """

    temperature: float
    sweeps: int
    magnetisation: Comparison
    energy: Comparison
    specific_heat: Comparison
    susceptibility: Estimate
    binder: Estimate
    autocorrelation: float
    resolved: bool

    def comparison(self, quantity: str) -> Comparison:
        """One of QUANTITIES."""
        comparison: Comparison = getattr(self, quantity)
        return comparison


def find(plan: Plan, temperature: float, samples: Samples) -> Finding | None:
    """Compare the samples of a chain, warm-up included, with theory; None if they are too few."""
    counted = samples[plan.warmup :]
    if len(counted) < 2 * BLOCKS:
        return None
    magnetisation, energies = np.abs(counted[:, 0]), counted[:, 1]
    centre = energies.mean()
    squares = (energies - centre) ** 2
    columns = np.column_stack(
        (magnetisation, energies, squares, magnetisation**2, magnetisation**4)
    )
    # All quantities feel the same slow modes, some of them too faintly to show how slow they are.
    slowest = max(autocorrelation_time(series) for series in (magnetisation, energies, squares))
    comparable = is_judged(temperature)
    # Close to the critical point whole lattices turn over now and then: rarer than any such time.
    blocks = blocks_for(len(counted), slowest if comparable else _CAUTION * slowest)
    random = np.random.default_rng([plan.seed, plan.temperatures.index(temperature)])

    def measure(statistic: Callable[[Array], Array]) -> Estimate:
        return estimate(columns, statistic, random, blocks=blocks)

    # Fluctuations a spin: C = N (<u^2> - <u>^2) / T^2 and chi = N (<m^2> - <|m|>^2) / T.
    sites = plan.size**2
    return Finding(
        temperature,
        len(samples) * STRIDE,
        # Above the critical temperature |m| of a finite lattice is its noise, not zero.
        magnetisation=Comparison(
            measure(lambda mean: mean[..., 0]),
            onsager.magnetisation(temperature),
            comparable=comparable and temperature < onsager.CRITICAL_TEMPERATURE,
        ),
        energy=Comparison(
            measure(lambda mean: mean[..., 1]),
            onsager.energy(temperature),
            comparable=comparable,
        ),
        specific_heat=Comparison(
            measure(
                lambda mean: sites / temperature**2 * (mean[..., 2] - (mean[..., 1] - centre) ** 2)
            ),
            onsager.specific_heat(temperature),
            comparable=comparable,
        ),
        susceptibility=measure(
            lambda mean: sites / temperature * (mean[..., 3] - mean[..., 0] ** 2)
        ),
        binder=measure(lambda mean: 1 - mean[..., 4] / (3 * mean[..., 3] ** 2)),
        autocorrelation=STRIDE * slowest,
        resolved=blocks is not None,
    )


def worst_z(findings: Sequence[Finding], quantity: str) -> float:
    """The largest |z| of a quantity where it is judged; NaN where it nowhere is."""
    chosen = [finding.comparison(quantity) for finding in findings]
    return float(np.max([abs(c.z) for c in chosen if c.judged] or [np.nan]))


def resolved_share(findings: Sequence[Finding]) -> float:
    """The share of the comparisons that theory allows whose errors the samples resolve."""
    every = [finding.comparison(name) for finding in findings for name in QUANTITIES]
    comparable = [comparison for comparison in every if comparison.comparable]
    return sum(c.judged for c in comparable) / len(comparable) if comparable else math.nan


def gates(findings: Sequence[Finding]) -> tuple[Gate, ...]:
    """Theory holds within the errors, and the errors are small enough to mean something."""
    widest = max((f.energy.measured.error for f in findings if f.resolved), default=math.nan)
    return (
        *(Gate(f"{name}_z", worst_z(findings, name), "<=", Z_LIMIT) for name in QUANTITIES),
        Gate("energy_error", widest, "<=", ERROR_LIMIT),
        Gate("resolved_share", resolved_share(findings), ">=", RESOLVED_LIMIT),
    )


def to_csv(findings: Sequence[Finding]) -> bytes:
    """One row a temperature; z is empty where theory does not judge, an error where none is known.

    Only ``resolved`` rows have errors.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    columns = [f"{name}{part}" for name in QUANTITIES for part in ("", "_error", "_theory", "_z")]
    columns += ["susceptibility", "susceptibility_error", "binder", "binder_error"]
    writer.writerow(["temperature", "sweeps", *columns, "autocorrelation_sweeps", "resolved"])
    for finding in findings:
        row: list[object] = [finding.temperature, finding.sweeps]
        for name in QUANTITIES:
            found = finding.comparison(name)
            row += _told(found.measured)
            row += [f"{found.theory:.9f}", f"{found.z:.3f}" if found.judged else ""]
        row += [*_told(finding.susceptibility), *_told(finding.binder)]
        writer.writerow([*row, f"{finding.autocorrelation:.1f}", int(finding.resolved)])
    return text.getvalue().encode()


def _told(measured: Estimate) -> list[str]:
    error = f"{measured.error:.3g}" if math.isfinite(measured.error) else ""
    return [f"{measured.value:.9f}", error]
