"""The image of a deployment: built, pushed and resolved to a digest, never to a mutable tag.

Its tag stands for its content, so an image that is in the registry already needs no engine at all.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import frozen

from toolkit.adapters.aws.ecr import Scan, StoredImage
from toolkit.adapters.images.docker import Docker
from toolkit.app.app import App
from toolkit.app.deploying import local_image
from toolkit.app.deploying.image_build import PLATFORMS, Built, PushLine, build, content_tag
from toolkit.core.deploying.executor import Executor
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ConfigError, ImageError

__all__ = [
    "PLATFORMS",
    "Built",
    "Pushed",
    "StoredImage",
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


def resolve_image(app: App) -> str:
    """The image URI to deploy; builds and pushes the image if the registry lacks it.

    On the embedded AWS the executor decides which image that is (`local_image`).
    """
    named = _named(app)
    if named is not None:
        return named
    docker = Docker()
    if _is_process(app, docker):
        return local_image.push_process_image(app)
    return _push_real_image(app, docker).uri


def find_image(app: App) -> str | None:
    """The image URI that can be deployed as things stand; None when one must be built first."""
    named = _named(app)
    if named is not None:
        return named
    if _is_process(app, Docker()):
        return local_image.push_process_image(app)
    digest = app.ecr.find(app.platform.repository_name, content_tag(app))
    return f"{app.platform.repository_uri}@{digest}" if digest else None


def push(app: App, docker: Docker | None = None) -> Pushed:
    """Put the image into the app's repository, unless it is there; returns it by digest."""
    docker = docker or Docker()
    if not _is_process(app, docker):
        return _push_real_image(app, docker)
    before = {image.digest for image in app.ecr.images(app.platform.repository_name)}
    uri = local_image.push_process_image(app)
    return Pushed(uri, content_tag(app), new=ImageName.parse(uri).digest not in before)


def images(app: App) -> list[StoredImage]:
    """The images of the app's repository, the newest first."""
    return app.ecr.images(app.platform.repository_name)


def scan(app: App, digest: str | None) -> tuple[str, Scan]:
    """What scanning an image found; of the project's own one when ``digest`` is None."""
    if app.local:
        raise ImageError("the embedded AWS scans no image", hint="leave --local out")
    repository = app.platform.repository_name
    if digest is None:
        found = find_image(app)
        if found is None:
            raise ImageError("the image is not in the registry", hint="toolkit image push")
        digest = ImageName.parse(found).digest
        assert digest is not None
    result = app.ecr.scan(repository, digest)
    if result is None:
        raise ImageError(
            f"{digest} has not been scanned",
            hint="the repository scans on push; wait a minute, or start one: "
            f"aws ecr start-image-scan --repository-name {repository} "
            f"--image-id imageDigest={digest}",
        )
    return digest, result


def _push_real_image(app: App, docker: Docker) -> Pushed:
    repository, tag = app.platform.repository_name, content_tag(app)
    uri = ImageName(app.platform.repository_uri)
    digest = app.ecr.find(repository, tag)
    if digest is not None:
        return Pushed(str(uri.at(digest)), tag, new=False)
    source = ImageName.parse(build(app, docker).name)
    with _door(app, docker) as (opened, target):
        opened.tag(source, target)
        digest = opened.push(target, progress=PushLine(app).show)
    kept = app.ecr.find(repository, tag)
    if kept != digest:
        raise ImageError(
            f"{target} was pushed as {digest}, but the repository has {kept} under this tag",
            hint="another push came between; its tags are immutable: deploy again",
        )
    return Pushed(str(uri.at(digest)), tag, new=True)


@contextmanager
def _door(app: App, docker: Docker) -> Iterator[tuple[Docker, ImageName]]:
    """A docker that may push to the app's repository, and the name to push to."""
    host, user, password = app.ecr.login()
    if app.local:
        target = local_image.push_target(app)
        with docker.logged_in(target.host, user, password) as logged_in:
            yield logged_in, target
        docker.untag(target)  # its address is of no use to anybody
        return
    with docker.logged_in(host, user, password) as logged_in:
        yield logged_in, ImageName(app.platform.repository_uri, content_tag(app))


def _is_process(app: App, docker: Docker) -> bool:
    if not app.local:
        return False
    return local_image.choose(app, docker).executor is Executor.PROCESS


def _named(app: App) -> str | None:
    """The image that toolkit.toml names instead of the project's own."""
    named = app.config.image
    if named is None:
        return None
    if app.config.executor is not None:
        raise ConfigError(
            f"toolkit.toml names the image {named}, so there is no executor to choose",
            hint="remove image or executor from toolkit.toml",
        )
    if ImageName.parse(named).digest is None:
        raise ConfigError(
            f"image {named!r} in toolkit.toml is not pinned",
            hint="name it by digest: repository@sha256:…",
        )
    return named
