"""A log of 100,000 lines is read page by page, whatever its length."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.core.proof.log_digest import LogReader


@pytest.mark.slow
def test_a_run_with_a_long_log_is_judged_in_little_memory() -> None:
    command = [sys.executable, "-m", "tests.long_log", "100000"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["ruling"] == "PASS", found
    assert found["searches"] > 25
    assert found["megabytes"] < 150


def test_lines_are_counted_in_whatever_order_they_come() -> None:
    lines = [json.dumps({"seq": seq, "run_id": "r", "event": "e"}) for seq in range(1, 101)]
    forward, backward = LogReader("r"), LogReader("r")
    for line in lines[:50] + lines[60:]:
        forward.add(line)
    for line in reversed(lines[:50] + lines[60:]):
        backward.add(line)
    assert forward.digest() == backward.digest()
    assert (forward.digest().numbered, forward.digest().missing) == (90, 10)
    forward.add(json.dumps({"seq": 50, "run_id": "r", "event": "other"}))
    assert forward.digest().conflicting == 1
