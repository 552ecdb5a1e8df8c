"""What runs inside the image, and what a workload imports.

A workload is a function ``run(settings: Mapping[str, Json], run: Run) -> Result``. It raises
`Interrupted` when it stops because it was asked to, and judges its own work with `Gate`.
"""

from toolkit.runtime.contract import ContractError, Gate, Interrupted, Json, Result, Run

__all__ = ["ContractError", "Gate", "Interrupted", "Json", "Result", "Run"]
