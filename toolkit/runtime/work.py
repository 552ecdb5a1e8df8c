"""What a workload runs: a Python function, or a program."""

import importlib
from collections.abc import Mapping
from typing import Protocol

from attrs import frozen

from toolkit.runtime.contract import Json, Result, Run
from toolkit.runtime.task import RunInput


class Work(Protocol):
    """The work of one run."""

    def run(self, run: Run) -> Result:
        """Do it; an exception fails the run."""

    def kill(self) -> None:
        """End at once whatever does not end with this process."""


@frozen
class Function:
    """A function ``module:name`` that takes the settings and a run."""

    entry_point: str
    settings: Mapping[str, Json]

    def run(self, run: Run) -> Result:
        """Import and call it."""
        module, _, name = self.entry_point.partition(":")
        result = getattr(importlib.import_module(module), name)(self.settings, run)
        if not isinstance(result, Result):
            raise TypeError(f"{self.entry_point} returned no Result but {result!r}")
        return result

    def kill(self) -> None:
        """Nothing to do: it ends with this process."""


def work_of(task: RunInput, environment: Mapping[str, str], grace: float) -> Work:
    """The work of a run; ``grace`` is what it has from a request to stop."""
    workload = task.workload
    if not workload.command:
        return Function(workload.entry_point, task.settings)
    from toolkit.runtime.command import Program  # what it imports takes its time

    return Program(
        command=workload.command,
        settings={row.name: environment.get(row.name, row.default) for row in workload.variables},
        environment=environment,
        secrets=task.hidden,
        grace=grace,
        media_types={row.name: row.media_type for row in workload.artifacts},
    )
