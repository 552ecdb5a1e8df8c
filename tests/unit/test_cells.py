"""Rows of lists on terminals of any width."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROWS = (
    "from toolkit.cli.text import cells\n"
    "for name in ('weather', 'stream-bnb'):\n"
    "    print(cells(f'{name:<12}', 'Sun 29 Nov 03:30 UTC', 'last succeeded 28 Nov 03:30Z'))\n"
)
SHORT = "weather       Sun 29 Nov 03:30 UTC  last succeeded 28 Nov 03:30Z"


def printed(columns: int | None) -> list[str]:
    """What the rows look like on a terminal so wide; None is no terminal."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns or 80, 0, 0))
    env = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", ROWS],
        stdout=writer if columns else subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=env,
        check=True,
    )
    os.close(writer)
    text = done.stdout or os.read(reader, 65536)
    os.close(reader)
    return text.decode().splitlines()


@pytest.mark.parametrize("columns", [None, 64, 80, 200])
def test_a_row_that_fits_is_one_line(columns: int | None) -> None:
    assert printed(columns)[0] == SHORT


@pytest.mark.parametrize("columns", [30, 50, 63])
def test_cells_that_do_not_fit_begin_a_line_of_their_own(columns: int) -> None:
    lines = printed(columns)
    assert len(lines) > 2
    assert all(len(line) <= max(columns, 32) for line in lines)
    assert " ".join(" ".join(lines).split()).startswith(" ".join(SHORT.split()))
    assert lines[1].startswith("    ")
