"""`make demo`: it ends with a verdict, can be run again, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, share_emulator

pytestmark = pytest.mark.slow
DEMO = ROOT / "scripts" / "demo.py"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("demo")
    share_emulator(directory)
    return directory


def start(home: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TOOLKIT_DEMO": str(home)}
    return subprocess.Popen(
        [sys.executable, str(DEMO)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def processes_of(home: Path) -> list[str]:
    """The command lines of all processes that name this demo's directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(home) in words:
            found.append(words)
    return found


def until_gone(home: Path) -> list[str]:
    """What is left once the engine has had time to see that its owner is gone."""
    import time

    for _ in range(200):
        left = processes_of(home)
        if not left:
            break
        time.sleep(0.1)
    return left


def lines_until(process: subprocess.Popen[str], text: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if text in line:
            return
    pytest.fail(f"the demo ended without {text!r}")


@pytest.mark.parametrize("time", ["first", "second"])
def test_the_demo_ends_with_a_kept_pass_and_can_be_run_again(home: Path, time: str) -> None:
    process = start(home)
    out, _ = process.communicate(timeout=600)
    assert process.returncode == 0, out
    assert "PASS  weather-" in out
    assert "1 ok" in out
    page = Path(next(line for line in out.splitlines() if line.endswith("report.html"))[6:])
    assert "data:image/png;base64," in page.read_text()
    assert (page.parent / "artifacts" / "weather.png").is_file()
    assert "source .venv/bin/activate" in out[out.index("What to try next") :]
    assert out.splitlines()[-1].startswith("done in ")
    assert until_gone(home) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_demo_that_is_killed_leaves_nothing_running(home: Path, number: int) -> None:
    process = start(home)
    for _ in lines_until(process, "CREATE_COMPLETE"):
        pass
    assert processes_of(home)
    process.send_signal(number)
    process.communicate(timeout=300)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert until_gone(home) == []
