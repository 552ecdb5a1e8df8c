"""Ten million orders: the whole workload against one groupby of its peers.

    python benchmarks/ecommerce.py [--orders N] [--rounds N]
    python benchmarks/ecommerce.py --recovery 200     # the largest errors that check.py names

Each contender runs in a process of its own, the rounds interleaved; medians are shown. The peers
generate three columns (day, category, value) and sum value by day and category, once. Ours
generates seven columns and finds all trends; the whole run also saves the tables and the plot and
compares with the truth. polars and duckdb take part where they are installed.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
DAYS, SEED, CHUNK_ORDERS = 730, 1, 131_072


class Discard:
    """A Run that keeps nothing."""

    run_id = "ecommerce-20261124T033000Z"
    scheduled_time = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)

    def event(self, name: str, **fields: Any) -> None: ...

    def save(self, name: str, content: bytes, **fields: Any) -> None: ...

    def stopping(self) -> bool:
        return False


def workload(orders: int) -> None:
    from workloads.batch.ecommerce import run

    settings = {"orders": orders, "days": DAYS, "seed": SEED, "chunk_orders": CHUNK_ORDERS}
    result = run(settings, Discard())
    assert all(gate.passed for gate in result.gates)


def analysis(orders: int) -> None:
    from workloads.batch.ecommerce.analysis import Analysis
    from workloads.batch.ecommerce.generator import stream
    from workloads.batch.ecommerce.tally import Tally

    market = draw(SEED)
    tally = Tally(market.calendar)
    for chunk in stream(market, orders, CHUNK_ORDERS):
        tally.add(chunk)
    tally.finish()
    assert Analysis.of(tally).metrics()["orders"] == orders


def generation(orders: int) -> None:
    from workloads.batch.ecommerce.generator import stream

    assert sum(len(chunk) for chunk in stream(draw(SEED), orders, CHUNK_ORDERS)) == orders


def draw(seed: int, days: int = DAYS) -> Any:
    from workloads.batch.ecommerce.market import Market
    from workloads.batch.ecommerce.orders import Calendar

    return Market.draw(Calendar(date(2026, 11, 24) - timedelta(days=days), days), seed)


def columns(orders: int) -> dict[str, Any]:
    """Three columns as people generate them: 64 bits each."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    return {
        "day": rng.integers(DAYS, size=orders),
        "category": rng.integers(8, size=orders),
        "value": rng.lognormal(4, 0.5, orders),
    }


def narrow_columns(orders: int) -> dict[str, Any]:
    """The same three columns as fast and as small as numpy can: 7 bytes an order."""
    import numpy as np

    rng = np.random.Generator(np.random.SFC64(SEED))
    return {
        "day": rng.integers(DAYS, size=orders, dtype=np.int16),
        "category": rng.integers(8, size=orders, dtype=np.int8),
        "value": np.exp(4 + 0.5 * rng.standard_normal(orders, dtype=np.float32)),
    }


def pandas_groupby(orders: int, generate: Callable[[int], dict[str, Any]] = columns) -> None:
    import pandas as pd

    groups = pd.DataFrame(generate(orders)).groupby(["day", "category"])
    assert groups["value"].agg(["sum", "count"])["count"].sum() == orders


def pandas_narrow(orders: int) -> None:
    pandas_groupby(orders, narrow_columns)


def polars_groupby(orders: int) -> None:
    import polars as pl

    value = pl.col("value")
    sums = pl.DataFrame(columns(orders)).group_by("day", "category")
    assert sums.agg(value.sum(), value.count().alias("n"))["n"].sum() == orders


def duckdb_groupby(orders: int) -> None:
    import duckdb

    data = columns(orders)  # noqa: F841 - duckdb finds it by its name
    sums = "SELECT day, category, sum(value), count(*) AS n FROM data GROUP BY day, category"
    assert duckdb.sql(f"SELECT sum(n) FROM ({sums})").fetchall() == [(orders,)]


def numpy_bincount(orders: int) -> None:
    import numpy as np

    data = columns(orders)
    cell = data["day"] * 8 + data["category"]
    sums, counts = np.bincount(cell, data["value"]), np.bincount(cell)
    assert counts.sum() == orders
    assert sums.size == counts.size


CONTENDERS: dict[str, tuple[Callable[[int], None], str | None]] = {
    "ours: generate, analyse": (analysis, None),
    "ours: whole run with plot": (workload, None),
    "ours: generate only": (generation, None),
    "pandas, one groupby": (pandas_groupby, "pandas"),
    "pandas, narrow columns": (pandas_narrow, "pandas"),
    "polars, one groupby": (polars_groupby, "polars"),
    "duckdb, one groupby": (duckdb_groupby, "duckdb"),
    "numpy, one bincount": (numpy_bincount, None),
}


def measure(name: str, orders: int) -> None:
    """Run one contender here and print what it took, imports included."""
    started = time.perf_counter()
    CONTENDERS[name][0](orders)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    taken = {
        "seconds": time.perf_counter() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "rss": usage.ru_maxrss / 1024,
    }
    print(json.dumps(taken))


def compare(orders: int, rounds: int) -> None:
    names = [n for n, (_, module) in CONTENDERS.items() if module is None or find_spec(module)]
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            command = [sys.executable, __file__, "--orders", str(orders), "--only", name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            taken[name].append(json.loads(output))
    print(f"{orders:,} orders, median of {rounds}; seconds include imports\n")
    print(
        f"{'':26} {'seconds':>8} {'CPU s':>7} {'peak MB':>8} {'x time':>7} {'x CPU':>6} {'x MB':>6}"
    )
    medians = {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for name, rows in taken.items()
    }
    base = medians[names[0]]
    for name, row in medians.items():
        times, cpu, memory = (row[key] / base[key] for key in ("seconds", "cpu", "rss"))
        numbers = f"{row['seconds']:8.2f} {row['cpu']:7.2f} {row['rss']:8.0f}"
        print(f"{name:26} {numbers} {times:7.2f} {cpu:6.2f} {memory:6.2f}")


def recover(seeds: int, orders: int) -> None:
    """Print the largest error of each estimate over many shops, beside the limit."""
    from workloads.batch.ecommerce import check
    from workloads.batch.ecommerce.analysis import Analysis
    from workloads.batch.ecommerce.generator import stream
    from workloads.batch.ecommerce.tally import Tally

    worst: dict[str, float] = {}
    failed = 0
    for seed in range(seeds):
        market = draw(seed)
        tally = Tally(market.calendar)
        for chunk in stream(market, orders, CHUNK_ORDERS):
            tally.add(chunk)
        tally.finish()
        found = Analysis.of(tally)
        for name, error in check.errors(found, market).items():
            worst[name] = max(worst.get(name, 0.0), error)
        failed += not all(gate.passed for gate in check.judge(found, market, orders))
    limits = check.tolerances(found)
    print(f"{seeds} shops of {orders:,} orders over {DAYS} days; {failed} failed a gate\n")
    print(f"{'':22} {'largest error':>14} {'limit':>9}")
    for name, error in worst.items():
        print(f"{name:22} {error:14.5f} {limits[name]:9.5f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="The e-commerce workload against its peers.")
    parser.add_argument("--orders", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recovery", type=int, metavar="SEEDS")
    parser.add_argument("--only", choices=CONTENDERS, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        if not chosen.only.startswith(("duckdb", "polars")):
            sys.modules["pyarrow"] = None  # pandas would load it; the image has none
        measure(chosen.only, chosen.orders)
    elif chosen.recovery:
        recover(chosen.recovery, chosen.orders or 2_000 * DAYS)
    else:
        compare(chosen.orders or 10_000_000, chosen.rounds)


if __name__ == "__main__":
    main()
