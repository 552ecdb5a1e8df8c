"""The workload `report`, a program, without AWS."""

from pathlib import Path

from toolkit.runtime.testing import FakeRun, run_program


def test_it_greets_by_name(tmp_path: Path) -> None:
    """Its artifact holds the name, and its gate holds."""
    fake = FakeRun(tmp_path)
    result = run_program("report", fake, {"NAME": "Ada"})
    assert fake.saved["greeting.txt"].startswith(b"Hello, Ada!")
    assert all(gate.passed for gate in result.gates)
