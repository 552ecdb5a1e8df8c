"""Sealed apps in memory for the tests of seals, and a key that signs as KMS does."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta

from attrs import define, evolve, field
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fake_aws import FakeAws
from toolkit.app.proof import ledger
from toolkit.core.proof.ledger import Firing
from toolkit.core.proof.seal_chain import Chain, ChainCheck
from toolkit.core.proof.signature import Signature, message, pem

from .spoiled_runs import START, a_run, an_app, an_aws, prepared, scheduled

ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@define
class Key:
    """A signing key on P-256, as `toolkit.adapters.aws.kms.SigningKey` is one."""

    arn: str = ARN
    private: ec.EllipticCurvePrivateKey = field(
        factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def public(self) -> str:
        info = PublicFormat.SubjectPublicKeyInfo
        return pem(self.private.public_key().public_bytes(Encoding.DER, info))

    def sign(self, seal: bytes) -> Signature:
        digest = utils.Prehashed(hashes.SHA256())
        return Signature.of(self.arn, self.private.sign(message(seal), ec.ECDSA(digest)))


def a_month(ways: list[str], every: timedelta = timedelta(days=1)) -> FakeAws:
    """A schedule with a run for each way, deployed an hour before the first."""
    aws = an_aws()
    scheduled(aws, "cron(0 6 * * ? *)")
    prepared(aws, [a_run(number, way, every) for number, way in enumerate(ways)])
    return aws


def days_later(days: float) -> datetime:
    return START + timedelta(days=days)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seals(aws: FakeAws) -> list[str]:
    return sorted(key for key in aws.objects if key.startswith("seals/2") and key.endswith(".json"))


def contents(aws: FakeAws) -> dict[str, bytes]:
    return {key: aws.objects[key] for key in seals(aws)}


def checked_chain(
    contents: Mapping[str, bytes], bucket: str = "bucket", *, whole: bool = True
) -> Chain:
    """Seals held against each other; with ``whole`` they are all that there are."""
    check = ChainCheck(bucket)
    chain = check.add(contents.items())
    return evolve(chain, problems=(*chain.problems, *(check.missed() if whole else ())))


def rows(
    aws: FakeAws, now: datetime, since: datetime, until: datetime | None = None
) -> list[Firing]:
    period = ledger.Period(since, until or now)
    return list(ledger.read(an_app(aws, now), period).firings)
