"""The wheel, built from the sdist alone and installed into environments of its own."""

import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from attrs import frozen

from tests.functional.conftest import ROOT


@frozen
class Installed:
    """The wheel in an environment of its own, and an empty home."""

    environment: Path
    home: Path

    def toolkit(self, *arguments: str, directory: Path | None = None) -> tuple[int, str, str]:
        """One command; its exit code, standard output and standard error."""
        return self.run(str(self.environment / "bin" / "toolkit"), *arguments, directory=directory)

    def run(self, *arguments: str, directory: Path | None = None) -> tuple[int, str, str]:
        """Run its Python."""
        answer = subprocess.run(
            [str(self.environment / "bin" / "python"), *arguments],
            cwd=directory or self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout, answer.stderr


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def installed(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel without extras."""
    return _install(archives["wheel"], "", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def with_local(archives: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel with the embedded AWS, and pytest."""
    return _install(archives["wheel"], "[local]", tmp_path_factory.mktemp("local"), "pytest")


def _install(wheel: Path, extras: str, folder: Path, *others: str) -> Installed:
    home, constraints = folder / "home", folder / "constraints"
    home.mkdir()
    # The tested versions; a constraint with a hash would ask for hashes of everything.
    lock = (ROOT / ".ci" / "locks" / "toolkit.lock").read_text()
    constraints.write_text("\n".join(re.findall(r"^[\w.-]+==[^ \\]+", lock, re.MULTILINE)))
    environment = folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-c", str(constraints), f"{wheel}{extras}", *others], check=True)
    return Installed(environment, home)


def _build(source: Path, hook: str, target: Path) -> Path:
    script = (
        "import sys; from setuptools import build_meta\n"
        f"print(build_meta.{hook}(sys.argv[1]), end='')"
    )
    command = [sys.executable, "-c", script, str(target)]
    answer = subprocess.run(command, cwd=source, capture_output=True, text=True, check=True)
    return target / answer.stdout.splitlines()[-1]
