"""Add a workload to a project: its module, its test, its schedule and its table in the catalog."""

from pathlib import Path

from toolkit.adapters.new_files import Written, write_new
from toolkit.adapters.project import Project
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name
from toolkit.project import starter


def add(directory: Path, name: str) -> Written:
    """Write the files of the workload ``name`` and append its table; raises ConfigError.

    A file that is there stays, and so does a table: then there is nothing to add.
    """
    project = Project.find(directory)
    check_name("workload", name)
    if name in project.catalog.workloads:
        raise ConfigError(f"workloads/catalog.toml has a workload {name} already")
    written = write_new(project.root, starter.new_workload(name))
    project.append_to_catalog(starter.catalog_table(name))
    return written
