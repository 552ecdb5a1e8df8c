"""The signature of a seal: ECDSA on P-256 over the SHA-256 of the seal's DSSE encoding.

The encoding is that of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md; the seal
itself is the payload and stays a file of its own, so the signature is kept beside it.
"""

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Self

from attrs import frozen

from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.documents import FORMAT, DocumentError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

PAYLOAD_TYPE = "application/vnd.fargate-toolkit.seal+json"
_FORMAT = "signature/1"
_CURVE = "secp256r1"
_BEGIN = b"-----BEGIN"


@frozen
class KeySignature:
    """One signature; ``keyid`` is the ARN of the KMS key, ``sig`` base64 of DER."""

    keyid: str
    sig: str


@frozen
class Signature:
    """What is kept beside a seal: a DSSE envelope without its payload.

    ``payload`` is read, for another one than the seal would be a second statement under it.
    """

    payloadType: str  # noqa: N815 - as DSSE spells it
    signatures: tuple[KeySignature, ...]
    payload: str | None = None

    def to_json(self) -> bytes:
        """The signature as UTF-8 JSON."""
        rows = [{"keyid": row.keyid, "sig": row.sig} for row in self.signatures]
        document = {FORMAT: _FORMAT, "payloadType": self.payloadType, "signatures": rows}
        return json.dumps(document, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a signature; raises EvidenceError when it is none or of a later format."""
        try:
            return documents.read(cls, documents.load(content, "signature"), "signature")
        except DocumentError as error:
            raise EvidenceError(str(error)) from error

    @classmethod
    def of(cls, keyid: str, raw: bytes) -> Self:
        """The signature that KMS made, as DER."""
        return cls(PAYLOAD_TYPE, (KeySignature(keyid, base64.b64encode(raw).decode()),))

    @property
    def keyid(self) -> str:
        """The ARN of the key that signed; empty where there is not exactly one."""
        return self.signatures[0].keyid if len(self.signatures) == 1 else ""


@frozen
class KeyCheck:
    """A seal's signature as a public key sees it: the SHA-256 of the key, and what is wrong.

    ``problem`` is empty where the key signed the seal.
    """

    key: str
    problem: str = ""


def pae(payload: bytes) -> bytes:
    r"""The bytes that are signed: DSSE's pre-authentication encoding of a seal.

    >>> pae(b"{}")
    b'DSSEv1 41 application/vnd.fargate-toolkit.seal+json 2 {}'
    """
    head = f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} "
    return head.encode() + payload


def message(payload: bytes) -> bytes:
    """The SHA-256 that KMS signs (MessageType DIGEST)."""
    return hashlib.sha256(pae(payload)).digest()


def pem(der: bytes) -> str:
    """A public key as PEM, from the SubjectPublicKeyInfo that KMS gives."""
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


def problem(payload: bytes, signature: Signature, key: bytes) -> str:
    """What is wrong with a signature; empty where it is the key's and of these bytes.

    Args:
        payload: the seal as it is stored.
        signature: what is kept beside it.
        key: the public key as PEM.

    Raises:
        ConfigError: the key is not a public key on P-256, or the package that checks is missing.
    """
    if signature.payloadType != PAYLOAD_TYPE:
        return "it is the signature of something else"
    if signature.payload is not None:
        return "it holds a payload of its own, and the seal is the payload"
    if len(signature.signatures) != 1:
        return f"it holds {len(signature.signatures)} signatures instead of one"
    text = signature.signatures[0].sig
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:  # of characters, or of their number
        raw = b""
    if not raw or base64.b64encode(raw).decode() != text:
        return "it is not base64"
    return "" if _verified(key, raw, pae(payload)) else "the key did not sign this seal"


def fingerprint(key: bytes) -> str:
    """The SHA-256 of a public key, by its DER; raises ConfigError as `problem` does."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    der = _public_key(key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _public_key(key: bytes) -> "EllipticCurvePublicKey":
    if key.count(_BEGIN) > 1:
        raise ConfigError(f"the key's file holds {key.count(_BEGIN)} keys; it must hold one")
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise ConfigError(
            "signatures are checked with the package cryptography, which is not installed",
            hint="pip install 'fargate-toolkit[signatures]'",
        ) from error
    try:
        public = load_pem_public_key(key)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"the key is not a public key in PEM: {error}") from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != _CURVE:
        raise ConfigError("the key is not a public key on P-256 (ECC_NIST_P256)")
    return public


def _verified(key: bytes, raw: bytes, signed: bytes) -> bool:
    public = _public_key(key)
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        public.verify(raw, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
