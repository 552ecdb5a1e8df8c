"""The seals in an app's bucket, with their signatures and the public keys that check them."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from hashlib import sha256
from itertools import groupby

from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.aws.session import CONNECTIONS
from toolkit.core.proof.evidence import StoredObject
from toolkit.core.proof.seal import Seal
from toolkit.core.proof.signature import Signature
from toolkit.runtime import layout

_JSON = "application/json"
_DAY = timedelta(days=1)
_AT_ONCE = 8 * 1024 * 1024  # bytes that are fetched at once: two full parts of a day


class Seals:
    """One bucket's seals; nothing here changes one that stands."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self._bucket.name

    def listed(self, first: date = date.min, last: date = date.max) -> Iterator[StoredObject]:
        """The seals of the days from ``first`` to ``last``, a page (1,000 keys) at a time."""
        after = "" if first == date.min else layout.seal_key(first - _DAY) + "~"
        for stored in self._bucket.objects(layout.SEALS, after=after):
            found = layout.sealed(stored.key)
            # Behind the seals stand keys and signatures.
            if found is None and stored.key > f"{layout.SEALS}a":
                return
            if found is not None and found[0] > last:
                return
            if found is not None and found[0] >= first:
                yield stored

    def raw(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Seals as they are stored, by key; those that exist."""
        return self._bucket.read_all(keys)

    def contents(self, seals: Iterable[StoredObject]) -> Iterator[tuple[str, bytes]]:
        """Listed seals by key, in the order given; some are fetched at once, and none is kept."""
        for key, content, _ in self.with_signatures(seals, ()):
            yield key, content

    def signed(self) -> frozenset[str]:
        """The SHA-256 of every seal beside which a signature is kept, whether it holds or not."""
        keys = self._bucket.keys(layout.SIGNATURES)
        return frozenset(key[len(layout.SIGNATURES) :].removesuffix(".json") for key in keys)

    def with_signatures(
        self, seals: Iterable[StoredObject], signed: Collection[str]
    ) -> Iterator[tuple[str, bytes, bytes | None]]:
        """Listed seals by key, and their signatures as far as their SHA-256 are among ``signed``.

        In the order given; some are fetched at once, and none is kept.
        """
        for batch in _batches(seals):
            found = self._bucket.read_all(stored.key for stored in batch)
            digests = {key: sha256(content).hexdigest() for key, content in found.items()}
            kept = self.signatures(set(digests.values()).intersection(signed)) if signed else {}
            for stored in batch:
                if stored.key in found:
                    yield stored.key, found.pop(stored.key), kept.get(digests[stored.key])

    def days(
        self, seals: Iterable[StoredObject], signed: Collection[str]
    ) -> Iterator[tuple[date, Iterator[tuple[str, bytes, bytes | None]]]]:
        """Listed seals with their signatures, as above, day by day."""
        rows = self.with_signatures(seals, signed)
        return groupby(rows, key=lambda row: layout.day_of_seal(row[0]))

    def write(self, seal: Seal) -> bool:
        """Write a seal unless there is one at its key; says whether it did."""
        return self._bucket.create(seal.key, seal.to_json(), _JSON)

    def signature(self, seal: bytes) -> bytes | None:
        """The signature of a seal, by the seal's bytes; None where it was not signed."""
        return self._bucket.read(layout.signature_key(sha256(seal).hexdigest()))

    def signatures(self, digests: Iterable[str]) -> dict[str, bytes]:
        """The signatures of seals by the seals' SHA-256; those that there are."""
        keys = {layout.signature_key(digest): digest for digest in digests}
        return {keys[key]: content for key, content in self._bucket.read_all(keys).items()}

    def keep_signature(self, seal: bytes, signature: Signature) -> None:
        """Keep the signature of a seal; it is written before the seal is."""
        key = layout.signature_key(sha256(seal).hexdigest())
        self._bucket.create(key, signature.to_json(), _JSON)

    def public_key(self, keyid: str) -> bytes | None:
        """The public key of a signing key, as PEM, by the key's id or ARN."""
        return self._bucket.read(layout.public_key(identity_of(keyid)))

    def keep_public_key(self, keyid: str, pem: str) -> None:
        """Keep the public half of a signing key; it outlives the key."""
        key = layout.public_key(identity_of(keyid))
        self._bucket.create(key, pem.encode(), "application/x-pem-file")


def _batches(seals: Iterable[StoredObject]) -> Iterator[list[StoredObject]]:
    batch: list[StoredObject] = []
    size = 0
    for stored in seals:
        if batch and (len(batch) == CONNECTIONS or size + stored.bytes > _AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(stored)
        size += stored.bytes
    if batch:
        yield batch


def identity_of(keyid: str) -> str:
    """The id in the ARN of a KMS key, with no character that a key of S3 would trip over.

    >>> identity_of("arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef")
    '1234abcd-12ab-34cd-56ef'
    """
    name = keyid.rpartition("/")[2]
    return "".join(character for character in name if character.isalnum() or character == "-")[:64]
