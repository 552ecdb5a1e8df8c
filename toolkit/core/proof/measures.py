"""What a witness measured of a run: how late it started, how long it took, what it cost."""

from contextlib import suppress

from attrs import evolve, frozen

from toolkit.core.cost import prices, run_cost
from toolkit.core.proof.ledger import Firing
from toolkit.core.task import Task
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import ContractError, parse_time


@frozen
class Measures:
    """Seconds from the firing to the container's start, seconds that the container ran, dollars.

    None is what no witness says. Only the run's own task counts, not a duplicate delivery's.
    """

    delay: float | None = None
    seconds: float | None = None
    dollars: float | None = None


def measured(firing: Firing, workload: Workload | None) -> Measures:
    """The measures of a firing; ``workload`` tells the size of a task whose witness does not."""
    task = firing.task
    if task is None or not task.stopped:
        return Measures()
    with suppress(ContractError, ValueError):
        took, start = task.duration(), task.times.get("startedAt")
        late = parse_time(start) - firing.run_id.scheduled_time if start else None
        return Measures(
            None if late is None else late.total_seconds(),
            None if took is None else took.total_seconds(),
            _dollars(task, workload),
        )
    return Measures()


def _dollars(task: Task, workload: Workload | None) -> float | None:
    if not (task.cpu and task.memory) and workload is not None:
        task = evolve(task, cpu=str(workload.cpu), memory=str(workload.memory))
    return run_cost(task, prices(task.region)) if task.region else None
