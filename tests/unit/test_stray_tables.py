"""A table of toolkit.toml without its schedule or workload stops a deployment and nothing else."""

import itertools
from pathlib import Path

import pytest
from click.testing import CliRunner

from toolkit.adapters.project.project import Project
from toolkit.cli import cli
from toolkit.core.deploying.strays import refuse
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import load

SCHEDULE = 'expression = "cron(0 6 * * ? *)"\ntimezone = "Europe/Berlin"\n'
BACK = "put [workloads.scince] of workloads/catalog.toml back"
TABLES = {
    '[local.schedules.moved]\npause = { until = "2027-01-01T00:00Z", who = "ann", why = "x" }': (
        "toolkit.toml, line 4 [local.schedules.moved]: there is no schedule 'moved'",
        "remove the table, or put schedules/moved.toml back",
    ),
    "[prod.schedules.wether]\nstate = 'DISABLED'": (
        "toolkit.toml, line 4 [prod.schedules.wether]: there is no schedule 'wether'",
        "did you mean 'weather'? If not, remove the table, or put schedules/wether.toml back",
    ),
    "[prod.workloads.scince]\ncpu = 256": (
        "toolkit.toml, line 4 [prod.workloads.scince]: there is no workload 'scince'",
        f"did you mean 'science'? If not, remove the table, or {BACK}",
    ),
    "[default.env.scince]\nSEED = 1": (
        "toolkit.toml, line 4 [default.env.scince]: there is no workload 'scince'",
        f"did you mean 'science'? If not, remove the table, or {BACK}",
    ),
}


def a_project(root: Path, *tables: str) -> Project:
    (root / "schedules").mkdir()
    (root / "schedules" / "weather.toml").write_text(SCHEDULE)
    text = '[default]\napp = "app"\n\n' + "\n\n".join(tables)
    (root / "toolkit.toml").write_text(text + "\n")
    return Project(root, load())


@pytest.mark.parametrize("environment", ["default", "local", "other"])
@pytest.mark.parametrize("table", TABLES)
def test_such_a_table_is_left_out_and_named(tmp_path: Path, table: str, environment: str) -> None:
    project = a_project(tmp_path, table, "[other]\nregion = 'eu-west-1'")
    config = project.config(environment)
    assert [(row.message, row.hint) for row in config.strays] == [TABLES[table]]
    assert list(project.schedules(config)) == ["weather"]
    assert config.schedules == {}
    assert config.workloads == {}
    assert config.env == {}


def test_a_deployment_names_all_of_them(tmp_path: Path) -> None:
    config = a_project(tmp_path, *TABLES).config("prod")
    with pytest.raises(ConfigError) as caught:
        refuse(config.strays)
    for message, hint in TABLES.values():
        assert message.partition("[")[2] in caught.value.message
        assert hint in caught.value.message


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_command_that_deploys_nothing_says_so_and_goes_on(tmp_path: Path, count: int) -> None:
    tables = list(itertools.islice(TABLES, count))
    a_project(tmp_path, *tables)
    (tmp_path / "workloads").mkdir()
    catalog = Path(__file__).resolve().parents[2] / "workloads" / "catalog.toml"
    (tmp_path / "workloads" / "catalog.toml").write_text(catalog.read_text())
    done = CliRunner().invoke(cli, ["schedules", "next", "--project", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "weather" in done.stdout
    assert done.stderr.count("warning: toolkit.toml, line ") == count
    assert done.stderr.count("hint: ") == count
