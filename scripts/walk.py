"""A walk through the commands on a copy of the project: what demo.py and evidence.py share.

Every command is printed before it runs, as a person would type it.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("toolkit.toml", "templates", "image", "schedules", "workloads")
BOLD, RESET = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")


class Walk:
    """Commands of this environment's toolkit, in one copy of the project."""

    def __init__(self, copy: Path) -> None:
        self.copy = copy

    def copy_project(self) -> None:
        """A fresh copy of the project; what the emulator has installed stays."""
        self.copy.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            target = self.copy / part
            if (ROOT / part).is_dir():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / part, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / part, target)

    def toolkit(self, *arguments: str, check: bool = True) -> None:
        """Run one command in the open; its failure raises CalledProcessError."""
        show(*arguments)
        subprocess.run(_command(arguments), cwd=self.copy, check=check)

    def background(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start one command in the open; its output mixes with that of the next."""
        show(*arguments, "&")
        return subprocess.Popen(_command(arguments), cwd=self.copy)

    def answer(self, *arguments: str) -> dict[str, object]:
        """The JSON that one command prints; the command is not shown."""
        done = subprocess.run(
            _command(arguments), cwd=self.copy, check=True, stdout=subprocess.PIPE
        )
        return json.loads(done.stdout)


def show(*arguments: str) -> None:
    """Print a command."""
    text = " ".join(f'"{word}"' if " " in word else word for word in arguments)
    print(f"\n{BOLD}$ toolkit {text}{RESET}", flush=True)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "toolkit", *arguments]
