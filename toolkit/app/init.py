"""Make a project, or copy into one what it otherwise has from the installed toolkit."""

import re
from pathlib import Path

from toolkit.adapters.project.new_files import Written, write_new
from toolkit.core.deploying.config import CONFIG
from toolkit.core.errors import ConfigError
from toolkit.project import starter

__all__ = ["Written", "eject", "init", "is_project", "suggested_name"]

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")


def is_project(directory: Path) -> bool:
    """Whether there is a `toolkit.toml` already."""
    return (directory / CONFIG).exists()


def init(directory: Path, app: str, region: str) -> Written:
    """Write the files of a new project, but for those that are there."""
    if _REGION.fullmatch(region) is None:
        raise ConfigError(f"{region!r} is not an AWS region", hint="e.g. eu-central-1")
    return write_new(directory, starter.new_project(app, region))


def eject(directory: Path) -> Written:
    """Copy the templates and the image's files, to change them; those that are there stay."""
    return write_new(directory, starter.ejected())


def suggested_name(directory: Path) -> str:
    """An app's name made of a directory's.

    >>> suggested_name(Path("/home/ada/Nightly_Reports 2"))
    'nightly-reports-2'
    """
    words = re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:30].rstrip("-") or "app"
