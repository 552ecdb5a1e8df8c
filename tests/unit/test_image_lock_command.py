"""`toolkit image lock`: what is added to requirements.in, and what is refused."""

from pathlib import Path

import pytest

from toolkit.adapters.images.image_lock import make_lock, with_requirements
from toolkit.core.errors import ConfigError, ImageError

BEFORE = "# packages\nboto3>=1.43\n"


def silent(_: str) -> None:
    """Nobody listens."""


@pytest.mark.parametrize(
    ("add", "after"),
    [
        ((), BEFORE),
        (("pandas",), BEFORE + "pandas\n"),
        (("pandas>=3", "Pandas", "PANDAS==3"), BEFORE + "pandas>=3\n"),
        (("boto3",), BEFORE),
        (("Boto3>=1.50",), BEFORE),
        (("ruamel.yaml", "ruamel-yaml", "ruamel_yaml"), BEFORE + "ruamel.yaml\n"),
        (
            ("pyarrow[x]>=2; python_version < '4'",),
            BEFORE + "pyarrow[x]>=2; python_version < '4'\n",
        ),
    ],
)
def test_a_package_is_added_once(add: tuple[str, ...], after: str) -> None:
    assert with_requirements(BEFORE, add) == after


def test_the_first_package_needs_no_line_before_it() -> None:
    assert with_requirements("", ["pandas"]) == "pandas\n"


@pytest.mark.parametrize("word", ["", "-r other.txt", "--index-url=x", "../wheel", "a\nb", " a"])
def test_what_names_no_package_is_refused(word: str) -> None:
    with pytest.raises(ConfigError, match="is not a package requirement"):
        with_requirements(BEFORE, [word])


def test_a_project_without_requirements_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"image/requirements\.in is missing"):
        make_lock(tmp_path, [], silent)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and a uv of the test's own before all others."""
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "requirements.in").write_text(BEFORE)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return tmp_path


def uv(project: Path, script: str) -> None:
    program = project / "bin" / "uv"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_lock_is_written_with_what_was_added(project: Path) -> None:
    uv(project, "sed 's/>=.*//; /^#/d; s/$/==1.0/' image/requirements.in > image/requirements.lock")
    assert make_lock(project, ["pandas"], silent) == {"boto3": "1.0", "pandas": "1.0"}
    assert (project / "image" / "requirements.in").read_text() == BEFORE + "pandas\n"
    assert (project / "image" / "requirements.lock").read_text() == "boto3==1.0\npandas==1.0\n"


def test_what_cannot_be_locked_changes_nothing(project: Path) -> None:
    uv(project, "printf '  -> No solution found\n  ╰─▶ nowhere was not found\n' >&2; exit 1")
    (project / "image" / "requirements.lock").write_text("boto3==0.9\n")
    with pytest.raises(ImageError, match="cannot be locked: No solution found nowhere was not"):
        make_lock(project, ["nowhere"], silent)
    assert (project / "image" / "requirements.in").read_text() == BEFORE
    assert (project / "image" / "requirements.lock").read_text() == "boto3==0.9\n"


def test_locked_versions_stay_unless_asked_otherwise(project: Path) -> None:
    uv(project, 'case "$*" in *--upgrade*) echo boto3==2 > image/requirements.lock;; esac')
    (project / "image" / "requirements.lock").write_text("boto3==1\n")
    assert make_lock(project, [], silent) == {"boto3": "1"}
    assert make_lock(project, [], silent, upgrade=True) == {"boto3": "2"}


def test_uv_asks_the_index_that_pip_asks(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv(project, 'echo "index==$UV_DEFAULT_INDEX" > image/requirements.lock')
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    assert make_lock(project, [], silent) == {"index": "https://index.example/simple"}
