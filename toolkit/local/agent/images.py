"""Pulling an image the way Fargate does: by digest where given, every blob checked, cached.

The blobs come from the emulator's OCI registry. The manifest is asked of ECR with the task's
execution role first, so a role that may not pull cannot, as in life. A process image is unpacked
here; any other is Docker's.
"""

import compileall
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from toolkit.adapters.images.registry import (
    PACKAGES_LABEL,
    PROCESS_LABEL,
    Login,
    basic_authorization,
    repository_name,
)

Entry = tuple[str, int, int, int, int]  # path, mode, inode, size and time of change in nanoseconds
# `image_packages` names environments so.
_PACKAGES = re.compile(r"python-[0-9a-f]{12}")


class PullError(Exception):
    """An image cannot be pulled; the message is what stands behind CannotPullContainerError."""


@frozen
class PulledImage:
    """A pulled image.

    A process image has its tree in ``working_directory``, and in ``python`` the interpreter that
    has its packages, None for the engine's own. Any other has the ``reference`` by which Docker
    knows it.
    """

    digest: str
    entry_point: tuple[str, ...]
    command: tuple[str, ...]
    working_directory: Path
    environment: Mapping[str, str]
    reference: str | None = None
    python: Path | None = None


class Images:
    """Images by digest, shared by all tasks.

    Args:
        endpoint: the emulator's, which is the registry too.
        folder: where process images are unpacked.
        environments: the directory of the environments that have their packages.
        pull_container: pulls what is no process image; raises PullError.
    """

    def __init__(
        self,
        endpoint: str,
        folder: Path,
        pull_container: Callable[[str, Login], None],
        *,
        environments: Path,
    ) -> None:
        self._endpoint = endpoint
        self._folder = folder
        self._environments = environments
        self._pull_container = pull_container
        self._lock = threading.Lock()
        self._states: dict[Path, frozenset[Entry]] = {}  # of what this engine unpacked itself

    def pull(self, reference: str, ecr: Any, login: Login, architecture: str) -> PulledImage:
        """The image that ``repo@sha256:…`` or ``repo:tag`` names; raises PullError.

        Of an index it is the one for Linux on that architecture. ECR is asked whether the puller
        may have it; ``login`` is what it gave for the registry.
        """
        repository, version = _split(reference)
        name = repository_name(repository)
        self._authorize(ecr, name, version, reference)
        source = _Source(f"{self._endpoint}/v2/{name}", reference, login)
        with self._lock:  # two tasks of one image unpack it once
            manifest = source.get(f"manifests/{version}")
            digest = version if version.startswith("sha256:") else _digest(manifest)
            document = _one_platform(source, json.loads(manifest), architecture)
            blob = source.blob(document["config"]["digest"])
            config = json.loads(blob)["config"]
            if PROCESS_LABEL not in (config.get("Labels") or {}):
                local = f"{self._endpoint.removeprefix('http://')}/{name}@{digest}"
                self._pull_container(local, login)
                return _image(digest, Path(), config, local)
            python = self._python(config["Labels"].get(PACKAGES_LABEL))
            root = self._folder / digest.removeprefix("sha256:")
            if root not in self._states or self._states[root] != _state(root):
                _unpack(source, document["layers"], root)
                self._states[root] = _state(root)
        return evolve(_image(digest, root, config, None), python=python)

    def _python(self, packages: str | None) -> Path | None:
        if packages is None:
            return None
        python = self._environments / packages / "bin" / "python"
        if _PACKAGES.fullmatch(packages) is None or not python.exists():
            raise PullError(
                "the packages of the image are not installed any more: toolkit deploy --local"
            )
        return python

    def _authorize(self, ecr: Any, name: str, version: str, reference: str) -> None:
        """Ask ECR for the manifest as the puller; it answers with AWS's own refusals."""
        key = "imageDigest" if version.startswith("sha256:") else "imageTag"
        try:
            found = ecr.batch_get_image(repositoryName=name, imageIds=[{key: version}])
        except ecr.exceptions.ClientError as error:
            raise PullError(str(error)) from error
        if not found["images"]:
            raise PullError(
                "pull image manifest has been retried 1 time(s): failed to resolve ref "
                f"{reference}: {reference}: not found"
            )


@frozen
class _Source:
    """One repository of the registry, for one pull of ``reference``."""

    url: str
    reference: str
    login: Login = field(repr=False)

    def blob(self, digest: str) -> bytes:
        """A blob, checked against its digest."""
        content = self.get(f"blobs/{digest}")
        if _digest(content) != digest:
            raise PullError(f"{self.reference}: blob {digest} does not match its digest")
        return content

    def get(self, path: str) -> bytes:
        """What stands at a path of the repository."""
        request = urllib.request.Request(
            f"{self.url}/{path}", headers=basic_authorization(self.login)
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            error.close()
            raise PullError(
                f"failed to resolve ref {self.reference}: {self.reference}: not found"
            ) from error


def _one_platform(source: _Source, manifest: Any, wanted: str) -> Any:
    """The manifest itself, or of an index the one for the platform of the task.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    """
    if "manifests" not in manifest:
        return manifest
    for row in manifest["manifests"]:
        if row.get("platform", {}).get("architecture") == wanted:
            return json.loads(source.get(f"manifests/{row['digest']}"))
    raise PullError(
        f"image Manifest does not contain descriptor matching platform 'linux/{wanted}'"
    )


def _unpack(source: _Source, layers: list[dict[str, Any]], root: Path) -> None:
    draft = root.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for layer in layers:
        with tarfile.open(fileobj=io.BytesIO(source.blob(layer["digest"]))) as archive:
            for member in archive:
                _extract(archive, member, draft)
    # Tasks cannot write byte code beside their source, and should not compile it each time.
    compileall.compile_dir(draft, quiet=2, stripdir=str(draft), prependdir=str(root))
    shutil.rmtree(root, ignore_errors=True)
    draft.rename(root)


def _state(root: Path) -> frozenset[Entry]:
    """What tells whether anything in a tree was changed: nobody can set the time of a change.

    A task that may write can change its image's tree, and the byte code beside it. The next one is
    to see what the digest says. https://man7.org/linux/man-pages/man7/inode.7.html (st_ctime)
    """
    with suppress(FileNotFoundError):  # a task that runs removes it just now
        return frozenset(_entries(root))
    return frozenset()


def _entries(folder: str | Path) -> Iterator[Entry]:
    with os.scandir(folder) as entries:
        for entry in entries:
            status = entry.stat(follow_symlinks=False)
            yield entry.path, status.st_mode, status.st_ino, status.st_size, status.st_ctime_ns
            if entry.is_dir(follow_symlinks=False):
                yield from _entries(entry.path)


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path) -> None:
    """Write one plain file; a process image holds nothing else, and nothing outside its root."""
    path = (root / member.name).resolve()
    content = archive.extractfile(member) if member.isfile() else None
    if content is None or not path.is_relative_to(root.resolve()):
        raise PullError(f"the layer holds {member.name!r}, which a process image may not")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.read())
    path.chmod(member.mode & 0o755)


def _split(reference: str) -> tuple[str, str]:
    if "@" in reference:
        repository, digest = reference.split("@", 1)
        return repository, digest
    repository, colon, tag = reference.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (reference, "latest")


def _image(
    digest: str, root: Path, config: Mapping[str, Any], reference: str | None
) -> PulledImage:
    return PulledImage(
        digest=digest,
        reference=reference,
        entry_point=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        working_directory=root / _working_directory(config),
        environment=dict(pair.split("=", 1) for pair in config.get("Env") or ()),
    )


def _working_directory(config: Mapping[str, Any]) -> str:
    """Relative to the image's root, which a task can read: it must not lead out of the image."""
    given = str(config.get("WorkingDir") or "/")
    relative = given.lstrip("/")
    if ".." in Path(relative).parts:
        raise PullError(f"the image's working directory is {given!r}, which leads out of it")
    return relative


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
