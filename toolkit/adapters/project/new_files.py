"""Write files that are not there yet; what is there stays as it is."""

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from toolkit.core.errors import ConfigError


@frozen
class Written:
    """The paths that were written, and those that were there already and were left alone."""

    new: tuple[str, ...]
    kept: tuple[str, ...]


def write_new(root: Path, files: Mapping[str, str]) -> Written:
    """Write each file below ``root`` unless something stands there; raises ConfigError."""
    new, kept = [], []
    for name, text in sorted(files.items()):
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # "x" also refuses a link that leads nowhere, through which one would write elsewhere.
            with path.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except FileExistsError:
            if path.parent.is_dir():
                kept.append(name)
                continue
            raise ConfigError(f"{path.parent} is not a directory") from None
        except OSError as error:
            raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
        if text.startswith("#!"):
            path.chmod(0o755)
        new.append(name)
    return Written(tuple(new), tuple(kept))
