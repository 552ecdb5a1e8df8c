"""docs/getting-started.md, typed: every line that begins with a dollar sign, in its order."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.functional.conftest import share_emulator

from .conftest import ROOT, Installed

pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "getting-started.md"


def typed() -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_the_tutorial_does_what_it_says(with_local: Installed, tmp_path: Path) -> None:
    commands = typed()
    assert commands[0].startswith("toolkit init")
    assert commands[-1] == "toolkit local stop"
    # The emulator is the same for every project of this machine; `init` leaves it where it is.
    (tmp_path / "nightly").mkdir()
    share_emulator(tmp_path / "nightly")
    script = "set -ex\n" + "\n".join(commands)
    answer = subprocess.run(
        ["sh", "-c", script],
        cwd=tmp_path,
        env={"HOME": str(with_local.home), "PATH": f"{with_local.environment}/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.count("PASS") >= 4  # each run, and the firing on the virtual clock
