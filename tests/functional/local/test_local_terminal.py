"""`toolkit local` as a person types it: times in words, Ctrl-C, completion."""

import os
import re
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.functional.local.rehearsal import REPOSITORY, Rehearsal

COMMAND = [sys.executable, "-m", "toolkit"]


@pytest.fixture
def project(own: Rehearsal) -> Rehearsal:
    """An engine whose project the command line finds."""
    (own.root / "toolkit.toml").write_text('[default]\napp = "own"\n')
    for folder in ("workloads", "schedules"):
        (own.root / folder).symlink_to(REPOSITORY / folder)
    return own


def options(rehearsal: Rehearsal, **env: str) -> dict[str, Any]:
    return {
        "cwd": rehearsal.root,
        "env": {**os.environ, "PYTHONPATH": str(REPOSITORY), **env},
        "text": True,
    }


def toolkit(rehearsal: Rehearsal, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *words]
    return subprocess.run(command, capture_output=True, check=False, **options(rehearsal))


def test_the_clock_moves_until_a_time_in_words(project: Rehearsal) -> None:
    before = project.engine.now()
    done = toolkit(project, "local", "advance", "tomorrow 06:00", "--timezone", "Asia/Tokyo")
    assert done.returncode == 0, done.stderr
    assert re.match(r"to tomorrow 06:00: \w+ .* 06:00 JST \(", done.stderr)
    assert f"{project.engine.now():%H:%M}" == "21:00"
    assert timedelta(0) < project.engine.now() - before < timedelta(days=2)
    past = toolkit(project, "local", "advance", "yesterday")
    assert past.returncode == 2
    assert project.engine.now() > before


def test_ctrl_c_says_what_time_it_is(project: Rehearsal) -> None:
    command = [*COMMAND, "local", "advance", "30d", "--speed", "60x"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, **options(project)) as running:
        assert running.stderr is not None
        assert running.stderr.readline().startswith("to 30d: ")
        while project.engine.status()["offset_seconds"] < 1:  # the clock runs ahead
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=300)
    found = re.search(r"interrupted: it is (\S+) there", errors)
    assert found, errors
    assert running.returncode == 130
    told = datetime.fromisoformat(found[1])
    assert told <= project.engine.now()


@pytest.mark.parametrize(
    ("line", "expected"), [("local fault add clock", "clock-skew"), ("run sci", "science")]
)
def test_names_are_completed_as_a_shell_asks(project: Rehearsal, line: str, expected: str) -> None:
    words = f"toolkit {line}"
    env = {"COMP_WORDS": words, "COMP_CWORD": str(len(line.split()))}
    script = "import sys; sys.argv[0] = 'toolkit'; from toolkit.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        check=False,
        **options(project, _TOOLKIT_COMPLETE="bash_complete", **env),
    )
    assert f"plain,{expected}" in done.stdout.splitlines(), (done.stdout, done.stderr)
