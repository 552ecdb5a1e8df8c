"""The workload `report`, a program, without AWS."""

from pathlib import Path

from toolkit.runtime.testing import FakeRun, run_program


def test_it_ends_well(tmp_path: Path) -> None:
    """It ends with exit code 0, and what it leaves can be saved."""
    result = run_program("report", FakeRun(tmp_path))
    assert all(gate.passed for gate in result.gates)
