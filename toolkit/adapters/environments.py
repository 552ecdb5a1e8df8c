"""Virtual environments below `.toolkit/`: made once from a lock, named by what they hold."""

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from toolkit.core.errors import ToolkitError

_NEEDS_REGISTRY = "it needs the package registry once; then it works offline"
_PIP_OPTIONS = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes")


def name_of(kind: str, contents: Iterable[bytes]) -> str:
    """The directory of an environment of that content, for the Python that runs this.

    Another content never passes for this one.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}".encode()
    total = hashlib.sha256()
    for content in (*contents, version):
        total.update(hashlib.sha256(content).digest())
    return f"{kind}-{total.hexdigest()[:12]}"


@frozen
class Environment:
    """A virtual environment in ``home``; ``what`` is how errors name it."""

    home: Path
    what: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.home / "bin" / "python"

    @property
    def site_packages(self) -> Path:
        """Where its packages are."""
        return next((self.home / "lib").glob("python3*/site-packages"))

    @property
    def installed(self) -> bool:
        """Whether it is whole."""
        return (self.home / "installed").exists()

    @contextmanager
    def installing(self) -> Iterator[bool]:
        """Hold the turn to make it; says whether it is still to be made, and is empty then."""
        self.home.parent.mkdir(parents=True, exist_ok=True)
        with (self.home.parent / "installing").open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if self.installed:
                yield False
                return
            # --clear: what an interrupted installation left behind is no start.
            self._run(sys.executable, "-m", "venv", "--clear", str(self.home))
            yield True
            (self.home / "installed").touch()

    def pip(self, lock: Path, *options: str) -> None:
        """Install a lock: every package is checked against its hashes."""
        arguments = ("-m", "pip", *_PIP_OPTIONS, *options, "--requirement", str(lock))
        self._run(str(self.python), *arguments, hint=_NEEDS_REGISTRY)

    def run(self, *arguments: str) -> None:
        """Run its Python; raises ToolkitError with the end of what that said."""
        self._run(str(self.python), *arguments)

    def _run(self, *command: str, hint: str | None = None) -> None:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode:
            words = (finished.stderr or finished.stdout).strip().splitlines()[-3:]
            text = "\n".join(words)
            raise ToolkitError(f"{self.what} could not be installed:\n{text}", hint=hint)
