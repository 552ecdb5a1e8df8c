"""The signature of a seal: ECDSA on P-256 over the SHA-256 of the seal's DSSE encoding.

The encoding is that of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md; the seal
itself is the payload and stays a file of its own, so the signature is kept beside it.
"""

import base64
import hashlib
import json
from typing import Self

from attrs import frozen

from toolkit.core.errors import ConfigError, EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.documents import FORMAT, DocumentError

PAYLOAD_TYPE = "application/vnd.fargate-toolkit.seal+json"
_FORMAT = "signature/1"
_CURVE = "secp256r1"


@frozen
class KeySignature:
    """One signature; ``keyid`` is the ARN of the KMS key, ``sig`` base64 of DER."""

    keyid: str
    sig: str


@frozen
class Signature:
    """What is kept beside a seal: a DSSE envelope without its payload."""

    payloadType: str  # noqa: N815 - as DSSE spells it
    signatures: tuple[KeySignature, ...]

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
    if len(signature.signatures) != 1:
        return f"it holds {len(signature.signatures)} signatures instead of one"
    try:
        raw = base64.b64decode(signature.signatures[0].sig, validate=True)
    except ValueError:  # of characters, or of their number
        return "it is not base64"
    return "" if _verified(key, raw, pae(payload)) else "the key did not sign this seal"


def _verified(key: bytes, raw: bytes, signed: bytes) -> bool:
    try:
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.hazmat.primitives import hashes
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
    try:
        public.verify(raw, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
