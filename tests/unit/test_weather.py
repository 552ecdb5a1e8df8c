"""The weather workload, run whole on the real Seattle data."""

import csv
import json
from pathlib import Path

import pytest

from tests.unit.fake_run import FakeRun
from workloads import catalog
from workloads.batch.weather import run
from workloads.contract import Json

WEATHER = catalog.load().workload("weather")


def settings(**environment: str) -> dict[str, Json]:
    return WEATHER.settings({"SOURCE": "vega-seattle", **environment})


def test_seattle_reaches_the_published_skill_and_leaves_every_artifact(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path)
    result = run(settings(), fake)
    assert all(gate.passed for gate in result.gates)
    for expected in WEATHER.artifacts:
        artifact = fake.artifacts[expected.name]
        assert artifact.media_type == expected.media_type
        assert artifact.bytes >= expected.min_bytes
        assert (artifact.rows or 0) >= (expected.min_rows or 0)
    scores = json.loads(fake.saved["metrics.json"])["stations"]["USW00024233"]["scores"]
    assert scores[0]["skill_persistence"] == pytest.approx(0.148, abs=0.003)
    assert scores[0]["skill_climatology"] == pytest.approx(0.494, abs=0.005)
    rows = list(csv.DictReader(fake.saved["forecast.csv"].decode().splitlines()))
    assert len(rows) == fake.artifacts["forecast.csv"].rows == 365 * 7
