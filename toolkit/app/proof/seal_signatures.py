"""Whether the signature that is kept beside a seal holds."""

from toolkit.app.app import App
from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.core.proof.signature import Signature, problem


class SealSignatures:
    """Checks signatures with one key, or with the keys that the bucket keeps, each read once."""

    def __init__(self, app: App, key: bytes | None = None) -> None:
        self._app = app
        self._key = key
        self._keys: dict[str, bytes | None] = {}

    def problem(self, seal: bytes, stored: bytes) -> str:
        """What is wrong with the signature of a seal; empty where it holds.

        Args:
            seal: the seal as it is stored.
            stored: what is kept beside it.

        Raises:
            ConfigError: the package that checks is missing, or the given key is none.
        """
        try:
            signature = Signature.from_json(stored)
        except EvidenceError as error:
            return error.message
        if self._key is not None:
            return problem(seal, signature, self._key)
        key = self._public_key(signature.keyid)
        if key is None:
            return f"the bucket does not keep the public key {signature.keyid}"
        try:
            return problem(seal, signature, key)
        except ConfigError as error:
            if error.hint:  # the package is not installed
                raise
            return f"the bucket keeps no key {signature.keyid} that can check it: {error.message}"

    def _public_key(self, keyid: str) -> bytes | None:
        if keyid not in self._keys:
            self._keys[keyid] = self._app.seals.public_key(keyid)
        return self._keys[keyid]
