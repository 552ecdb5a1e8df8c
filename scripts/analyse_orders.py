"""Analyse orders of one's own: ``python scripts/analyse_orders.py orders.csv --out report``."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from toolkit.runtime import ContractError
from workloads.batch.ecommerce import tables
from workloads.batch.ecommerce.own import OPTIONAL, REQUIRED, OwnOrders, read


def main(arguments: list[str] | None = None) -> int:
    """Write the tables, metrics and dashboard of a file of orders; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=f"Analyse a CSV or Parquet file with a row an order. Its columns: "
        f"{', '.join(REQUIRED)}; optional: {', '.join(OPTIONAL)}.",
    )
    parser.add_argument("orders", type=Path, help="the file; Parquet needs pyarrow")
    parser.add_argument("--out", type=Path, required=True, help="a folder for the report")
    parser.add_argument("--currency", default="", help="what stands before an amount, such as $")
    parser.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="a column's name in the file, such as customer=customer_id; repeatable",
    )
    given = parser.parse_args(arguments)
    columns = dict(pair.partition("=")[::2] for pair in given.column)
    unknown = columns.keys() - {*REQUIRED, *OPTIONAL}
    if unknown:
        parser.error(f"--column: no column is called {', '.join(sorted(unknown))}")
    try:
        own = OwnOrders.of(
            read(given.orders, columns), currency=given.currency, origin=given.orders.name
        )
    except ContractError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _write(own, given.out)
    return 0


def _write(own: OwnOrders, folder: Path) -> None:
    from workloads.batch.ecommerce import dashboard

    analysis = own.analyse()
    folder.mkdir(parents=True, exist_ok=True)
    for table in tables.tables(analysis):
        (folder / table.name).write_bytes(table.content())
    metrics = {**analysis.metrics(), "rejected_rows": own.rejected}
    text = json.dumps(metrics, indent=1, allow_nan=False)
    (folder / "metrics.json").write_text(text + "\n", encoding="utf-8")
    (folder / "ecommerce.png").write_bytes(dashboard.draw(analysis, "own data"))
    print(text)


if __name__ == "__main__":
    sys.exit(main())
