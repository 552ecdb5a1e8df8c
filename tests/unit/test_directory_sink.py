"""A directory as the store of runs: it keeps what S3 promises."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from toolkit.runtime.sink import DirectorySink

KEY = "runs/probe/claim.json"
LARGE = b"x" * (32 * 1024 * 1024)


def created(sink: DirectorySink) -> object:
    return sink.create(KEY, LARGE)


def replaced(sink: DirectorySink) -> object:
    return sink.replace(KEY, LARGE, None)


def put(sink: DirectorySink) -> object:
    return sink.put(KEY, LARGE, media_type="text/plain", sha256=b"")


@pytest.mark.parametrize("write", [created, replaced, put])
def test_nobody_sees_a_part_of_an_object(
    write: Callable[[DirectorySink], object], tmp_path: Path
) -> None:
    writer = threading.Thread(target=write, args=(DirectorySink(tmp_path),))
    writer.start()
    sizes = set()
    while writer.is_alive():
        if (tmp_path / KEY).exists():
            sizes.add((tmp_path / KEY).stat().st_size)
    writer.join()
    assert sizes <= {len(LARGE)}
    assert (tmp_path / KEY).read_bytes() == LARGE


def test_of_many_that_create_an_object_one_does(tmp_path: Path) -> None:
    wins: list[int] = []

    def create(number: int) -> None:
        if DirectorySink(tmp_path).create(KEY, b"%d" % number):
            wins.append(number)

    writers = [threading.Thread(target=create, args=(number,)) for number in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (winner,) = wins
    assert DirectorySink(tmp_path).read(KEY) == b"%d" % winner
    assert [path.name for path in (tmp_path / KEY).parent.iterdir()] == ["claim.json"]
