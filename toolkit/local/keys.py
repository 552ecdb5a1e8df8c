"""The access keys of a project's embedded AWS: made once, for its owner's eyes only."""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Self

from attrs import asdict, field, frozen
from attrs.validators import instance_of

_TEXT = instance_of(str)


@frozen
class Keys:
    """The account's key, and the engine's own: same secret, but injected faults spare it."""

    access_key: str = field(validator=_TEXT)
    engine_access_key: str = field(validator=_TEXT)
    secret_key: str = field(validator=_TEXT, repr=False)
    directory: int = field(validator=instance_of(int))  # its number in the file system

    @classmethod
    def of(cls, home: Path) -> Self:
        """The keys that stand below ``home``, made first where there are none.

        A copy of the directory has keys of its own: the addresses of two projects may change hands.
        """
        path, directory = home / "keys.json", home.stat().st_ino
        try:
            return cls._read(path, directory)
        except (FileNotFoundError, ValueError, TypeError):
            keys = cls(_key_id(), _key_id(), secrets.token_urlsafe(30), directory)
            draft = home / "keys.json.new"
            draft.unlink(missing_ok=True)
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                json.dump(asdict(keys), file)
            draft.replace(path)
            return keys

    @classmethod
    def _read(cls, path: Path, directory: int) -> Self:
        keys = cls(**json.loads(path.read_text()))
        if keys.directory != directory:
            raise ValueError("keys of another directory")
        return keys

    def variables(self) -> dict[str, str]:
        """What the emulator is told of them; the first two names are ministack's own."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "TOOLKIT_ENGINE_KEY": self.engine_access_key,
        }


def _key_id() -> str:
    """In the form of a long-term key: AKIA and sixteen characters."""
    return f"AKIA{base64.b32encode(secrets.token_bytes(10)).decode()}"
