"""The emulator's virtual environment: made once per lock, checked every time.

The emulator is ministack from the package registry. It pins botocore exactly, so it lives apart
from the toolkit's own packages.
"""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from toolkit.core.errors import ToolkitError

LOCK = Path(__file__).resolve().parents[1] / "local" / "ministack" / "requirements.lock"


def ensure_installed(folder: Path, progress: Callable[[str], None]) -> Path:
    """The Python of the emulator's environment below ``folder``, installed first where needed.

    The folder's name is the digest of the lock, so another version never passes for this one.
    """
    lock = LOCK.read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    digest = hashlib.sha256(lock + version.encode()).hexdigest()[:12]
    home = folder / f"emulator-{digest}"
    python = home / "bin" / "python"
    if (home / "installed").exists():
        return python
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "installing").open("wb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not (home / "installed").exists():
            progress("installing the emulator (once; about 90 MB)")
            _install(home, python)
    return python


def _install(home: Path, python: Path) -> None:
    # --clear: what an interrupted installation left behind is no start.
    _run([sys.executable, "-m", "venv", "--clear", str(home)])
    _run([str(python), "-m", "pip", *_PIP_OPTIONS, "--requirement", str(LOCK)])
    (home / "installed").touch()


_PIP_OPTIONS = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes")


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        words = (finished.stderr or finished.stdout).strip().splitlines()[-3:]
        raise ToolkitError(
            "the emulator could not be installed:\n" + "\n".join(words),
            hint="it needs the package registry once; then it works offline",
        )
