"""URLs in settings: what a usable one is, and how one is shown without its credentials."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from toolkit.runtime.contract import ContractError

REDACTED = "(redacted)"

_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/?#\s]*@", re.IGNORECASE)
_SECRETIVE = "token|secret|passw|pwd|signature|sig|credential|auth|key"
_QUERY = re.compile(rf"([?&;][^=&;#\s]*(?:{_SECRETIVE})[^=&;#\s]*=)[^&;#\s\"'<>]+", re.IGNORECASE)


def hide_credentials(text: str) -> str:
    """``text`` with the user, the password and the secret parameters of every URL in it redacted.

    >>> hide_credentials("GET https://me:pw@example.org/a?day=1&api_key=x failed")
    'GET https://(redacted)@example.org/a?day=1&api_key=(redacted) failed'
    """
    return _QUERY.sub(rf"\1{REDACTED}", _USER.sub(rf"\1{REDACTED}@", text))


def check_url(text: str, schemes: Sequence[str]) -> None:
    """Refuse what no client could open; the message says what is wrong, without the URL."""
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ContractError("has a space or a control character in it")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ContractError(f"is not a URL: {hide_credentials(str(error))}") from error
    if parts.scheme not in schemes or "//" not in text:
        raise ContractError(f"does not begin with {' or '.join(f'{s}://' for s in schemes)}")
    if "@" in parts.netloc:
        raise ContractError(
            "holds a user or a password, which everybody could read who may describe the task"
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise ContractError("names no port after the colon")
    try:
        host.encode("idna")
    except UnicodeError as error:
        raise ContractError(f"names no host that DNS could know: {error}") from error
    if not host:
        raise ContractError("names no host")
