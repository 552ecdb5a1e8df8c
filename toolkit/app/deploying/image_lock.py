"""Lock the packages of the project's image."""

from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit.adapters.images import image_lock
from toolkit.adapters.project.project import Project


def make_lock(
    directory: Path, add: Sequence[str], progress: Callable[[str], None], *, upgrade: bool
) -> dict[str, str]:
    """Write `image/requirements.lock`; returns the version of each package in it."""
    root = Project.find(directory).root
    return image_lock.make_lock(root, add, progress, upgrade=upgrade)
