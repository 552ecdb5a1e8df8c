"""The execution contract's names and documents."""

from datetime import UTC, datetime

import pytest
from attrs import evolve

from toolkit.runtime import catalog
from toolkit.runtime.contract import (
    Artifact,
    Claim,
    ContractError,
    Gate,
    Manifest,
    Outcome,
    Result,
    RunId,
    parse_time,
)

AT = datetime(2026, 11, 24, 5, tzinfo=UTC)
MANIFEST = Manifest(
    run_id="weather-20261124T050000Z",
    workload="weather",
    schedule="weather",
    outcome=Outcome.SUCCEEDED,
    scheduled_time="2026-11-24T05:00:00.000Z",
    started_at="2026-11-24T05:00:02.000Z",
    finished_at="2026-11-24T05:00:41.000Z",
    task_arn="arn:aws:ecs:eu-central-1:123456789012:task/app/0123",
    image="repo@sha256:00",
    image_digest="sha256:00",
    environment={"SOURCE": "vega-seattle"},
    settings={"source": "vega-seattle"},
    artifacts=(Artifact("a.csv", "runs/weather/x/a.csv", 3, "ab", "text/csv", 1),),
    metrics={"skill": 0.2},
    gates=(Gate("skill", 0.2, ">=", 0.1),),
)


@pytest.mark.parametrize("token", [None, "0a1b2c"])
@pytest.mark.parametrize("schedule", ["weather", "stream-bnb", "a-20260101"])
def test_a_run_id_reads_back_as_itself(schedule: str, token: str | None) -> None:
    run_id = RunId(schedule, AT, token)
    assert RunId.parse(str(run_id)) == run_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "weather",
        "../x",
        "weather-20261124T050000Z-xyz",
        "weather-20261124T050000Z\n",
        "weather-20261324T050000Z",
        "weather-20261124T240000Z",
        "weather-20261124T050060Z",
        "weather-00001124T050000Z",
        # The same number to Python, and another key to S3.
        "weather-2026112\u0664T050000Z",
        "weather-20261124T050000Z-00000\u0661",
    ],
)
def test_what_is_no_run_id_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match=r"run id|valid time"):
        RunId.parse(text)


def test_a_time_before_the_calendar_of_utc_is_refused() -> None:
    with pytest.raises(ContractError, match="before the calendar"):
        parse_time("0001-01-01T00:00:00+14:00")


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ContractError, match="no time zone"):
        parse_time("2026-11-24T05:00:00")


def test_a_manifest_reads_back_as_itself() -> None:
    assert Manifest.from_json(MANIFEST.to_json()) == MANIFEST


def test_a_claim_reads_back_as_itself() -> None:
    claim = Claim("weather-20261124T050000Z", "arn", "2026-11-24T05:00:02.000Z", "id", "1")
    assert Claim.from_json(claim.to_json()) == claim


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"version": 99}', b"\xff"])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ContractError):
        Manifest.from_json(content)


def test_a_manifest_never_holds_nan() -> None:
    nan = float("nan")
    content = evolve(MANIFEST, metrics={"skill": nan}, gates=(Gate("g", nan, ">=", 0.1),)).to_json()
    assert b"NaN" not in content
    manifest = Manifest.from_json(content)
    assert manifest.metrics == {"skill": None}
    assert not manifest.gates[0].passed


def test_a_gate_knows_only_its_two_comparisons() -> None:
    with pytest.raises(ValueError, match="op"):
        Gate("skill", 0.2, ">", 0.1)


def test_a_metric_that_json_cannot_hold_is_refused_where_it_is_told() -> None:
    with pytest.raises(TypeError, match="object cannot stand in"):
        Result(metrics={"x": object()})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("value", "op", "passed"),
    [
        (0.1, ">=", True),
        (0.09, ">=", False),
        (0.1, "<=", True),
        (float("nan"), "<=", False),
        (float("inf"), ">=", False),
    ],
)
def test_a_gate_compares_with_its_limit(value: float, op: str, *, passed: bool) -> None:
    assert Gate("g", value, op, 0.1).passed is passed


CATALOG = """
[workloads.demo]
summary = "demo"
entry_point = "x:run"
cpu = 256
memory = 512
max_runtime_seconds = 60
[workloads.demo.variables]
COUNT = { type = "int", default = 3, minimum = 1, maximum = 9, meaning = "how many" }
RATE = { type = "float", default = 0.5, meaning = "how fast" }
LOUD = { type = "bool", default = false, meaning = "how" }
COLOUR = { type = "str", default = "red", choices = ["red", "blue"], meaning = "which" }
"""


def test_settings_are_typed() -> None:
    demo = catalog.Catalog.parse(CATALOG).workload("demo")
    assert demo.settings({"COUNT": "4", "PATH": "/bin"}) == {
        "count": 4,
        "rate": 0.5,
        "loud": False,
        "colour": "red",
    }


def test_all_bad_settings_are_reported_at_once() -> None:
    demo = catalog.Catalog.parse(CATALOG).workload("demo")
    environment = {"COUNT": "ten", "RATE": "nan", "LOUD": "maybe", "COLOUR": "green"}
    with pytest.raises(ContractError) as caught:
        demo.settings(environment)
    assert len(str(caught.value).splitlines()) == 4
    assert all(name in str(caught.value) for name in environment)


def test_a_schedule_cannot_set_unknown_names_or_the_contracts_own() -> None:
    demo = catalog.Catalog.parse(CATALOG).workload("demo")
    with pytest.raises(ContractError, match="did you mean COUNT") as caught:
        demo.check_environment({"COUNTT": "4", "BUCKET": "mine"})
    assert "BUCKET belongs to the execution contract" in str(caught.value)


def test_the_shipped_catalog_is_sound() -> None:
    for workload in catalog.load().workloads.values():
        assert workload.settings({})
        assert workload.artifacts
