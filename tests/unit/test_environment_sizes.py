"""What an environment says of a workload's size and of all stacks' tags."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cloudformation import load as template_of
from toolkit.adapters.project.project import Project
from toolkit.core.cost import prices
from toolkit.core.deploying import sizes
from toolkit.core.deploying.config import Config, parse
from toolkit.core.deploying.plans import platform_spec, workload_spec
from toolkit.core.deploying.release import Release, release_id
from toolkit.core.deploying.release import parse as parse_release
from toolkit.core.errors import ConfigError
from toolkit.core.names import AppNames
from toolkit.runtime.catalog import Workload, load

CATALOG = load()
SCIENCE = CATALOG.workload("science")
IMAGE = "repository@sha256:" + "0" * 64


def config(**tables: Any) -> Config:
    return parse({"default": {"app": "app"}, "prod": tables}, "prod", CATALOG)


def test_an_environments_size_goes_before_the_catalogs() -> None:
    found = config(
        workload={"EphemeralStorageGiB": 30, "Memory": 16384, "LogRetentionDays": 7},
        workloads={"science": {"cpu": 8192, "memory": 32768, "log_retention_days": 30}},
    )
    parameters = workload_spec(found, SCIENCE, IMAGE).parameters
    assert (parameters["Cpu"], parameters["Memory"]) == ("8192", "32768")
    assert parameters["EphemeralStorageGiB"] == "30"
    assert parameters["LogRetentionDays"] == "30"
    assert parameters["MaxRuntimeSeconds"] == str(SCIENCE.max_runtime_seconds)
    assert set(parameters) <= set(template_of("workload")["Parameters"])
    # Runs are judged by the row as it was deployed.
    assert parameters["CatalogDigest"] == found.sized(SCIENCE).digest != SCIENCE.digest
    ordinary = workload_spec(config(), SCIENCE, IMAGE).parameters
    assert ordinary["CatalogDigest"] == SCIENCE.digest
    assert (ordinary["Cpu"], ordinary["EphemeralStorageGiB"]) == (str(SCIENCE.cpu), "20")


@given(st.sampled_from([*sizes.SIZES, 300]), st.integers(0, 130) | st.just(0.5))
def test_a_size_is_taken_where_fargate_has_it_and_nowhere_else(cpu: int, gib: float) -> None:
    memory = int(gib * 1024)
    wanted = config(workloads={"science": {"cpu": cpu, "memory": memory}})
    has = memory in sizes.SIZES.get(cpu, ())
    if has:
        found = wanted.sized(SCIENCE)
        assert (found.cpu, found.memory) == (cpu, memory)
    else:
        with pytest.raises(ConfigError, match=r"\[prod\.workloads\.science\]: Fargate has no size"):
            wanted.sized(SCIENCE)


def test_every_workload_of_the_catalog_has_a_size_that_fargate_has() -> None:
    assert [config().sized(workload) for workload in CATALOG.workloads.values()] == [
        *CATALOG.workloads.values()
    ]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"cpu": 4096, "memory": 4096}, "memory is 8192 to 30720 in steps of 1024"),
        ({"cpu": 256, "memory": 4096}, "memory is 512, 1024 or 2048"),
        ({"cpu": 1000}, "cpu is one of 256, 512"),
        ({"ephemeral_storage_gib": 10}, "not from 20 to 200"),
        ({"max_runtime_seconds": 0}, "not from 1 to 1,209,600"),
        ({"log_retention_days": 8}, "it takes 1, 3, 5, 7"),
    ],
)
def test_what_is_no_size_is_refused_with_the_way_out(table: dict[str, int], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(workloads={"science": table}).sized(SCIENCE)
    assert told in f"{caught.value.message}; {caught.value.hint}"
    assert "[prod.workloads.science]" in caught.value.message


def test_parameters_for_all_workloads_are_held_against_each() -> None:
    found = config(workload={"Cpu": 256})
    with pytest.raises(ConfigError, match=r"\[prod\.workload\], workload science: Fargate has no"):
        found.sized(SCIENCE)
    with pytest.raises(ConfigError, match="cpu = 'many' is not a whole number"):
        config(workload={"Cpu": "many"}).sized(SCIENCE)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[x.workloads.science]\ncpus = 1", "line 5 [x.workloads.science]: unknown key 'cpus'"),
        ("[x.workloads.science]\ncpu = '256'", "write cpu = 256"),
        ("[x.tags]\nteam = 3", "line 5: x.tags.team is the number 3, and should be text"),
        ("[x.tags]\napp = 'x'", "the tag 'app' is set by the toolkit"),
        ("[x.tags]\n'aws:x' = 'x'", "the tag 'aws:x' is set by the toolkit or by AWS"),
        ("[x.tags]\nteam = 'a;b'", "AWS takes no tag 'team' = 'a;b'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "toolkit.toml").write_text(f'[default]\napp = "app"\n\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        Project(tmp_path, CATALOG).config("x")
    assert told in f"{caught.value.message}; {caught.value.hint}"
    assert caught.value.message.startswith("toolkit.toml")


def release(tags: dict[str, str]) -> Release:
    found = config(tags=tags, workloads={"science": {"cpu": 8192, "memory": 16384}})
    specs = (platform_spec(found), workload_spec(found, SCIENCE, IMAGE))
    return Release("app", IMAGE, specs, {"platform": "", "workload": ""})


def test_a_release_holds_sizes_and_tags_for_the_toolkit_and_for_the_plain_cli() -> None:
    made = release({"team": "data", "cost-centre": "4711"})
    files = made.files()
    folder = "stacks/workload/app-workload-science"
    assert "Cpu=8192" in json.loads(files[f"{folder}/parameters.json"])
    assert "team=data" in json.loads(files[f"{folder}/tags.json"])
    read = parse_release(release_id(files["release.json"]), files["release.json"], {
        path: text for path, text in files.items() if path.startswith("templates/")
    })  # fmt: skip
    assert [spec.tags("") for spec in read.specs] == [spec.tags("") for spec in made.specs]
    assert read.specs[0].tags("")["cost-centre"] == "4711"
    assert release({}).specs[0].tags("").keys() == {"app", "toolkit:noun", "toolkit:digest"}


def test_a_tag_that_is_set_changed_or_taken_out_is_a_change_of_the_stack() -> None:
    digests = {
        release(tags).specs[0].tags("")["toolkit:digest"]
        for tags in ({}, {"team": "a"}, {"team": "b"}, {"team": "a", "x": ""})
    }
    assert len(digests) == 4


def test_disk_beyond_what_is_free_costs() -> None:
    hour, table = timedelta(hours=1), prices("us-east-1")
    free = table.dollars(256, 512, hour)
    assert table.dollars(256, 512, hour, 20) == free
    assert table.dollars(256, 512, hour, 30) == pytest.approx(free + 10 * table.storage_gb_hour)


def test_the_row_of_a_workload_holds_its_disk_and_older_rows_have_the_default() -> None:
    row = json.loads(SCIENCE.row())
    assert row["ephemeral_storage_gib"] == 20
    del row["ephemeral_storage_gib"]
    assert Workload.from_row(json.dumps(row).encode()) == SCIENCE


def test_a_config_without_tables_leaves_a_workload_as_it_is() -> None:
    assert Config("default", AppNames("app")).sized(SCIENCE) == SCIENCE
