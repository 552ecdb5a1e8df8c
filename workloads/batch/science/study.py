"""The study: simulate every temperature, compare with theory, judge, and save what was found."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.runtime import Gate, Interrupted, Json, Result, Run
from workloads.batch.science import findings as found
from workloads.batch.science import finite_size, heat, machine, plot
from workloads.batch.science.finite_size import Small
from workloads.batch.science.heat import Convergence
from workloads.batch.science.plan import Plan, Settings
from workloads.batch.science.simulation import Simulation, estimate_cost
from workloads.batch.science.workers import Workers

ORDER_LIMITS = (1.9, 2.1)


def run(settings: Mapping[str, Any], run: Run) -> Result:
    """The workload's entry point: ``settings`` are its variables of the catalog in lower case."""
    chosen = Settings(**settings)
    plan = Plan.scaled(chosen.science_scale, chosen.seed)
    return conduct(plan, chosen.science_processes or machine.cores(), run)


def conduct(plan: Plan, processes: int, run: Run) -> Result:
    """Carry out a plan; raises Interrupted, with what there is saved, when asked to stop."""
    start = time.perf_counter()
    convergence = heat.converge()
    run.event(
        "heat.converged",
        grids=[*convergence.grids],
        errors=[float(f"{error:.3g}") for error in convergence.errors],
        orders=[round(order, 4) for order in convergence.orders],
    )
    with Workers(min(processes, len(plan.temperatures))) as workers:
        cost = estimate_cost(plan, workers, run)
        simulation = Simulation(plan, run, cost)
        simulation.simulate(workers)
        per_turn = max(1, plan.samples // 10)
        small = finite_size.measure(plan, workers, run, per_turn)
    complete = simulation.complete and len(small) == len(finite_size.sizes(plan))
    gates = _gates(simulation, small, convergence) if complete else ()
    _save(simulation, small, convergence)
    metrics = {
        **_cost_metrics(simulation, workers.processes, time.perf_counter() - start),
        **finite_size.metrics(small),
        **{gate.name: gate.value for gate in gates},
    }
    run.save("metrics.json", _to_json(metrics), media_type="application/json")
    if not complete:
        raise Interrupted(Result(metrics))
    return Result(metrics, gates)


def _gates(
    simulation: Simulation, small: Sequence[Small], convergence: Convergence
) -> tuple[Gate, ...]:
    lowest, highest = ORDER_LIMITS
    return (
        *found.gates(simulation.findings),
        *finite_size.gates(small),
        Gate("heat_order_lowest", min(convergence.orders), ">=", lowest),
        Gate("heat_order_highest", max(convergence.orders), "<=", highest),
    )


def _cost_metrics(simulation: Simulation, processes: int, elapsed: float) -> dict[str, Json]:
    """What was done and what it cost, beside the estimate."""
    plan, cost = simulation.plan, simulation.cost
    workers = simulation.worker_memory * processes if processes > 1 else 0
    return {
        "lattice": plan.size,
        "sweeps": plan.sweeps,
        "temperatures": len(plan.temperatures),
        "temperatures_measured": len(simulation.findings),
        "processes": processes,
        "cores": round(cost.cores, 2),
        "spin_updates": simulation.updates,
        "elapsed_seconds": round(elapsed, 1),
        "estimated_seconds": round(cost.seconds, 1),
        "memory_mb": (machine.peak_memory() + workers) // 2**20,
        "estimated_memory_mb": cost.memory // 2**20,
    }


def _save(simulation: Simulation, small: Sequence[Small], convergence: Convergence) -> None:
    run, plan, findings = simulation.run, simulation.plan, simulation.findings
    run.save("results.csv", found.to_csv(findings), media_type="text/csv", rows=len(findings))
    figure = plot.comparison(plan, findings, small, convergence, run.origin)
    run.save("science.png", figure, media_type="image/png")
    lattices = {t: chain.lattice.unpack() for t, chain in simulation.chains.items()}
    run.save("lattices.png", plot.snapshots(plan, lattices, run.origin), media_type="image/png")


def _to_json(metrics: Mapping[str, Json]) -> bytes:
    return json.dumps(metrics, indent=1).encode() + b"\n"
