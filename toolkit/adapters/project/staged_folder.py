"""A folder of made files that is written whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from toolkit.core.errors import ConfigError, ToolkitError


class StagedFolder:
    """Takes files below a folder that nobody sees yet; counts them and their bytes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.files: dict[str, int] = {}

    def write(self, path: str, text: str) -> None:
        """Write a file, by its path below the folder; a later one of the same path replaces it.

        Raises:
            ToolkitError: the disk does not take it.
        """
        parts = PurePosixPath(path).parts
        if not parts or any(part in {"..", "/"} for part in parts):
            raise ValueError(f"{path!r} leads out of the folder")
        target = self._root.joinpath(*parts)
        content = text.encode("utf-8", "replace")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise ToolkitError(f"{target} cannot be written: {error.strerror}") from error
        self.files[path] = len(content)


@contextmanager
def staged(target: Path, mark: str, own: Collection[str]) -> Iterator[StagedFolder]:
    """A folder that takes the place of ``target`` when the block ends well.

    Until then what was there stays. Only a folder that holds the file ``mark`` is replaced, and
    nothing but what is named in ``own``: whatever else lies there is somebody's.

    Raises:
        ConfigError: something else is there, or it cannot be written.
    """
    target = target.resolve()
    try:
        _check(target, mark, own)
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
    try:
        yield StagedFolder(stage)
        stage.chmod(0o777 & ~_umask())  # mkdtemp lets nobody else read
        _check(target, mark, own)  # it took a while
        _swap(stage, target)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _check(target: Path, mark: str, own: Collection[str]) -> None:
    hint = "name another folder with --output"
    if target.exists() and not target.is_dir():
        raise ConfigError(f"{target} is a file", hint=hint)
    names = {path.name for path in target.iterdir()} if target.exists() else set()
    if names and mark not in names:
        raise ConfigError(f"{target} holds other files than a site of the toolkit", hint=hint)
    if strange := sorted(names - set(own)):
        raise ConfigError(
            f"{target} holds {', '.join(strange[:3])}, which does not belong to a site", hint=hint
        )


def _swap(stage: Path, target: Path) -> None:
    """Put one folder in the place of another; nobody sees half of either."""
    if not target.exists():
        stage.rename(target)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old.", dir=target.parent))
    target.rename(old)
    try:
        stage.rename(target)
    except OSError:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
