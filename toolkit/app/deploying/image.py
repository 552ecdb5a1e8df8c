"""The image of a deployment: built, pushed and resolved to a digest, never to a mutable tag.

Its tag stands for its content, so an image that is in the registry already needs no engine at all.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from attrs import frozen

from toolkit.adapters.docker import Docker
from toolkit.adapters.ecr import Ecr, Scan, StoredImage
from toolkit.app.context import Context
from toolkit.app.deploying import local_image
from toolkit.app.deploying.image_build import PLATFORMS, Built, PushLine, build, content_tag
from toolkit.core.deploying.executor import Executor
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ConfigError, ImageError

__all__ = [
    "PLATFORMS",
    "Built",
    "Pushed",
    "build",
    "content_tag",
    "find_image",
    "images",
    "push",
    "resolve_image",
    "scan",
]


@frozen
class Pushed:
    """An image of the registry by digest; ``new`` is false where it was there already.

    ``tag`` stands for its content; the registry knows only the real image by it.
    """

    uri: str
    tag: str
    new: bool


def resolve_image(context: Context, platform: Mapping[str, str]) -> str:
    """The image URI to deploy; builds and pushes the image if the registry lacks it.

    On the embedded AWS the executor decides which image that is (`local_image`).
    """
    named = _named(context)
    if named is not None:
        return named
    docker = Docker()
    if _is_process(context, docker):
        return local_image.push_process_image(context, platform)
    return _push_real_image(context, platform, docker).uri


def find_image(context: Context, platform: Mapping[str, str]) -> str | None:
    """The image URI that can be deployed as things stand; None when one must be built first."""
    named = _named(context)
    if named is not None:
        return named
    if _is_process(context, Docker()):
        return local_image.push_process_image(context, platform)
    digest = Ecr(context.aws).find(platform["RepositoryName"], content_tag(context))
    return f"{platform['RepositoryUri']}@{digest}" if digest else None


def push(context: Context, platform: Mapping[str, str], docker: Docker | None = None) -> Pushed:
    """Put the image into the app's repository, unless it is there; returns it by digest."""
    docker = docker or Docker()
    if not _is_process(context, docker):
        return _push_real_image(context, platform, docker)
    before = {image.digest for image in Ecr(context.aws).images(platform["RepositoryName"])}
    uri = local_image.push_process_image(context, platform)
    return Pushed(uri, content_tag(context), new=ImageName.parse(uri).digest not in before)


def images(context: Context) -> list[StoredImage]:
    """The images of the app's repository, the newest first."""
    return Ecr(context.aws).images(context.platform()["RepositoryName"])


def scan(context: Context, digest: str | None) -> tuple[str, Scan]:
    """What scanning an image found; of the project's own one when ``digest`` is None."""
    if context.local:
        raise ImageError("the embedded AWS scans no image", hint="leave --local out")
    platform = context.platform()
    if digest is None:
        found = find_image(context, platform)
        if found is None:
            raise ImageError("the image is not in the registry", hint="toolkit image push")
        digest = ImageName.parse(found).digest
        assert digest is not None
    result = Ecr(context.aws).scan(platform["RepositoryName"], digest)
    if result is None:
        raise ImageError(
            f"{digest} has not been scanned",
            hint="the repository scans on push; wait a minute, or start one: "
            f"aws ecr start-image-scan --repository-name {platform['RepositoryName']} "
            f"--image-id imageDigest={digest}",
        )
    return digest, result


def _push_real_image(context: Context, platform: Mapping[str, str], docker: Docker) -> Pushed:
    registry, tag = Ecr(context.aws), content_tag(context)
    uri = ImageName(platform["RepositoryUri"])
    digest = registry.find(platform["RepositoryName"], tag)
    if digest is not None:
        return Pushed(str(uri.at(digest)), tag, new=False)
    source = ImageName.parse(build(context, docker).name)
    with _door(context, platform, registry, docker) as (opened, target):
        opened.tag(source, target)
        digest = opened.push(target, progress=PushLine(context).show)
    kept = registry.find(platform["RepositoryName"], tag)
    if kept != digest:
        raise ImageError(
            f"{target} was pushed as {digest}, but the repository has {kept} under this tag",
            hint="another push came between; its tags are immutable: deploy again",
        )
    return Pushed(str(uri.at(digest)), tag, new=True)


@contextmanager
def _door(
    context: Context, platform: Mapping[str, str], registry: Ecr, docker: Docker
) -> Iterator[tuple[Docker, ImageName]]:
    """A docker that may push to the app's repository, and the name to push to."""
    if context.local:
        target = local_image.push_target(context, platform)
        yield docker, target
        docker.untag(target)  # its address is of no use to anybody
        return
    host, user, password = registry.login()
    with docker.logged_in(host, user, password) as logged_in:
        yield logged_in, ImageName(platform["RepositoryUri"], content_tag(context))


def _is_process(context: Context, docker: Docker) -> bool:
    if not context.local:
        return False
    return local_image.choose(context, docker).executor is Executor.PROCESS


def _named(context: Context) -> str | None:
    """The image that toolkit.toml names instead of the project's own."""
    named = context.config.image
    if named is None:
        return None
    if context.config.executor is not None:
        raise ConfigError(
            f"toolkit.toml names the image {named}, so there is no executor to choose",
            hint="take image out, or executor",
        )
    if ImageName.parse(named).digest is None:
        raise ConfigError(
            f"image {named!r} in toolkit.toml is not pinned",
            hint="name it by digest: repository@sha256:…",
        )
    return named
