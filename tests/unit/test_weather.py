"""The weather workload, run whole: its artifacts, gates, picture and interruption."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import attrs
import numpy as np
import pytest

from tests.thorough import THOROUGH
from tests.unit.file_server import Answer, FileServer, serving
from tests.unit.synthetic_weather import days_of, ghcn_csv, station
from toolkit.runtime import catalog
from toolkit.runtime.contract import Interrupted, Json, Result
from toolkit.runtime.testing import FakeRun
from workloads.batch.weather import Settings, run
from workloads.batch.weather.readings import WeatherError

WEATHER = catalog.load().workload("weather")
SEATTLE = "USW00024233"


def settings(**environment: str) -> dict[str, Json]:
    return WEATHER.settings({"SOURCE": "vega-seattle", **environment})


def scored(settings: dict[str, Json], fake: FakeRun) -> Result:
    """Run up to the picture, which takes most of the time."""
    fake.stop_when = lambda run: any(name == "weather.scored" for name, _ in run.events)
    with pytest.raises(Interrupted) as caught:
        run(settings, fake)
    return caught.value.result


@pytest.fixture(scope="module")
def seattle_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeRun, Result]:
    fake = FakeRun(tmp_path_factory.mktemp("scratch"))
    return fake, run(settings(), fake)


@pytest.fixture(scope="module")
def seattle(seattle_run: tuple[FakeRun, Result]) -> FakeRun:
    return seattle_run[0]


def table(fake: FakeRun, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(fake.saved[name].decode())))


def test_the_settings_are_those_of_the_catalog() -> None:
    names = [variable.name.lower() for variable in WEATHER.variables]
    assert names == [field.name for field in attrs.fields(Settings)]


def test_the_catalog_names_every_gate(seattle_run: tuple[FakeRun, Result]) -> None:
    names = {gate.name for gate in seattle_run[1].gates}
    assert {pattern.replace("*", SEATTLE) for pattern in WEATHER.gates} == names


def test_seattle_reaches_the_skill_of_the_research_and_passes_its_gates(
    seattle_run: tuple[FakeRun, Result],
) -> None:
    seattle, result = seattle_run
    assert len(result.gates) == 6
    assert all(gate.passed for gate in result.gates)
    scores = json.loads(seattle.saved["metrics.json"])["stations"][SEATTLE]["scores"]
    assert scores[0]["skill_persistence"] == pytest.approx(0.148, abs=0.003)
    assert scores[0]["skill_climatology"] == pytest.approx(0.494, abs=0.005)
    assert scores[2]["skill_persistence"] == pytest.approx(0.346, abs=0.02)
    assert scores[6]["rmse"] == pytest.approx(3.73, abs=0.05)
    low, high = scores[0]["skill_persistence_interval"]
    assert low == pytest.approx(0.07, abs=0.02)
    assert high == pytest.approx(0.21, abs=0.02)


def test_every_artifact_and_event_of_the_catalog_is_there(seattle: FakeRun) -> None:
    for expected in WEATHER.artifacts:
        artifact = seattle.artifacts[expected.name]
        assert artifact.media_type == expected.media_type
        assert artifact.bytes >= expected.min_bytes
        assert (artifact.rows or 0) >= (expected.min_rows or 0)
    own = [name for name in WEATHER.events if name.startswith("weather.")]
    assert [name for name, _ in seattle.events] == own


def test_the_tables_hold_as_many_rows_as_they_say(seattle: FakeRun) -> None:
    for name in ("observations.csv", "forecast.csv"):
        assert len(table(seattle, name)) == seattle.artifacts[name].rows
    assert len(table(seattle, "forecast.csv")) == 365 * 7


def test_the_scores_can_be_computed_again_from_the_forecast_table(seattle: FakeRun) -> None:
    rows = [row for row in table(seattle, "forecast.csv") if row["horizon"] == "1"]
    numbers = {name: np.array([float(row[name]) for row in rows]) for name in list(rows[0])[3:]}
    error = numbers["observed"] - numbers["forecast"]
    usual = numbers["observed"] - numbers["climatology"]
    inside = (numbers["low"] <= numbers["observed"]) & (numbers["observed"] <= numbers["high"])
    score = json.loads(seattle.saved["metrics.json"])["stations"][SEATTLE]["scores"][0]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(score["rmse"], abs=0.005)
    assert 1 - np.mean(error**2) / np.mean(usual**2) == pytest.approx(
        score["skill_climatology"], abs=0.005
    )
    assert np.mean(inside) == pytest.approx(score["coverage"], abs=0.006)


def test_the_source_stands_in_the_metrics(seattle: FakeRun) -> None:
    metrics = json.loads(seattle.saved["metrics.json"])
    assert metrics["source"] == "vega-seattle"
    assert "vega_datasets" in metrics["stations"][SEATTLE]["provenance"]


def test_the_picture_is_drawn_in_every_panel(seattle: FakeRun) -> None:
    from matplotlib.image import imread

    picture = imread(io.BytesIO(seattle.saved["weather.png"]))
    height, width, _ = picture.shape
    assert (width, height) == (1320, 1122)
    ink = picture[..., :3].min(axis=2) < 0.9
    half, upper, middle = width // 2, int(height * 0.43), int(height * 0.76)
    for panel in (
        ink[:upper],
        ink[upper:middle, :half],
        ink[upper:middle, half:],
        ink[middle:],
    ):
        assert 0.01 < panel.mean() < 0.9
    # More than text: the interval's blue and the bars' orange cover some area.
    colors = picture[..., :3].reshape(-1, 3)
    for color in ((0, 114, 178), (230, 159, 0)):
        near = np.abs(colors - np.array(color) / 255).max(axis=1) < 0.02
        assert near.mean() > 0.002


def test_gates_that_are_out_of_reach_do_not_pass(tmp_path: Path) -> None:
    result = scored(
        settings(MIN_SKILL_PERSISTENCE="0.9", MIN_SKILL_CLIMATOLOGY="0.9", MAX_COVERAGE_ERROR="0"),
        FakeRun(tmp_path),
    )
    assert [gate.passed for gate in result.gates] == [False, False, False, True, True, True]


def test_minimum_temperatures_are_a_setting_away(tmp_path: Path) -> None:
    fake = FakeRun(tmp_path)
    assert all(gate.passed for gate in scored(settings(ELEMENT="TMIN"), fake).gates)
    assert json.loads(fake.saved["metrics.json"])["element"] == "TMIN"


@pytest.mark.parametrize("events", range(1, 5))
def test_a_run_that_must_stop_keeps_what_it_has(events: int, tmp_path: Path) -> None:
    fake = FakeRun(tmp_path, stop_when=lambda run: len(run.events) >= events)
    with pytest.raises(Interrupted) as caught:
        run(settings(), fake)
    assert "weather.png" not in fake.saved
    stations = json.loads(fake.saved["metrics.json"])["stations"]
    assert caught.value.result.metrics["stations"] == stations
    assert fake.artifacts["observations.csv"].rows == 4 * 1461
    assert (fake.artifacts["forecast.csv"].rows or 0) == (0 if events < 3 else 365 * 7)


DAYS = days_of("2016-01-01", "2020-12-31")


@pytest.fixture
def noaa() -> Iterator[FileServer]:
    with serving() as server:
        for seed, name in enumerate((SEATTLE, "USW00094728")):
            content = ghcn_csv(name, DAYS, station(DAYS, seed))
            server.answers[f"/{name}.csv"] = [Answer(content)]
        yield server


def fetched(server: FileServer, stations: str, **environment: str) -> dict[str, Json]:
    url = f"{server.url}/{{station}}.csv"
    where = {"SOURCE": "ghcn-daily", "STATION": stations, "STATION_URL": url}
    return settings(**where, **environment)


def test_stations_are_studied_one_by_one(noaa: FileServer, tmp_path: Path) -> None:
    fake = FakeRun(tmp_path)
    result = run(fetched(noaa, f"{SEATTLE}, USW00094728,{SEATTLE}"), fake)
    assert noaa.asked == [f"/{SEATTLE}.csv", "/USW00094728.csv"]
    assert list(json.loads(fake.saved["metrics.json"])["stations"]) == [SEATTLE, "USW00094728"]
    assert len({gate.name for gate in result.gates}) == 12
    assert {"weather.png", "weather-USW00094728.png"} <= fake.saved.keys()
    assert {row["station"] for row in table(fake, "forecast.csv")} == {SEATTLE, "USW00094728"}


def test_a_run_that_must_stop_while_it_fetches_keeps_the_stations_before(
    noaa: FileServer, tmp_path: Path
) -> None:
    fake = FakeRun(tmp_path, stop_when=lambda run: "weather.png" in run.saved)
    with pytest.raises(Interrupted) as caught:
        run(fetched(noaa, f"{SEATTLE},USW00094728"), fake)
    assert len(caught.value.result.gates) == 6
    assert fake.artifacts["forecast.csv"].rows == 366 * 7


def test_rejected_readings_stay_in_the_table_with_their_reason(
    noaa: FileServer, tmp_path: Path
) -> None:
    lines = ghcn_csv(SEATTLE, DAYS, station(DAYS)).splitlines(keepends=True)
    lines[0] = f"{SEATTLE},20160101,TMAX,999,,,W,2400\n".encode()
    lines[5] = f"{SEATTLE},20160102,TMIN,12,,I,W,2400\n".encode()
    noaa.answers[f"/{SEATTLE}.csv"] = [Answer(b"".join(lines))]
    fake = FakeRun(tmp_path)
    scored(fetched(noaa, SEATTLE), fake)
    rejected = [row for row in table(fake, "observations.csv") if row["flag"]]
    assert [(row["time"], row["value"], row["flag"]) for row in rejected] == [
        ("2016-01-01", "99.90", "range"),
        ("2016-01-02", "1.20", "source"),
    ]
    readings = json.loads(fake.saved["metrics.json"])["stations"][SEATTLE]["readings"]
    assert readings["TMAX"]["rejected"]["range"] == 1
    assert readings["TMIN"]["rejected"]["source"] == 1


@pytest.mark.parametrize("lines", [b"PRCP,5,,,W,2400", b"TMAX,-9999,,,W,", b"TMAX,50,,X,W,"])
def test_an_element_without_good_readings_is_an_error_with_a_hint(
    lines: bytes, noaa: FileServer, tmp_path: Path
) -> None:
    noaa.answers[f"/{SEATTLE}.csv"] = [Answer(f"{SEATTLE},20160101,".encode() + lines + b"\n")]
    with pytest.raises(WeatherError, match="no good daily maximum temperature") as caught:
        run(fetched(noaa, SEATTLE), FakeRun(tmp_path))
    assert "ELEMENT" in caught.value.hint


@pytest.mark.parametrize("missing", [0, 1])
def test_a_station_that_cannot_be_had_does_not_cost_the_others_their_tables(
    missing: int, noaa: FileServer, tmp_path: Path
) -> None:
    stations = [SEATTLE, "USW00094728"]
    stations.insert(missing, "USW00000000")
    fake = FakeRun(tmp_path)
    with pytest.raises(WeatherError, match=r"USW00000000\.csv answered 404") as caught:
        run(fetched(noaa, ",".join(stations)), fake)
    assert {row["station"] for row in table(fake, "forecast.csv")} == {SEATTLE, "USW00094728"}
    assert [name for name, _ in fake.events].count("station.failed") == 1
    told = json.loads(fake.saved["metrics.json"])["stations"]
    assert "answered 404" in told["USW00000000"]["error"]
    assert caught.value.result is not None
    assert len(caught.value.result.gates) == 12


def test_all_stations_that_failed_are_named_in_one_error(noaa: FileServer, tmp_path: Path) -> None:
    with pytest.raises(WeatherError) as caught:
        run(fetched(noaa, "USW00000000,USW00000001"), FakeRun(tmp_path))
    assert caught.value.message.count("answered 404") == 2
    assert caught.value.hint.count("ghcnd-stations.txt") == 1


def test_a_file_in_fahrenheit_does_not_pass(noaa: FileServer, tmp_path: Path) -> None:
    fahrenheit = station(DAYS) * 9 / 5 + 32
    noaa.answers[f"/{SEATTLE}.csv"] = [Answer(ghcn_csv(SEATTLE, DAYS, fahrenheit))]
    result = scored(fetched(noaa, SEATTLE), FakeRun(tmp_path))
    failed = {gate.name for gate in result.gates if not gate.passed}
    assert f"{SEATTLE} share of readings rejected" in failed


@pytest.mark.parametrize(
    ("gate", "damage"),
    [
        ("share of days absent", lambda lines: [a for i, a in enumerate(lines) if i // 4 % 8]),
        ("share of lines unreadable", lambda lines: lines + [b"?\n"] * (len(lines) // 50)),
        (
            "share of readings rejected",
            lambda lines: [
                a.replace(b",,,W", b",,I,W") if i // 4 % 12 == 0 else a for i, a in enumerate(lines)
            ],
        ),
    ],
)
def test_a_record_that_is_not_sound_does_not_pass(
    gate: str, damage: Callable[[list[bytes]], list[bytes]], noaa: FileServer, tmp_path: Path
) -> None:
    lines = ghcn_csv(SEATTLE, DAYS, station(DAYS)).splitlines(keepends=True)
    noaa.answers[f"/{SEATTLE}.csv"] = [Answer(b"".join(damage(lines)))]
    result = scored(fetched(noaa, SEATTLE), FakeRun(tmp_path))
    assert f"{SEATTLE} {gate}" in {each.name for each in result.gates if not each.passed}


def test_a_run_imports_only_what_it_uses(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib;"
        "from toolkit.runtime.testing import FakeRun;"
        "from toolkit.runtime import catalog;"
        "from workloads.batch.weather import run;"
        "settings = catalog.load().workload('weather').settings({'SOURCE': 'vega-seattle'});"
        "run(settings, FakeRun(pathlib.Path(sys.argv[1])));"
        "unused = {'matplotlib.pyplot', 'boto3', 'vega_datasets', 'tenacity'};"
        "assert not unused & sys.modules.keys(), unused & sys.modules.keys()"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=root, check=True)


def ghcn_lines(tenths: list[int], first: str = "2016-01-01", element: str = "TMAX") -> bytes:
    start = np.datetime64(first)
    return b"".join(
        f"{SEATTLE},{str(start + day).replace('-', '')},{element},{value},,,W,\n".encode()
        for day, value in enumerate(tenths)
    )


@pytest.mark.parametrize(
    "content",
    [
        ghcn_lines([100] * 1500),
        ghcn_lines([100]),
        ghcn_lines([100, 110] * 750),
        ghcn_lines([100] * 1490 + [101] * 10),
        ghcn_lines(list(range(-300, 500)) * 2),
        ghcn_lines([100 + day % 7 for day in range(1500)]),
        ghcn_lines([100] * 10) * 300,
        ghcn_lines([100] * 30) + ghcn_lines([120] * 30, first="2023-01-01"),
        ghcn_lines([9999] * 1500),
        ghcn_lines([50] * 1500, element="PRCP"),
    ],
)
@pytest.mark.parametrize("horizon", ["1", "30"] if THOROUGH else ["30"])
def test_a_degenerate_file_ends_in_scores_or_in_words(
    content: bytes, horizon: str, noaa: FileServer, tmp_path: Path
) -> None:
    noaa.answers[f"/{SEATTLE}.csv"] = [Answer(content)]
    fake = FakeRun(tmp_path)
    with suppress(WeatherError):
        run(fetched(noaa, SEATTLE, HORIZON=horizon), fake)
    assert SEATTLE in json.loads(fake.saved["metrics.json"])["stations"]
    assert fake.artifacts["observations.csv"].rows == content.count(b"\n")
