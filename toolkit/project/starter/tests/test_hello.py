"""The workload `hello`, without AWS."""

from pathlib import Path

from toolkit.runtime.testing import FakeRun
from workloads.hello import run


def test_it_greets_by_name(tmp_path: Path) -> None:
    """Its artifact holds the name, and its gate holds."""
    fake = FakeRun(tmp_path)
    result = run({"name": "Ada"}, fake)
    assert fake.saved["greeting.txt"].startswith(b"Hello, Ada!")
    assert all(gate.passed for gate in result.gates)
