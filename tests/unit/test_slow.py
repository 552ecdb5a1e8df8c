"""What `make test` leaves out on a person's machine, and that CI leaves out nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("given", "left_out"),
    [({}, True), ({"CI": "false"}, True), ({"CI": "true"}, False), ({"SLOW": "1"}, False)],
)
def test_only_a_person_leaves_out_slow_tests(given: dict[str, str], left_out: bool) -> None:
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "SLOW")}
    done = subprocess.run(
        ["make", "-n", "test"],
        cwd=ROOT,
        env={**inherited, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("--no-slow" in done.stdout) is left_out


def test_what_is_left_out_is_named_in_a_line_with_how_to_run_it() -> None:
    sample = "tests/unit/test_long_log.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--no-slow", sample],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert line.startswith("SKIPPED [1] ")
    assert f"{sample}: test_a_run_with_a_long_log_is_judged_in_little_memory; " in line
    assert "`make test SLOW=1`" in line
