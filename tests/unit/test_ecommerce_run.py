"""A whole run: settings, artifacts, events, gates, and what an interruption leaves behind."""

import csv
import io
import json
import subprocess
import sys
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
import pytest
from attrs import fields
from PIL import Image

from tests.unit.ecommerce_samples import SETTINGS, FakeRun
from toolkit.runtime import catalog
from toolkit.runtime.contract import ContractError, Interrupted, Result
from workloads.batch.ecommerce import Settings, run
from workloads.batch.ecommerce.tables import Table

CATALOG = catalog.load().workload("ecommerce")


@pytest.fixture(scope="module")
def done() -> tuple[FakeRun, Result]:
    fake = FakeRun()
    return fake, run(SETTINGS, fake)


def rows_of(fake: FakeRun, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(fake.saved[name][0].decode())))


def test_the_settings_are_the_variables_of_the_catalog() -> None:
    names = {field.name for field in fields(Settings)}
    assert names == {variable.name.lower() for variable in CATALOG.variables}
    assert Settings.of(CATALOG.settings({})).orders == 2_000_000


def test_too_few_orders_a_day_are_refused_with_the_rule() -> None:
    with pytest.raises(ContractError, match=r"ORDERS=364999, DAYS=3650 .* ORDERS >= 100 \* DAYS"):
        CATALOG.settings({"ORDERS": "364999", "DAYS": "3650"})
    assert CATALOG.settings({"ORDERS": "365000", "DAYS": "3650"})


def test_every_gate_of_a_run_passes(done: tuple[FakeRun, Result]) -> None:
    assert all(gate.passed for gate in done[1].gates)


def test_the_catalog_names_every_gate(done: tuple[FakeRun, Result]) -> None:
    names = {gate.name for gate in done[1].gates}
    assert {name for name in names if any(fnmatchcase(name, p) for p in CATALOG.gates)} == names
    assert all(any(fnmatchcase(name, p) for name in names) for p in CATALOG.gates)


def test_a_run_leaves_the_artifacts_of_the_catalog(done: tuple[FakeRun, Result]) -> None:
    saved = done[0].saved
    assert set(saved) == {artifact.name for artifact in CATALOG.artifacts}
    for artifact in CATALOG.artifacts:
        content, media_type, rows = saved[artifact.name]
        assert media_type == artifact.media_type
        assert len(content) >= artifact.min_bytes
        assert (rows or 0) >= (artifact.min_rows or 0)
        if media_type == "text/csv":
            assert len(rows_of(done[0], artifact.name)) == rows


def test_a_run_logs_the_events_of_the_catalog(done: tuple[FakeRun, Result]) -> None:
    names = [name for name, _ in done[0].events]
    # run.started and run.finished are the runtime's.
    assert set(CATALOG.events) - set(names) == {"run.started", "run.finished"}
    assert names.count("orders.counted") == 10
    (found,) = [event for name, event in done[0].events if name == "anomaly.detected"]
    truth = json.loads(done[0].saved["ground_truth.json"][0])
    assert found["date"] == truth["spike_date"]


def test_the_days_end_before_the_scheduled_one(done: tuple[FakeRun, Result]) -> None:
    days = rows_of(done[0], "daily.csv")
    assert days[0]["date"] == "2024-11-24"
    assert days[-1]["date"] == "2026-11-23"


def test_the_tables_agree_with_the_metrics(done: tuple[FakeRun, Result]) -> None:
    fake, result = done
    metrics = json.loads(fake.saved["metrics.json"][0])
    assert metrics == dict(result.metrics)
    for name in ("daily.csv", "products.csv", "categories.csv", "rfm.csv"):
        revenue = sum(float(row["revenue"]) for row in rows_of(fake, name))
        assert revenue == pytest.approx(metrics["revenue"], abs=0.01), name
    assert sum(int(row["orders"]) for row in rows_of(fake, "daily.csv")) == SETTINGS["orders"]
    assert sum(int(row["customers"]) for row in rows_of(fake, "rfm.csv")) == metrics["customers"]
    assert sum(int(row["anomaly"]) for row in rows_of(fake, "daily.csv")) == 1


def test_the_factors_of_a_day_multiply_to_its_orders(done: tuple[FakeRun, Result]) -> None:
    factors = ("trend", "weekday_factor", "annual_factor", "promotion_factor", "remainder_factor")
    for row in rows_of(done[0], "daily.csv"):
        product = np.prod([float(row[name]) for name in factors])
        assert product == pytest.approx(int(row["orders"]), rel=2e-3)


def test_the_triangle_has_a_cell_for_each_age_that_a_cohort_reached(
    done: tuple[FakeRun, Result],
) -> None:
    for index, row in enumerate(rows_of(done[0], "cohorts.csv")):
        shares = [row[f"period_{age}"] for age in range(26)]
        assert shares[0] == "1.0000"
        assert [bool(share) for share in shares] == [age < 26 - index for age in range(26)]


def test_the_same_settings_give_the_same_bytes_whatever_the_chunks(
    done: tuple[FakeRun, Result],
) -> None:
    again = FakeRun()
    run({**SETTINGS, "chunk_orders": 1_237}, again)
    assert again.saved == done[0].saved


def test_an_interrupted_run_keeps_the_days_that_were_counted(
    done: tuple[FakeRun, Result],
) -> None:
    fake = FakeRun(chunks=6)
    with pytest.raises(Interrupted) as caught:
        run(SETTINGS, fake)
    assert set(fake.saved) == {"daily-partial.csv"}
    assert 0 < caught.value.result.metrics["orders"] < SETTINGS["orders"]
    kept = rows_of(fake, "daily-partial.csv")
    assert len(kept) == caught.value.result.metrics["days"]
    whole = rows_of(done[0], "daily.csv")[: len(kept)]
    assert kept == [{name: row[name] for name in kept[0]} for row in whole]


def test_a_run_stopped_before_its_first_order_ends_in_peace() -> None:
    fake = FakeRun(chunks=0)
    with pytest.raises(Interrupted):
        run(SETTINGS, fake)
    assert fake.saved["daily-partial.csv"][2] == 0


def test_no_panel_of_the_dashboard_is_blank(done: tuple[FakeRun, Result]) -> None:
    picture = Image.open(io.BytesIO(done[0].saved["ecommerce.png"][0])).convert("RGB")
    assert picture.size == (1400, 1800)
    pixels = np.asarray(picture) @ np.array([1 << 16, 1 << 8, 1])
    for row in np.array_split(pixels, 6, axis=0):
        for block in np.array_split(row, 3, axis=1):
            assert 0.01 < (block != 0xFFFFFF).mean() < 0.95
            assert np.unique(block).size > 20


def test_matplotlib_is_not_loaded_before_it_is_needed() -> None:
    code = "import sys, workloads.batch.ecommerce as _; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "pandas" in loaded
    assert not {"matplotlib", "boto3", "PIL"} & set(loaded)


def test_a_table_keeps_the_digits_of_its_values() -> None:
    # 2.675 is stored as 2.67499999...: two decimals are 2.67, and round() alone would keep more.
    frame = pd.DataFrame({"name": ["a", "b, c"], "value": [2.675, np.nan], "count": [1, 2]})
    assert Table("t.csv", frame, {"value": 2}).content() == (
        b'name,value,count\na,2.67,1\n"b, c",,2\n'
    )
