"""The process image: the workloads' own files as a real OCI image, pushed over the registry's API.

The embedded AWS can run a task as a process. Its image is no Linux system, only the tree that a
container would have at its import root; all else is as with any image: layers and manifest are
content-addressed, ECS refers to it by digest, and a digest that is missing cannot be pulled.

- https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
- https://github.com/opencontainers/image-spec/blob/main/manifest.md
"""

import base64
import gzip
import hashlib
import http.client
import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from toolkit.core.errors import ImageError

PROCESS_LABEL = "org.fargate-toolkit.process-image"
PACKAGES_LABEL = "org.fargate-toolkit.packages"
ENTRY_POINT = ("python", "-m", "toolkit.runtime")
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_BLOB = "application/octet-stream"


Login = tuple[str, str]


def ecr_login(authorization: Mapping[str, Any]) -> Login:
    """User name and password in GetAuthorizationToken's answer; they are good for twelve hours."""
    token = base64.b64decode(authorization["authorizationData"][0]["authorizationToken"])
    user, _, password = token.decode().partition(":")
    return user, password


def basic_authorization(login: Login) -> dict[str, str]:
    """The header that a registry wants of a user."""
    return {"Authorization": f"Basic {base64.b64encode(':'.join(login).encode()).decode()}"}


def push_process_image(
    endpoint: str,
    repository: str,
    tree: Mapping[str, Path],
    login: Login,
    packages: str | None = None,
) -> str:
    """Push a tree of files to a repository; returns the digest.

    The same files give the same digest, wherever and whenever they are pushed.

    Args:
        endpoint: the registry's URL, such as the embedded AWS's endpoint.
        repository: the repository's name or URI; a host in front is left out.
        tree: the files, by their paths below the image's import root.
        login: the registry's user name and password.
        packages: the environment that has the image's packages, by name (`image_packages`); an
            image without one has those of the engine.

    Raises:
        ImageError: the registry refused, for instance because it has no such repository.
    """
    name = repository_name(repository)
    layer = _layer(tree)
    config = _image_config(layer, packages)
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": _descriptor(_CONFIG, config),
            "layers": [_descriptor(_LAYER, layer)],
        }
    )
    with closing(_connect(endpoint)) as registry:
        authorization = basic_authorization(login)
        for blob in (layer, config):
            path = f"/v2/{name}/blobs/uploads/?digest={quote(_digest(blob))}"
            _send(registry, "POST", path, blob, {"Content-Type": _BLOB, **authorization})
        digest = _digest(manifest)
        path = f"/v2/{name}/manifests/{digest}"
        _send(registry, "PUT", path, manifest, {"Content-Type": _MANIFEST, **authorization})
    return digest


def repository_name(repository: str) -> str:
    """The name in the registry: a URI without its host.

    >>> repository_name("000000000000.dkr.ecr.us-east-1.amazonaws.com/app/runs")
    'app/runs'
    """
    host, slash, name = repository.partition("/")
    return name if slash and ("." in host or ":" in host) else repository


def _image_config(layer: bytes, packages: str | None) -> bytes:
    labels = {PROCESS_LABEL: "1"} | ({PACKAGES_LABEL: packages} if packages else {})
    return _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {
                "Entrypoint": list(ENTRY_POINT),
                "WorkingDir": "/app",
                "Labels": labels,
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(gzip.decompress(layer))]},
        }
    )


def _layer(tree: Mapping[str, Path]) -> bytes:
    """A tar.gz of the tree under ``app/`` that depends on names and contents only."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0, filename="") as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in sorted(tree.items()):
            member = tarfile.TarInfo(f"app/{name}")
            member.size = path.stat().st_size
            member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
            with path.open("rb") as content:
                archive.addfile(member, content)
    return packed.getvalue()


def _send(
    registry: http.client.HTTPConnection,
    method: str,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
) -> None:
    try:
        registry.request(method, path, body, dict(headers))
        response = registry.getresponse()
        content = response.read()
    except OSError as error:
        raise ImageError(f"the registry does not answer: {error}") from error
    if response.status != http.client.CREATED:
        words = content.decode(errors="replace")[:300]
        missing = response.status == http.client.NOT_FOUND
        raise ImageError(
            f"the registry refused {method} {path}: {response.status} {words}",
            hint="deploy the platform first: it holds the repository" if missing else None,
        )


def _connect(endpoint: str) -> http.client.HTTPConnection:
    parts = urlsplit(endpoint)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.netloc, timeout=30)


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
