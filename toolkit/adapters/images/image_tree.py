"""The files that an image is built from: the project's own, and the installed runtime.

One tree serves both kinds of image: `docker build` gets it as its context, and the process image of
the embedded AWS holds what of it goes to the image's import root.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from toolkit.core.deploying.image import (
    AUDIT_INPUTS,
    BUILD_INPUTS,
    IMPORT_ROOT,
    RUNTIME_INPUTS,
    SHARED_INPUTS,
    content_tag,
    is_build_input,
)

_EXECUTABLE = 0o100
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


def image_tree(root: Path, *, audit: bool = False) -> dict[str, Path]:
    """The files of the build context, by their paths in it.

    Args:
        root: the project's root. The runtime comes from the installed toolkit, and so do the
            image's files that the project has not its own of.
        audit: whether the image holds the audit.
    """
    inputs = RUNTIME_INPUTS + (AUDIT_INPUTS if audit else ())
    runtime = _matching(_PACKAGE_ROOT, inputs)
    shared = _matching(_PACKAGE_ROOT / "toolkit" / "project", SHARED_INPUTS)
    return dict(sorted({**shared, **runtime, **_matching(root, BUILD_INPUTS)}.items()))


def import_tree(root: Path, *, audit: bool = False) -> dict[str, Path]:
    """The part of the build context that the image holds at its import root."""
    tree = image_tree(root, audit=audit)
    return {name: path for name, path in tree.items() if name.startswith(IMPORT_ROOT)}


def image_tag(
    root: Path, arguments: Mapping[str, str], platforms: Sequence[str], *, audit: bool = False
) -> str:
    """The tag of the image that the project in ``root`` gives for these platforms."""
    tree = image_tree(root, audit=audit)
    files = ((name, path.read_bytes()) for name, path in tree.items())
    programs = (name for name, path in tree.items() if path.stat().st_mode & _EXECUTABLE)
    return content_tag(files, {**arguments, "": ",".join(sorted(platforms))}, programs)


@contextmanager
def staged(tree: Mapping[str, Path]) -> Iterator[Path]:
    """A directory that holds copies of these files and nothing else, for one build."""
    with tempfile.TemporaryDirectory(prefix="toolkit-context-") as folder:
        for name, path in tree.items():
            target = Path(folder) / name
            _make_directories(Path(folder), target.parent)
            shutil.copyfile(path, target)
            # Of a mode only this counts: the same files give the same layers for every umask.
            target.chmod(0o755 if path.stat().st_mode & _EXECUTABLE else 0o644)
        yield Path(folder)


def _make_directories(top: Path, folder: Path) -> None:
    for parent in reversed([folder, *folder.parents]):
        if parent.is_relative_to(top) and parent != top:
            parent.mkdir(exist_ok=True)
            parent.chmod(0o755)


def _matching(root: Path, patterns: tuple[str, ...]) -> dict[str, Path]:
    paths = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    named = {path.relative_to(root).as_posix(): path for path in paths}
    return {name: path for name, path in named.items() if is_build_input(name)}
