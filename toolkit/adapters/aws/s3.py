"""S3: claims, artifacts and manifests of runs, without downloading what a HEAD can tell."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from toolkit.adapters.aws.session import CONNECTIONS, Aws, translated
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.proof.evidence import StoredObject
from toolkit.runtime.contract import format_time
from toolkit.runtime.documents import MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Another writer was there before, or is at it now.
_TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})
_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class Bucket:
    """The bucket of an app."""

    def __init__(self, aws: Aws, name: str) -> None:
        self._client: S3Client = aws.client("s3")
        self.name = name

    def read(self, key: str) -> bytes | None:
        """The content of an object, or None when there is none."""
        from botocore.exceptions import ClientError

        with translated(f"s3://{self.name}/{key}"):
            try:
                body = self._client.get_object(Bucket=self.name, Key=key)["Body"]
                return body.read(MAX_BYTES + 1)  # the reader of a document refuses more
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _MISSING:
                    return None
                raise

    def read_all(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The content of each object that exists, several at a time."""
        wanted = list(keys)
        found = side_by_side(self.read, wanted, CONNECTIONS)
        pairs = zip(wanted, found, strict=True)
        return {key: content for key, content in pairs if content is not None}

    @contextmanager
    def opened(self, key: str) -> Iterator[IO[bytes]]:
        """The content of an object as a stream; what reads it is to bound it."""
        with translated(f"s3://{self.name}/{key}"):
            body = self._client.get_object(Bucket=self.name, Key=key)["Body"]
            try:
                yield cast("IO[bytes]", body)
            finally:
                body.close()

    def download(self, key: str, path: str) -> None:
        """Copy an object into a file."""
        with translated(f"s3://{self.name}/{key}"):
            self._client.download_file(self.name, key, path)

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """All keys below a prefix in their order, from the one after ``after`` on."""
        return list(self.each_key(prefix, after=after))

    def each_key(self, prefix: str, *, after: str = "") -> Iterator[str]:
        """The same, a page (1,000 keys) at a time."""
        with translated(f"s3://{self.name}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, StartAfter=after
            )
            for page in pages:
                for row in page.get("Contents", ()):
                    yield row["Key"]

    def objects(self, prefix: str, *, after: str = "") -> Iterator[StoredObject]:
        """Key, size and time of all objects below a prefix in their order, a page at a time."""
        with translated(f"s3://{self.name}/{prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, StartAfter=after
            )
            for page in pages:
                for row in page.get("Contents", ()):
                    yield _stored(row)

    def page(self, prefix: str, *, after: str, limit: int) -> tuple[list[StoredObject], bool]:
        """At most ``limit`` (1,000) objects below a prefix, and whether they are all."""
        with translated(f"s3://{self.name}/{prefix}"):
            page = self._client.list_objects_v2(
                Bucket=self.name, Prefix=prefix, StartAfter=after, MaxKeys=limit
            )
        return [_stored(row) for row in page.get("Contents", ())], not page["IsTruncated"]

    def folders(self, prefix: str, *, after: str = "") -> list[str]:
        """One page (at most 1,000) of the folders right below a prefix, after ``after``."""
        return self._folders(prefix, after)[0]

    def _folders(self, prefix: str, after: str) -> tuple[list[str], bool]:
        """The same, and whether there are more."""
        with translated(f"s3://{self.name}/{prefix}"):
            page = self._client.list_objects_v2(
                Bucket=self.name, Prefix=prefix, Delimiter="/", StartAfter=after
            )
        return [row["Prefix"] for row in page.get("CommonPrefixes", ())], page["IsTruncated"]

    def each_folder(self, prefix: str, *, after: str) -> Iterator[str]:
        """All folders right below a prefix after ``after``, a page at a time."""
        more = True
        while more:
            page, more = self._folders(prefix, after)
            yield from page
            # "0" is the character after "/": the next page begins behind all of this folder.
            after = page[-1][:-1] + "0" if page else after

    def write(self, key: str, content: bytes, media_type: str) -> None:
        """Put an object, with its SHA-256 checked by S3."""
        with translated(f"s3://{self.name}/{key}"):
            self._put(key, content, media_type)

    def create(self, key: str, content: bytes, media_type: str) -> bool:
        """Put an object where there is none; False, and nothing written, where there is one."""
        from botocore.exceptions import ClientError

        with translated(f"s3://{self.name}/{key}"):
            try:
                self._put(key, content, media_type, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _TAKEN:
                    return False
                raise
        return True

    def _put(self, key: str, content: bytes, media_type: str, **condition: Any) -> None:
        self._client.put_object(
            Bucket=self.name,
            Key=key,
            Body=content,
            ContentType=media_type,
            ChecksumAlgorithm="SHA256",
            **condition,
        )

    def heads(self, keys: Iterable[str]) -> dict[str, StoredObject]:
        """Size and recorded SHA-256 of each object that exists, several at a time."""
        found = side_by_side(self._head, keys, CONNECTIONS)
        return {stored.key: stored for stored in found if stored is not None}

    def _head(self, key: str) -> StoredObject | None:
        from botocore.exceptions import ClientError

        with translated(f"s3://{self.name}/{key}"):
            try:
                head = self._client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _MISSING:
                    return None
                raise
        checksum = head.get("ChecksumSHA256")
        # "-3" at its end marks a digest of digests (multipart), which is not the content's.
        sha256 = base64.b64decode(checksum).hex() if checksum and "-" not in checksum else None
        return StoredObject(
            key,
            head["ContentLength"],
            sha256,
            format_time(head["LastModified"]) if "LastModified" in head else "",
            head.get("ContentType", ""),
        )


def _stored(row: Mapping[str, Any]) -> StoredObject:
    return StoredObject(row["Key"], row["Size"], None, format_time(row["LastModified"]))
