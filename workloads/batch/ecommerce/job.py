"""A run of the workload: plant, stream, count, analyse, save, compare with the truth."""

import json
from collections.abc import Mapping
from datetime import timedelta

from toolkit.runtime import Interrupted, Json, Result, Run
from workloads.batch.ecommerce import check, tables
from workloads.batch.ecommerce.analysis import Analysis
from workloads.batch.ecommerce.generator import stream
from workloads.batch.ecommerce.market import Market
from workloads.batch.ecommerce.orders import Calendar
from workloads.batch.ecommerce.settings import Settings
from workloads.batch.ecommerce.tally import Tally

_PROGRESS_STEPS = 10


def run(settings: Mapping[str, Json], run: Run) -> Result:
    """Analyse the synthetic orders of the days before the scheduled one.

    Raises Interrupted, with ``daily-partial.csv`` saved, when the run is asked to stop.
    """
    chosen = Settings.of(settings)
    start = run.scheduled_time.date() - timedelta(days=chosen.days)
    market = Market.draw(Calendar(start, chosen.days), chosen.seed)
    run.event("market.planted", orders=chosen.orders, start=start.isoformat(), days=chosen.days)
    analysis = Analysis.of(_count(market, chosen, run))
    for anomaly in analysis.anomalies:
        run.event(
            "anomaly.detected",
            date=analysis.calendar.date(anomaly.day).isoformat(),
            factor=round(anomaly.factor, 3),
            z=round(anomaly.z, 1),
        )
    gates = check.judge(analysis, market, chosen.orders)
    result = Result(analysis.metrics(), gates)
    _save(analysis, market, result, run)
    failed: list[Json] = [gate.name for gate in gates if not gate.passed]
    run.event("truth.compared", gates=len(gates), failed=failed)
    return result


def _count(market: Market, chosen: Settings, run: Run) -> Tally:
    """Stream the order log through the tally."""
    tally = Tally(market.calendar)
    done, step = 0, 0
    for orders in stream(market, chosen.orders, chosen.chunk_orders):
        if run.stopping():
            _save_table(tables.partial_daily(tally), run)
            raise Interrupted(Result({"orders": tally.orders, "days": tally.last_day}))
        tally.add(orders)
        done += len(orders)
        if done * _PROGRESS_STEPS // chosen.orders > step:
            step = done * _PROGRESS_STEPS // chosen.orders
            run.event("orders.counted", orders=done, percent=100 * done // chosen.orders)
    tally.finish()
    return tally


def _save(analysis: Analysis, market: Market, result: Result, run: Run) -> None:
    """Save the results and, beside them, the truth that the analysis never read."""
    from workloads.batch.ecommerce import dashboard  # matplotlib: not before it is needed

    for table in tables.tables(analysis):
        _save_table(table, run)
    _save_json("metrics.json", dict(result.metrics), run)
    _save_json("ground_truth.json", market.to_json(), run)
    picture = dashboard.draw(analysis, run.run_id, run.origin)
    run.save("ecommerce.png", picture, media_type="image/png")


def _save_table(table: tables.Table, run: Run) -> None:
    run.save(table.name, table.content(), media_type="text/csv", rows=len(table.frame))


def _save_json(name: str, document: Mapping[str, Json], run: Run) -> None:
    content = json.dumps(document, indent=1, allow_nan=False).encode() + b"\n"
    run.save(name, content, media_type="application/json")
