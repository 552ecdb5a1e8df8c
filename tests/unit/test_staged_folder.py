"""A folder is written whole or not at all, and nothing of a writer that was killed stays."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from toolkit.adapters.project.staged_folder import staged

OWN = ("index.html", "site.json", "firings")
_WRITER = """
import os, signal, shutil, sys
from pathlib import Path
from toolkit.adapters.project import staged_folder

def stop(*_args, **_options):
    print("ready", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)

target, moment = Path(sys.argv[1]), sys.argv[2]
if moment == "while the old one is removed":
    shutil.rmtree = stop
with staged_folder.staged(target, "site.json", %r) as folder:
    folder.write("firings/a.html", "half")
    if moment == "half-way":
        stop()
    folder.write("site.json", "{}")
    if moment == "whole":
        stop()
"""
MOMENTS = ["half-way", "whole", "while the old one is removed"]


@contextmanager
def writer(target: Path, moment: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that writes the same folder, and has come as far as a moment."""
    words = [sys.executable, "-c", _WRITER % (OWN,), str(target), moment]
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.stdin.write("\n")
    process.stdin.close()
    process.wait()
    process.stdout.close()


def write(target: Path, text: str = "{}") -> None:
    with staged(target, "site.json", OWN) as folder:
        folder.write("site.json", text)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path: Path, moment: str) -> None:
    target = tmp_path / "site"
    write(target)
    with writer(target, moment):
        pass
    assert len(names(tmp_path)) == 2, "it left something"
    write(target, '{"new": 1}')
    assert names(tmp_path) == {"site"}
    assert names(target) == {"site.json"}
    assert (target / "site.json").read_text() == '{"new": 1}'


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_a_living_writer_holds_stays(tmp_path: Path, moment: str) -> None:
    target = tmp_path / "site"
    write(target)
    with writer(target, moment):
        before = names(tmp_path)
        write(target, '{"new": 1}')
        assert names(tmp_path) == before
    write(target)
    assert names(tmp_path) == {"site"}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        (".site.abcd1234", {"letter.txt": "dear"}),
        (".site.abcd1234", {"index.html": "mine"}),
        (".site.abcd1234", {"site.json": "{}", "letter.txt": "dear"}),
        (".site.abcd1234", {}),
        (".site.old.abcd1234", {"letter.txt": "dear"}),
        (".site.backup", {"site.json": "{}"}),
        (".site.abcd12345", {"site.json": "{}", ".unfinished": ""}),
        (".site2.abcd1234", {"site.json": "{}", ".unfinished": ""}),
        ("site.abcd1234", {"site.json": "{}", ".unfinished": ""}),
    ],
)
def test_what_is_somebodys_stays(tmp_path: Path, name: str, files: dict[str, str]) -> None:
    (tmp_path / name).mkdir()
    for file, text in files.items():
        (tmp_path / name / file).write_text(text)
    write(tmp_path / "site")
    assert names(tmp_path) == {"site", name}
    assert names(tmp_path / name) == set(files)


def test_a_link_to_a_folder_of_somebody_is_not_followed(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "site.json").write_text("{}")
    (tmp_path / ".site.abcd1234").symlink_to(mine)
    (tmp_path / ".site.abcd1235").write_text("a file")
    write(tmp_path / "site")
    assert names(mine) == {"site.json"}
    assert names(tmp_path) == {"site", "mine", ".site.abcd1234", ".site.abcd1235"}


def test_a_name_with_signs_of_patterns_matches_itself_alone(tmp_path: Path) -> None:
    for name in ("si*", "si[t]e", "s.te"):
        for stranger in ("site", "site-more"):
            (tmp_path / f".{stranger}.abcd1234").mkdir(exist_ok=True)
            (tmp_path / f".{stranger}.abcd1234" / ".unfinished").touch()
        (tmp_path / f".{name}.abcd1234").mkdir()
        (tmp_path / f".{name}.abcd1234" / ".unfinished").touch()
        write(tmp_path / name)
        assert f".{name}.abcd1234" not in names(tmp_path)
        assert {".site.abcd1234", ".site-more.abcd1234"} <= names(tmp_path)
