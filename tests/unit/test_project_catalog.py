"""A project's catalog is a file of its own; nothing stands in for it."""

from pathlib import Path

import pytest

from toolkit.adapters.project.project import Project
from toolkit.core.errors import ConfigError, ToolkitError
from toolkit.runtime.contract import ContractError

WORKLOAD = """
[workloads.tides]
summary = "Tides"
entry_point = "workloads.tides:run"
cpu = 256
memory = 512
max_runtime_seconds = 60
"""


def project(folder: Path, text: bytes | None) -> Project:
    (folder / "toolkit.toml").write_text('[default]\napp = "tides"\n')
    if text is not None:
        (folder / "workloads").mkdir()
        (folder / "workloads" / "catalog.toml").write_bytes(text)
    return Project.find(folder)


def test_the_catalog_is_the_file_of_the_project(tmp_path: Path) -> None:
    assert set(project(tmp_path, WORKLOAD.encode()).catalog.workloads) == {"tides"}


def test_a_project_is_found_without_reading_its_catalog(tmp_path: Path) -> None:
    assert project(tmp_path, b"\xff").root == tmp_path


def test_a_missing_catalog_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"workloads/catalog\.toml is missing in"):
        _ = project(tmp_path, None).catalog


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff", r"workloads/catalog\.toml is not UTF-8"),
        (b"[workloads", r"workloads/catalog\.toml is not TOML"),
        (b"workloads = 3", "workloads is not a table"),
        (b"workloads = []", "workloads is not a table"),
        (b"[workloads]\ntides = 3", r"workload tides: write a table \[workloads\.tides\]"),
        (b"[workloads.tides]\ncpu = 256", "workload tides"),
        (b"[workloads.tides]\nvariables = 3", "workload tides"),
        (b"[workloads.tides.variables]\nDAY = 3", "workload tides"),
        (b"[workloads.tides.artifacts]\n'a.csv' = 3", "workload tides"),
    ],
)
def test_a_catalog_that_cannot_be_read_is_one_clear_error(
    tmp_path: Path, text: bytes, message: str
) -> None:
    with pytest.raises((ToolkitError, ContractError), match=message):
        _ = project(tmp_path, text).catalog


def test_a_catalog_without_workloads_is_empty(tmp_path: Path) -> None:
    assert project(tmp_path, b"").catalog.workloads == {}
