"""What can run: the project's workloads, and the schedules that run them."""

from pathlib import Path
from typing import Any

from attrs import asdict, frozen

from toolkit.adapters.project.project import Project
from toolkit.runtime.catalog import Workload


@frozen
class ScheduledWorkload:
    """A workload of the catalog, and the names of its schedules."""

    workload: Workload
    schedules: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The workload as a JSON object."""
        return {**asdict(self.workload), "schedules": list(self.schedules)}


def listed(directory: Path, name: str | None = None) -> list[ScheduledWorkload]:
    """All workloads of a project by name, or the one of that name; raises ConfigError."""
    project = Project.find(directory)
    catalog = project.catalog
    names = [name] if name is not None else sorted(catalog.workloads)
    workloads = [catalog.workload(wanted) for wanted in names]
    schedules = project.schedules(None).values()
    return [
        ScheduledWorkload(
            workload,
            tuple(sorted(row.name for row in schedules if row.workload == workload.name)),
        )
        for workload in workloads
    ]
