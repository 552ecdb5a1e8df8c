"""ECR: log in, and what the app's repository holds."""

import base64
import json
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.images.tags import MANIFESTS
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.errors import ImageError
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

_NONE = frozenset({"ImageNotFoundException"})
_NOT_SCANNED = "ScanNotFoundException"
_SECONDS = 20
_A_CALL = 100
_INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)


@frozen
class StoredImage:
    """An image of a repository; ``size`` is its compressed bytes, 0 where ECR does not say.

    ``is_index`` says that it is one of several platforms, each an image of its own.
    """

    digest: str
    tags: tuple[str, ...]
    size: int
    pushed_at: str
    is_index: bool = False


@frozen
class Vulnerability:
    """A known weakness of a package in an image."""

    name: str
    severity: str
    package: str
    version: str


@frozen
class Scan:
    """What scanning an image found; ``status`` is ECR's word."""

    status: str
    findings: tuple[Vulnerability, ...] = ()

    def count(self, *severities: str) -> int:
        """How many findings are of these severities."""
        return sum(finding.severity in severities for finding in self.findings)


class Ecr:
    """The account's registry in a region."""

    def __init__(self, aws: Aws) -> None:
        self._client: ECRClient = aws.client("ecr")
        self._is_local = aws.endpoint.url is not None

    def login(self) -> tuple[str, str, str]:
        """Registry host, user name and password; the password is good for twelve hours."""
        with translated("ECR's authorization token"):
            row = self._client.get_authorization_token()["authorizationData"][0]
        user, _, password = base64.b64decode(row["authorizationToken"]).decode().partition(":")
        return row["proxyEndpoint"].partition("://")[2], user, password

    def find(self, repository: str, tag: str) -> str | None:
        """The digest that a tag stands for; None when the repository has no such tag."""
        found = self._describe(repository, {"imageTag": tag})
        return found[0].digest if found else None

    def holds(self, repository: str, digest: str) -> bool:
        """Whether the repository has an image of this digest."""
        return bool(self._describe(repository, {"imageDigest": digest}))

    def images(self, repository: str) -> list[StoredImage]:
        """Every image of the repository, the newest first."""
        with _repository(repository):
            pages = self._client.get_paginator("describe_images").paginate(
                repositoryName=repository
            )
            found = [_image(row) for page in pages for row in page["imageDetails"]]
        return sorted(found, key=lambda image: image.pushed_at, reverse=True)

    def platforms(self, repository: str, digest: str) -> tuple[str, ...]:
        """The platforms that an image is for, such as linux/amd64, by its manifest and config."""
        manifest = self._manifest(repository, digest)
        if "manifests" in manifest:
            told = [row.get("platform", {}) for row in manifest["manifests"]]
        else:
            told = [self._download(self._address(repository, manifest["config"]["digest"]))]
        named = {f"{row.get('os')}/{row.get('architecture')}" for row in told}
        return tuple(sorted(name for name in named if "unknown" not in name))

    def parts(self, repository: str, indexes: Iterable[str]) -> set[str]:
        """The digests of the images that these indexes are made of."""
        manifests = side_by_side(lambda digest: self._manifest(repository, digest), indexes)
        return {str(row["digest"]) for each in manifests for row in each.get("manifests", ())}

    def delete(self, repository: str, digests: Sequence[str]) -> dict[str, str]:
        """Delete images by digest; returns why some stay. One that is gone is no failure."""
        failures: dict[str, str] = {}
        for start in range(0, len(digests), _A_CALL):
            ids: Any = [{"imageDigest": digest} for digest in digests[start : start + _A_CALL]]
            with _repository(repository):
                answer = self._client.batch_delete_image(repositoryName=repository, imageIds=ids)
            for row in answer.get("failures", ()):
                if row.get("failureCode") != "ImageNotFound":
                    digest = row.get("imageId", {}).get("imageDigest", "an image")
                    failures[digest] = row.get("failureReason") or row.get("failureCode", "")
        return failures

    def _address(self, repository: str, digest: str) -> str:
        """Where a blob can be fetched, without a login."""
        with _repository(repository):
            answer = self._client.get_download_url_for_layer(
                repositoryName=repository, layerDigest=digest
            )
        return answer["downloadUrl"]

    def _download(self, url: str) -> dict[str, Any]:
        """A blob of the registry that is JSON, by the address that ECR gave."""
        # The embedded AWS is on this machine, whatever proxy leads out of it.
        handlers = [urllib.request.ProxyHandler({})] if self._is_local else []
        try:
            with urllib.request.build_opener(*handlers).open(url, timeout=_SECONDS) as answer:
                document: dict[str, Any] = json.load(answer)
        except OSError as error:
            raise ImageError(f"the image's configuration cannot be read: {error}") from error
        return document

    def _manifest(self, repository: str, digest: str) -> dict[str, Any]:
        with _repository(repository):
            answer = self._client.batch_get_image(
                repositoryName=repository,
                imageIds=[{"imageDigest": digest}],
                acceptedMediaTypes=list(MANIFESTS),
            )
        if not answer["images"]:
            raise ImageError(f"repository {repository} has no image {digest}")
        document: dict[str, Any] = json.loads(answer["images"][0]["imageManifest"])
        return document

    def scan(self, repository: str, digest: str) -> Scan | None:
        """What the scan of an image found; None when ECR has not scanned it."""
        from botocore.exceptions import ClientError

        with _repository(repository):
            pages = self._client.get_paginator("describe_image_scan_findings").paginate(
                repositoryName=repository, imageId={"imageDigest": digest}
            )
            try:
                answers = list(pages)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == _NOT_SCANNED:
                    return None
                raise
        rows = [finding for answer in answers for finding in _findings(answer)]
        return Scan(answers[0]["imageScanStatus"]["status"], tuple(rows))

    def _describe(self, repository: str, image: Any) -> list[StoredImage]:
        from botocore.exceptions import ClientError

        with _repository(repository):
            try:
                answer = self._client.describe_images(repositoryName=repository, imageIds=[image])
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _NONE:
                    return []
                raise
        return [_image(row) for row in answer["imageDetails"]]


def _repository(name: str) -> Any:
    return translated(f"repository {name}", RepositoryNotFoundException=ImageError)


def _image(row: Any) -> StoredImage:
    pushed = row.get("imagePushedAt")
    return StoredImage(
        digest=row["imageDigest"],
        tags=tuple(sorted(row.get("imageTags", ()))),
        size=row.get("imageSizeInBytes", 0),
        pushed_at=format_time(pushed) if isinstance(pushed, datetime) else "",
        is_index=row.get("imageManifestMediaType", "") in _INDEXES,
    )


def _findings(answer: Any) -> Iterator[Vulnerability]:
    """The findings of a basic scan, or of an enhanced one by Inspector."""
    found = answer.get("imageScanFindings", {})
    for row in found.get("findings", ()):
        about = {pair["key"]: pair.get("value", "") for pair in row.get("attributes", ())}
        package, version = about.get("package_name", ""), about.get("package_version", "")
        yield Vulnerability(row.get("name", ""), row.get("severity", ""), package, version)
    for row in found.get("enhancedFindings", ()):
        details = row.get("packageVulnerabilityDetails", {})
        packages: list[dict[str, str]] = details.get("vulnerablePackages") or [{}]
        for package in packages:
            name = details.get("vulnerabilityId") or row.get("title", "")
            names = package.get("name", ""), package.get("version", "")
            yield Vulnerability(name, row.get("severity", ""), *names)
