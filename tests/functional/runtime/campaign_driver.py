"""``python -m toolkit.runtime`` for the fault campaign: a small workload that saves two tables."""

import sys
from collections.abc import Mapping

from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import Json, Result, Run
from toolkit.runtime.runtime import main

CATALOG = Catalog(
    {
        "probe": Workload(
            name="probe",
            summary="for the test",
            kind="batch",
            entry_point="tests.functional.runtime.campaign_driver:two_tables",
            cpu=256,
            memory=512,
            max_runtime_seconds=600,
        )
    }
)


def two_tables(_settings: Mapping[str, Json], run: Run) -> Result:
    """Save two tables."""
    run.save("first.csv", b"a\n1\n", media_type="text/csv", rows=1)
    run.save("second.csv", b"a\n2\n", media_type="text/csv", rows=1)
    return Result(metrics={"tables": 2})


if __name__ == "__main__":
    sys.exit(main(catalog=CATALOG))
