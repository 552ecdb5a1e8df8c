"""`toolkit workloads`: what can run, from the project's own files."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from toolkit.app.init import init
from toolkit.cli import cli
from toolkit.runtime.catalog import Catalog
from toolkit.runtime.contract import ContractError

ROOT = Path(__file__).parents[2]


def call(*arguments: str, project: Path = ROOT) -> Result:
    command = ["workloads", *arguments, "--project", str(project)]
    return CliRunner().invoke(cli, command, standalone_mode=False)


def test_every_workload_is_listed_with_its_settings_defaults_and_meanings() -> None:
    shown = dict(block.split(": ", 1) for block in call().stdout.split("\n\n"))
    catalog = Catalog.parse((ROOT / "workloads" / "catalog.toml").read_text())
    for workload in catalog.workloads.values():
        first, *lines = shown[workload.name].splitlines()
        assert first == workload.summary
        for variable in workload.variables:
            line = next(row for row in lines if row.split()[:1] == [variable.name])
            assert variable.meaning in line
            assert (variable.default or '""') in line.split()
            assert f" {variable.type} " in line


def test_one_workload_is_shown_in_full() -> None:
    shown = call("weather").stdout
    assert "runs       workloads.batch.weather:run (batch)" in shown
    assert "size       0.5 vCPU, 1 GB" in shown
    assert "schedules  weather" in shown
    assert "one of TMAX, TMIN" in shown
    assert "at least 7, at most 1200" in shown
    assert "forecast.csv  text/csv, at least 300 rows" in shown


def test_json_is_the_catalog_and_the_schedules() -> None:
    rows = json.loads(call("--json").stdout)
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    stream = next(row for row in rows if row["name"] == "stream")
    assert stream["schedules"] == ["stream-bnb", "stream-btc", "stream-eth"]
    assert json.loads(call("stream", "--json").stdout) == stream


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    answer = call("wether")
    assert isinstance(answer.exception, ContractError)
    assert "weather" in str(answer.exception)


def test_a_new_project_lists_its_own(tmp_path: Path) -> None:
    init(tmp_path, "demo", "eu-central-1")
    assert call(project=tmp_path).stdout.startswith("hello: Greets somebody")


@pytest.mark.parametrize("services", ['"dynamodb"', "[3]", "3", "{ a = 1 }"])
def test_services_are_a_list_of_names(services: str, tmp_path: Path) -> None:
    init(tmp_path, "demo", "eu-central-1")
    catalog = tmp_path / "workloads" / "catalog.toml"
    table = "[workloads.hello]\n"
    catalog.write_text(catalog.read_text().replace(table, f"{table}services = {services}\n"))
    assert isinstance(call(project=tmp_path).exception, ContractError)
