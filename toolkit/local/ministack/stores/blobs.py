"""The registry's layers on disk, by digest: memory and state hold only how large they are."""

from pathlib import Path
from typing import Any

from ministack.services import ecr

from toolkit.local.ministack.replacing.converted import Converted
from toolkit.local.ministack.state import snapshots

_HOME = snapshots.DIRECTORY / "blobs"


def install() -> None:
    """Put a dict of ours in the place of ministack's."""
    ecr._layer_blobs._data = Converted(_blobs, ecr._layer_blobs._data)


class _Blobs(dict[str, Any]):
    """A repository's blobs: digest → size for whoever iterates, digest → content for all others."""

    def __setitem__(self, digest: str, content: Any) -> None:
        if isinstance(content, bytes):
            _write(digest, content)
            content = len(content)
        super().__setitem__(digest, content)

    def __getitem__(self, digest: str) -> Any:
        if digest not in self:
            raise KeyError(digest)
        return _path(digest).read_bytes()

    def get(self, digest: str, default: Any = None) -> Any:
        """The content of a blob."""
        return self[digest] if digest in self else default  # noqa: SIM401 - what it is made of


def _blobs(_repository: Any, found: dict[str, Any]) -> _Blobs:
    blobs = _Blobs()
    for digest, content in found.items():
        blobs[digest] = content
    return blobs


def _write(digest: str, content: bytes) -> None:
    path = _path(digest)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_bytes(content)
        draft.replace(path)


def sweep() -> None:
    """Remove what no repository has."""
    wanted = {_path(digest) for found in ecr._layer_blobs.all_values() for digest in found}
    for path in set(_HOME.glob("*")) - wanted:
        path.unlink()


def _path(digest: str) -> Path:
    """Of a digest that ministack has compared with the content."""
    return _HOME / digest.replace(":", "-")
