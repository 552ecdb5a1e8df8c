"""What an image may say to the engine, and that no task changes it for the next one."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.local.agent.images import PullError, _image, _state


@pytest.mark.parametrize("place", ["..", "/..", "/app/../..", "app/..", "/../../state"])
def test_a_working_directory_leads_out_of_no_image(place: str) -> None:
    with pytest.raises(PullError, match="leads out of it"):
        _image("sha256:0", Path("/images/0"), {"WorkingDir": place}, None)


@pytest.mark.parametrize("place", ["", "/", "/app", "app", "//app", "/..app"])
def test_a_working_directory_is_below_the_root_of_its_image(place: str) -> None:
    root = Path("/images/0")
    found = _image("sha256:0", root, {"WorkingDir": place}, None).working_directory
    assert found.is_relative_to(root)


def rewrite(file: Path) -> None:
    """Another content of the same size, and the time of modification that it had."""
    status = file.stat()
    file.write_bytes(file.read_bytes()[::-1])
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change",
    [
        rewrite,
        Path.unlink,
        lambda file: file.chmod(0o755),
        lambda file: file.rename(file.with_name("renamed.py")),
        lambda file: file.with_name("added.pyc").touch(),
        lambda file: file.with_name("folder").mkdir(),
    ],
)
def test_every_change_of_a_tree_is_seen(change: Callable[[Path], None], tmp_path: Path) -> None:
    root = tmp_path / "image"
    file = root / "toolkit" / "runtime" / "work.py"
    file.parent.mkdir(parents=True)
    file.write_text("one = 1")
    before = _state(root)
    file.read_text()
    assert _state(root) == before
    while file.stat().st_ctime_ns == _now_on(tmp_path):
        pass  # a file system tells time by the tick of a clock
    change(file)
    assert _state(root) != before


def _now_on(folder: Path) -> int:
    """The time that the file system gives to a change made now."""
    probe = folder / "probe"
    probe.touch()
    return probe.stat().st_ctime_ns
