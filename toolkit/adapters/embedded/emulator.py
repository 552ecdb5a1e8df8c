"""The emulator's virtual environment: made once per lock, checked every time.

The emulator is ministack from the package registry. It pins botocore exactly, so it lives apart
from the toolkit's own packages.
"""

from collections.abc import Callable
from pathlib import Path

from toolkit.adapters.environments import Environment, name_of

LOCK = Path(__file__).resolve().parents[2] / "local" / "ministack" / "requirements.lock"


def ensure_installed(folder: Path, progress: Callable[[str], None]) -> Path:
    """The Python of the emulator's environment below ``folder``, installed first where needed."""
    made = Environment(folder / name_of("emulator", [LOCK.read_bytes()]), "the emulator")
    if not made.installed:
        with made.installing() as needed:
            if needed:
                progress("installing the emulator (once; about 90 MB)")
                made.pip(LOCK)
    return made.python
