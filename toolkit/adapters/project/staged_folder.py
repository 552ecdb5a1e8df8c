"""A folder of made files that is written whole or not at all."""

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path, PurePosixPath

from toolkit.core.errors import ConfigError, ToolkitError

# In a folder that is not whole yet.
_UNFINISHED = ".unfinished"


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
    nothing but what is named in ``own``: whatever else lies there is somebody's. What a writer left
    beside it that was killed is removed at the end; a writer that lives holds a lock on its folder.

    Raises:
        ConfigError: something else is there, or it cannot be written.
    """
    target = target.resolve()
    with ExitStack() as locks:
        try:
            _check(target, mark, own)
            target.parent.mkdir(parents=True, exist_ok=True)
            stage = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            _lock(stage, locks)
            (stage / _UNFINISHED).touch()
        except OSError as error:
            raise ConfigError(f"{target} cannot be written: {error.strerror}") from error
        try:
            yield StagedFolder(stage)
            stage.chmod(0o777 & ~_umask())  # mkdtemp lets nobody else read
            _check(target, mark, own)  # it took a while
            (stage / _UNFINISHED).unlink()
            _swap(stage, target, locks)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
        for left in _left_behind(target, mark, own):
            shutil.rmtree(left, ignore_errors=True)


def _lock(folder: Path, locks: ExitStack) -> bool:
    """Lock a folder until the locks are given back, or the process ends; whether that worked.

    A lock of flock(2) is one of the folder itself, wherever it is moved.
    """
    folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    locks.callback(os.close, folder_fd)
    try:
        fcntl.flock(folder_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _left_behind(target: Path, mark: str, own: Collection[str]) -> Iterator[Path]:
    """The folders of writers that were killed: those that `staged` named and nobody holds.

    One is half a site that says so, or an earlier site on its way out. What looks like them in name
    alone is somebody's.
    """
    named = re.compile(rf"\.{re.escape(target.name)}\.(old\.)?[a-z0-9_]{{8}}")
    for path in sorted(target.parent.glob(f".{_escaped(target.name)}.*")):
        with ExitStack() as locks, suppress(OSError):
            found = named.fullmatch(path.name)
            marks = {_UNFINISHED, mark, *(own if found and found[1] else ())}
            if found and _is_ours(path, own, marks) and _lock(path, locks):
                yield path


def _escaped(name: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", name)


def _is_ours(path: Path, own: Collection[str], marks: Collection[str]) -> bool:
    if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.getuid():
        return False
    names = {each.name for each in path.iterdir()}
    return names <= {*own, _UNFINISHED} and not names.isdisjoint(marks)


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


def _swap(stage: Path, target: Path, locks: ExitStack) -> None:
    """Put one folder in the place of another; nobody sees half of either."""
    if not target.exists():
        stage.rename(target)
        return
    _lock(target, locks)
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
