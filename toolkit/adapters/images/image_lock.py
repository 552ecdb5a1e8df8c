"""`image/requirements.lock`, made from `image/requirements.in` by uv: hashes for every platform.

uv is taken from the PATH, or from beside this Python, or else installed below `.toolkit/`.
https://docs.astral.sh/uv/pip/compile/
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit.adapters.environments import Environment, name_of
from toolkit.core.errors import ConfigError, ImageError

SOURCE, LOCK = "image/requirements.in", "image/requirements.lock"
_UV_LOCK = Path(__file__).with_name("uv.lock")
_OPTIONS = (
    "--quiet",
    "--universal",
    "--fork-strategy=fewest",
    "--python-version=3.11",  # the oldest that runs tasks as processes; the image has a newer one
    "--generate-hashes",
    "--no-emit-index-url",
    "--custom-compile-command=toolkit image lock",
)
# What pip is told about its index, and how uv calls it.
_AS_PIP = {"PIP_INDEX_URL": "UV_DEFAULT_INDEX", "PIP_EXTRA_INDEX_URL": "UV_INDEX"}
_FRAME = re.compile(r"^\W+")  # of the tree that uv draws around its reasons
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def make_lock(
    root: Path, add: Sequence[str], progress: Callable[[str], None], *, upgrade: bool = False
) -> dict[str, str]:
    """Write the lock of the project in ``root``; returns each package's version.

    Args:
        root: the project's root.
        add: requirements, such as ``pandas>=3``, to add to `image/requirements.in` first.
        progress: told when uv must be installed.
        upgrade: take the newest versions instead of those that are locked.

    Raises:
        ConfigError: there is no requirements.in, or a requirement is none.
        ImageError: no versions fit, or a package does not exist; nothing was written.
    """
    source = root / SOURCE
    if not source.is_file():
        raise ConfigError(f"{SOURCE} is missing in {root}", hint="list the image's packages in it")
    before = source.read_text("utf-8")
    wanted = with_requirements(before, add)
    uv = _find_uv(root, progress)
    with tempfile.TemporaryDirectory() as folder:
        # Under the same names, which uv writes into the lock; the project sees only what succeeded.
        (Path(folder) / "image").mkdir()
        (Path(folder) / SOURCE).write_text(wanted, "utf-8")
        if (root / LOCK).is_file():
            shutil.copy(root / LOCK, Path(folder) / LOCK)
        _compile(uv, Path(folder), upgrade=upgrade)
        text = (Path(folder) / LOCK).read_text("utf-8")
    if wanted != before:
        source.write_text(wanted, "utf-8")
    (root / LOCK).write_text(text, "utf-8")
    return dict(_PINNED.findall(text))


def with_requirements(text: str, add: Sequence[str]) -> str:
    """The text of a requirements.in with requirements that it does not name yet."""
    known = {_canonical(line) for line in text.splitlines() if _NAME.match(line)}
    for requirement in add:
        if not _NAME.match(requirement) or "\n" in requirement:
            raise ConfigError(
                f"{requirement!r} is not a package requirement", hint="e.g. pandas or 'pandas>=3'"
            )
        if _canonical(requirement) not in known:
            known.add(_canonical(requirement))
            text = f"{text.rstrip()}\n{requirement}\n" if text.strip() else f"{requirement}\n"
    return text


def _canonical(requirement: str) -> str:
    """A package's name as an index knows it: https://peps.python.org/pep-0503/#normalized-names."""
    name = _NAME.match(requirement)
    assert name is not None
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def _compile(uv: Path, folder: Path, *, upgrade: bool) -> None:
    given = {uvs: os.environ[pips] for pips, uvs in _AS_PIP.items() if pips in os.environ}
    options = (*_OPTIONS, *(("--upgrade",) if upgrade else ()))
    command = [str(uv), "pip", "compile", *options, SOURCE, "--output-file", LOCK]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**given, **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        lines = [_FRAME.sub("", line) for line in ended.stderr.splitlines() if line.strip()]
        raise ImageError(f"{SOURCE} cannot be locked: {' '.join(lines)}")


def _find_uv(root: Path, progress: Callable[[str], None]) -> Path:
    beside = Path(sys.executable).with_name("uv")
    found = shutil.which("uv")
    if found is not None or beside.is_file():
        return Path(found) if found else beside
    made = Environment(root / ".toolkit" / name_of("uv", [_UV_LOCK.read_bytes()]), "uv")
    if not made.installed:
        with made.installing() as needed:
            if needed:
                progress("installing uv, which makes the lock (once)")
                made.pip(_UV_LOCK)
    return made.python.with_name("uv")
