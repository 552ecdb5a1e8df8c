"""AWS KMS, as far as seals are signed with it."""

from functools import cached_property
from typing import Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.proof.signature import Signature, message, pem


class SigningKey:
    """One asymmetric key on P-256, by its ARN."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self._client: Any = aws.client("kms")
        self.arn = arn

    def sign(self, seal: bytes) -> Signature:
        """The signature of a seal; KMS sees its digest alone.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
        """
        with translated(f"key {self.arn}"):
            answer = self._client.sign(
                KeyId=self.arn,
                Message=message(seal),
                MessageType="DIGEST",
                SigningAlgorithm="ECDSA_SHA_256",
            )
        return Signature.of(self.arn, answer["Signature"])

    @cached_property
    def public(self) -> str:
        """The public key as PEM."""
        with translated(f"key {self.arn}"):
            return pem(self._client.get_public_key(KeyId=self.arn)["PublicKey"])
