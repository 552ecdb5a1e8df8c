"""The front door: what may come in at all, before any service looks at it.

- No page in a browser: a request with an ``Origin`` is refused, and so is one for a host name other
  than loopback's (a name that an attacker's DNS points here). No answer carries a CORS header.
- Nobody without a key of this engine, or one that was issued here: unsigned requests are refused,
  and a signature by query counts as one by header. ministack checks the signature itself.
- The registry wants the password that GetAuthorizationToken gives, as ECR does.
- Routes of the emulator itself (``/_…``) want the engine's token.
"""

import base64
import binascii
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from ministack.core import iam_actions
from ministack.core.sigv4 import decode_header_value

from toolkit.local.ministack.iam import access
from toolkit.local.ministack.stores import registry_login

Headers = Mapping[bytes, bytes]
Refusal = tuple[int, dict[str, str], bytes]

TOKEN_HEADER = b"x-toolkit-token"
_NAMES = ("127.0.0.1", "localhost")
_REGISTRY = re.compile(r"/v2(/?|/_catalog|/.+/(blobs|manifests|tags|referrers)/.*)")
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/[^/]*/([^/]+)/aws4_request")
_SCOPE = re.compile(r"([^/]+)/\d+/[^/]*/([^/]+)/aws4_request")
_VERSION_2 = re.compile(r"AWS ([^:\s]+):.+")  # S3 still takes it, and boto3 presigns with it


def signer(headers: Headers, query_string: bytes) -> tuple[str, str]:
    """Access key and service of a signed request, or empty strings."""
    authorization = headers.get(b"authorization", b"").decode("latin-1")
    query = {name: row[0] for name, row in parse_qs(query_string.decode("latin-1")).items()}
    match = _CREDENTIAL.search(authorization) or _SCOPE.fullmatch(query.get("X-Amz-Credential", ""))
    if match is not None:
        return match[1], match[2]
    old = _VERSION_2.fullmatch(authorization)
    key = old[1] if old else query.get("AWSAccessKeyId", "")
    return (key, "s3") if key else ("", "")


class Door:
    """Who may come in, on this port and with these secrets."""

    def __init__(self, port: int, token: str) -> None:
        self._hosts = {f"{name}:{port}".encode() for name in _NAMES}
        self._token = token.encode()

    def refusal(
        self, path: str, query: bytes, headers: Headers, signed_by: tuple[str, str]
    ) -> Refusal | None:
        """The answer to a request that may not come in, or None."""
        if b"origin" in headers or headers.get(b"host") not in self._hosts:
            return _message(403, "the embedded AWS answers no web page, and on loopback only")
        if path.startswith("/_"):
            held = headers.get(TOKEN_HEADER, b"")
            if hmac.compare_digest(held, self._token):
                return None
            return _message(403, "this door is the engine's own")
        if _REGISTRY.fullmatch(path):
            signed = registry_login.is_address(path, query.decode("latin-1"))
            return None if signed or registry_region(path, headers) else _login()
        key, service = signed_by
        if access.is_known(key):
            return None
        return _credentials(key, service, headers)


def _credentials(key: str, service: str, headers: Headers) -> Refusal:
    """What the service says to a key that nobody has, or to none, in its own protocol."""
    code, message = (
        ("UnrecognizedClientException", "The security token included in the request is invalid.")
        if key
        else ("MissingAuthenticationToken", "Request is missing Authentication Token")
    )
    given = {name.decode("latin-1"): decode_header_value(text) for name, text in headers.items()}
    status, answer, content = iam_actions.access_denied_response(
        service or "s3", "", "", str(uuid.uuid4()), error_code=code, message=message, headers=given
    )
    return status, dict(answer), content if isinstance(content, bytes) else content.encode()


def registry_region(path: str, headers: Headers) -> str | None:
    """The region of the registry that a request is for: that of its login."""
    scheme, _, encoded = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"basic" or not _REGISTRY.fullmatch(path):
        return None
    try:
        return registry_login.region_of(base64.b64decode(encoded, validate=True))
    except binascii.Error:
        return None


def _login() -> Refusal:
    errors = [{"code": "UNAUTHORIZED", "message": "authentication required: docker login"}]
    content = json.dumps({"errors": errors}).encode()
    headers = {
        "Content-Type": "application/json",
        "Www-Authenticate": 'Basic realm="the embedded AWS",service="ecr.amazonaws.com"',
        "Docker-Distribution-Api-Version": "registry/2.0",
    }
    return 401, headers, content


def _message(status: int, text: str) -> Refusal:
    content = json.dumps({"message": text}).encode()
    return status, {"Content-Type": "application/json"}, content


def without_cors(message: dict[str, Any]) -> dict[str, Any]:
    """An ASGI message without the headers that open an answer to web pages."""
    if message["type"] != "http.response.start":
        return message
    kept = [row for row in message["headers"] if not row[0].lower().startswith(b"access-control-")]
    return {**message, "headers": kept}
