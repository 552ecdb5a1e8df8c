"""Releases in the app's bucket, below ``releases/<id>/``; written once, never rewritten."""

import re
from typing import TYPE_CHECKING

from attrs import frozen

from toolkit.adapters.aws.s3 import Bucket
from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.deploying.release import (
    INDEX,
    Release,
    altered,
    choose,
    images_of,
    parse,
    release_id,
    wanted_files,
)
from toolkit.core.errors import ConfigError
from toolkit.runtime.contract import catalog_key, format_time
from toolkit.runtime.layout import RELEASES, release_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_INDEX = re.compile(re.escape(RELEASES) + r"([0-9a-f]+)/" + re.escape(INDEX))


@frozen
class Packaged:
    """A release in the bucket; ``packaged_at`` is ISO 8601 in UTC."""

    id: str
    packaged_at: str


class Releases:
    """The releases of one bucket."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._client: S3Client = aws.client("s3")
        self._bucket = bucket
        self._objects = Bucket(aws, bucket)

    def write(self, release: Release) -> tuple[str, bool]:
        """Keep a release; returns its id, and whether it is new.

        The index goes last: a release without one was interrupted, and the next try completes it.
        """
        files = release.files()
        index = files.pop(INDEX)
        identity = release_id(index)
        if self._objects.heads([f"{release_of(identity)}{INDEX}"]):
            return identity, False
        side_by_side(lambda item: self._put(identity, *item), files.items())
        side_by_side(lambda item: self._put_row(*item), release.rows.items())
        self._put(identity, INDEX, index)
        return identity, True

    def read(self, prefix: str) -> tuple[str, Release]:
        """The release whose id begins with ``prefix``, checked against its id, and the id."""
        identity = choose(prefix, [row.id for row in self.listed(prefix)])
        index = self._get(identity, INDEX)
        files = {path: self._get(identity, path) for path in wanted_files(index)}
        return identity, parse(identity, index, files)

    def images(self) -> set[str]:
        """Every image that a complete release names; raises ToolkitError if one cannot be read."""
        indexes = side_by_side(lambda row: self._get(row.id, INDEX), self.listed())
        return {image for index in indexes for image in images_of(index)}

    def listed(self, prefix: str = "") -> list[Packaged]:
        """The complete releases, the newest first."""
        with translated(f"s3://{self._bucket}/{RELEASES}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=RELEASES + prefix
            )
            rows = [row for page in pages for row in page.get("Contents", ())]
        found = [
            Packaged(match[1], format_time(row["LastModified"]))
            for row in rows
            if (match := _INDEX.fullmatch(row["Key"]))
        ]
        return sorted(found, key=lambda release: release.packaged_at, reverse=True)

    def _put(self, identity: str, path: str, text: str) -> None:
        with translated(f"release {identity}"):
            self._client.put_object(
                Bucket=self._bucket,
                Key=f"{release_of(identity)}{path}",
                Body=text.encode(),
                ContentType="text/plain; charset=utf-8",
                ChecksumAlgorithm="SHA256",
            )

    def _put_row(self, digest: str, row: str) -> None:
        """Leave a catalog row where verdicts look for it."""
        self._objects.write(catalog_key(digest), row.encode(), "application/json")

    def _get(self, identity: str, path: str) -> str:
        content = self._objects.read(f"{release_of(identity)}{path}")
        if content is None:
            raise ConfigError(f"release {identity} is incomplete: {path} is missing")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise altered(identity, path) from None
