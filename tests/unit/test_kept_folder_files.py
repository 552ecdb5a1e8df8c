"""What lies in a kept folder besides its documents: links, pipes, large and foreign files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.app.proof.keep import rejudge
from toolkit.core.errors import EvidenceError
from toolkit.core.proof import kept
from toolkit.core.proof.verdict import Ruling, Verdict
from toolkit.runtime.documents import MAX_BYTES

from .kept_runs import Files
from .test_signed_mutations import KEY, SIGNED


def on_disk(folder: Path, files: Files = SIGNED) -> Path:
    folder.mkdir()
    for name, body in {**files, kept.SUMS: kept.sums(files).encode()}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(body)
    return folder


def judged(folder: Path) -> Verdict:
    return rejudge(folder, folder, KEY.public.encode())


def link_to_a_file(folder: Path, outside: Path) -> None:
    (folder / "manifest.json").rename(outside / "manifest.json")
    (folder / "manifest.json").symlink_to(outside / "manifest.json")


def link_to_a_folder(folder: Path, outside: Path) -> None:
    (folder / "more").symlink_to(outside)


def link_to_nothing(folder: Path, outside: Path) -> None:
    (folder / "notes.txt").symlink_to(outside / "nothing")


def link_to_itself(folder: Path, _outside: Path) -> None:
    (folder / "more").symlink_to(folder)


def pipe(folder: Path, _outside: Path) -> None:
    os.mkfifo(folder / "notes.txt")


def file_more(folder: Path, _outside: Path) -> None:
    (folder / "notes.txt").write_text("all was well")


def sparse(folder: Path, _outside: Path) -> None:
    with (folder / "notes.txt").open("wb") as file:
        file.truncate(50 << 30)


def large(folder: Path, _outside: Path) -> None:
    body = SIGNED["evidence.json"].ljust(MAX_BYTES + 1)
    files = {**SIGNED, "evidence.json": body}
    (folder / "evidence.json").write_bytes(body)
    (folder / kept.SUMS).write_text(kept.sums(files))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (link_to_a_file, "manifest.json: a kept folder holds files, not links"),
        (link_to_a_folder, "more: a kept folder holds files, not links"),
        (link_to_nothing, "notes.txt: a kept folder holds files, not links"),
        (link_to_itself, "more: a kept folder holds files, not links"),
        (pipe, "notes.txt: a kept folder holds files only"),
        (file_more, "do not match SHA256SUMS: notes.txt"),
        (sparse, "the largest is .*notes.txt"),
        (large, "evidence.json has 16,777,217 bytes"),
    ],
)
def test_a_folder_that_holds_anything_else_is_one_clear_error(
    tmp_path: Path, change: Callable[[Path, Path], None], named: str
) -> None:
    folder, outside = on_disk(tmp_path / "run"), tmp_path / "outside"
    outside.mkdir()
    assert judged(folder).ruling is Ruling.PASS
    change(folder, outside)
    with pytest.raises(EvidenceError, match=named):
        judged(folder)


@pytest.mark.parametrize("name", ["notes.txt", "manifest.json.orig", "old/manifest.json"])
def test_a_file_that_nothing_reads_changes_nothing(tmp_path: Path, name: str) -> None:
    """A later version may keep more; what it means is not this version's to say."""
    assert (
        judged(on_disk(tmp_path / "run", {**SIGNED, name: b"all was well"})).ruling is Ruling.PASS
    )


@pytest.mark.parametrize(
    "name", ["manifest-2.json", "artifacts/claim.json", "artifacts/more.csv", "artifacts/../x.csv"]
)
def test_a_file_that_would_be_read_is_refused(tmp_path: Path, name: str) -> None:
    files = {**SIGNED, os.path.normpath(name): SIGNED["manifest.json"]}
    folder = on_disk(tmp_path / "run", files)
    if name.endswith("/../x.csv"):
        assert judged(folder).ruling is Ruling.PASS  # that is x.csv, which nothing reads
        return
    with pytest.raises(EvidenceError):
        judged(folder)
