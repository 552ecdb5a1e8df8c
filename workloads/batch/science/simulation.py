"""All chains on their way: dealing out turns, gathering samples, telling how far it is.

Processes take turns of about half a second, after each of which the chain and its samples are back
here: progress, the answer to a stop request and partial results need nothing else.
"""

import time

import numpy as np
from attrs import define, field

from toolkit.runtime import Json, Run
from workloads.batch.science import finite_size, machine
from workloads.batch.science.chain import STRIDE, Chain, Progress, Samples, Trial, Turn
from workloads.batch.science.findings import QUANTITIES, Finding, find
from workloads.batch.science.plan import Cost, Plan
from workloads.batch.science.workers import Workers

_TRIAL_SECONDS = 0.5
_SMALL_TRIAL_SECONDS = 0.1
_TURN_SECONDS = 0.5
_PROGRESS_STEPS = 20  # progress is told that often in a run, ...
_PROGRESS_SECONDS = (5.0, 60.0)  # ... but no sooner than so, and no later
_MEGABYTE = 2**20


def estimate_cost(plan: Plan, workers: Workers, run: Run) -> Cost:
    """Try the plan's lattice for a moment in every process at once, and log what it will cost."""
    chains = [*plan.chains()][: workers.processes]  # copies: the trial does not advance the work
    trials = [Trial(chain, _TRIAL_SECONDS) for chain in chains]
    paces = list(workers.each(trials))
    cost = Cost.of(plan, paces, machine.peak_memory(), _small_seconds(plan, workers))
    run.event(
        "estimate.made",
        lattice=plan.size,
        sweeps=plan.sweeps,
        temperatures=len(plan.temperatures),
        spin_updates=plan.updates,
        processes=workers.processes,
        cores=round(cost.cores, 2),
        updates_per_second=round(cost.updates_per_second),
        seconds=round(cost.seconds, 1),
        memory_mb=cost.memory // _MEGABYTE,
        fits_lambda=cost.fits_lambda,
    )
    return cost


def _small_seconds(plan: Plan, workers: Workers) -> float:
    """How long the small lattices will take, by a trial of each, one after the other."""
    seconds = []
    for chain in finite_size.chains(plan):
        wanted = chain.wanted
        [pace] = workers.each([Trial(chain, _SMALL_TRIAL_SECONDS)])
        seconds.append(wanted / pace.samples_per_second)
    return max(sum(seconds) / workers.processes, *seconds)


@define
class Simulation:
    """The chains by temperature, as they are now, and the samples that they gave."""

    plan: Plan
    run: Run
    cost: Cost
    chains: dict[float, Chain] = field(factory=dict)
    samples: dict[float, list[Samples]] = field(factory=dict)
    findings: list[Finding] = field(factory=list)
    worker_memory: int = 0  # bytes, of the largest process
    _start: float = field(factory=time.perf_counter)
    _told: tuple[int, float] = (0, 0.0)  # the step and the second of the latest progress event

    @property
    def complete(self) -> bool:
        """Whether every temperature has all its samples."""
        finished = [chain for chain in self.chains.values() if chain.finished]
        return len(finished) == len(self.plan.temperatures)

    @property
    def updates(self) -> int:
        """Spin updates done so far."""
        samples = sum(chain.done for chain in self.chains.values())
        return samples * STRIDE * self.plan.size**2

    def simulate(self, workers: Workers) -> None:
        """Run all chains to their end, or to a stop request: then find what there is."""
        per_turn = max(1, int(self.cost.samples_per_second * _TURN_SECONDS))
        for progress in workers.each(
            [Turn(chain, per_turn) for chain in self.plan.chains()],
            then=lambda p: None if p.chain.finished else Turn(p.chain, per_turn),
            stopping=self.run.stopping,
        ):
            self._gather(progress)
        for temperature, chain in self.chains.items():
            if not chain.finished:
                self._find(temperature)
        self.findings.sort(key=lambda finding: finding.temperature)

    def _gather(self, progress: Progress) -> None:
        chain = progress.chain
        self.chains[chain.temperature] = chain
        self.samples.setdefault(chain.temperature, []).append(progress.samples)
        self.worker_memory = max(self.worker_memory, progress.peak_memory)
        if chain.finished:
            self._find(chain.temperature)
        self._tell_progress()

    def _find(self, temperature: float) -> None:
        finding = find(self.plan, temperature, np.concatenate(self.samples[temperature]))
        if finding is None:
            return
        self.findings.append(finding)
        fields: dict[str, Json] = {}
        for name in QUANTITIES:
            comparison = finding.comparison(name)
            fields[name] = round(comparison.measured.value, 6)
            fields[f"{name}_z"] = round(comparison.z, 2) if comparison.judged else None
        fields["autocorrelation_sweeps"] = round(finding.autocorrelation, 1)
        fields["resolved"] = finding.resolved
        self.run.event(
            "temperature.measured", temperature=temperature, sweeps=finding.sweeps, **fields
        )

    def _tell_progress(self) -> None:
        fraction = self.updates / self.plan.updates
        elapsed = time.perf_counter() - self._start
        step, (told_step, told_at) = int(fraction * _PROGRESS_STEPS), self._told
        soonest, latest = _PROGRESS_SECONDS
        due = told_at + (latest if step == told_step else soonest)
        if elapsed < due and not self.complete:
            return
        self._told = (step, elapsed)
        self.run.event(
            "simulation.progressed",
            percent=round(100 * fraction, 1),
            spin_updates=self.updates,
            elapsed_seconds=round(elapsed, 1),
            remaining_seconds=round(elapsed / fraction - elapsed, 1),
        )
