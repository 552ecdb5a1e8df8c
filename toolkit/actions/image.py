"""The image of a deployment: built, pushed and resolved to a digest, never to a mutable tag.

Its tag stands for its content, so an image that is in the registry already needs no engine at all.
"""

import os
from collections.abc import Mapping

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.adapters.docker import Docker, image_tag
from toolkit.adapters.ecr import Ecr, Scan, StoredImage
from toolkit.core.errors import ConfigError, ImageError
from toolkit.core.image import ImageName, PushProgress

# Arguments that say where the build finds packages, and change nothing about the image.
_WAY_TO_PACKAGES = "PIP_"
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html
PLATFORMS = {"X86_64": "linux/amd64", "ARM64": "linux/arm64"}


@frozen
class Built:
    """An image of the engine; ``new`` is false where it held the same content already."""

    name: str
    platform: str
    new: bool


@frozen
class Pushed:
    """An image of the registry by digest; ``new`` is false where it was there already."""

    uri: str
    tag: str
    new: bool


def resolve_image(context: Context, platform: Mapping[str, str]) -> str:
    """The image URI to deploy; builds and pushes the image if the registry lacks it.

    On the embedded AWS the workloads' source is packed into an image of its own and pushed to the
    emulated repository.
    """
    found = find_image(context, platform)
    if found is not None:
        return found
    return push(context, platform).uri


def find_image(context: Context, platform: Mapping[str, str]) -> str | None:
    """The image URI that can be deployed as things stand; None when one must be built first."""
    named = context.config.image
    if named is not None:
        if ImageName.parse(named).digest is None:
            raise ConfigError(
                f"image {named!r} in toolkit.toml is not pinned",
                hint="name it by digest: repository@sha256:…",
            )
        return named
    if context.local:
        return _process_image(context, platform)
    digest = Ecr(context.aws).find(platform["RepositoryName"], content_tag(context))
    return f"{platform['RepositoryUri']}@{digest}" if digest else None


def build(context: Context, docker: Docker | None = None) -> Built:
    """Build the image under its content tag, unless the engine holds it."""
    root = context.project.root
    if not (root / "image" / "Dockerfile").is_file():
        raise ImageError(
            f"image/Dockerfile is missing in {root}",
            hint="bring it back, or name an image of your own in toolkit.toml: image = …@sha256:…",
        )
    docker = docker or Docker()
    name = ImageName(context.app, content_tag(context))
    if docker.has(name):
        return Built(str(name), cpu_platform(context), new=False)
    docker.engine()
    docker.build(
        root,
        name,
        arguments=build_arguments(context),
        platform=cpu_platform(context),
        progress=context.console.say,
    )
    return Built(str(name), cpu_platform(context), new=True)


def push(context: Context, platform: Mapping[str, str], docker: Docker | None = None) -> Pushed:
    """Put the image into the app's repository, unless it is there; returns it by digest."""
    registry = Ecr(context.aws)
    if context.local:
        before = {image.digest for image in registry.images(platform["RepositoryName"])}
        name = ImageName.parse(_process_image(context, platform))
        return Pushed(str(name), content_tag(context), new=name.digest not in before)
    target = ImageName(platform["RepositoryUri"], content_tag(context))
    assert target.tag is not None
    digest = registry.find(platform["RepositoryName"], target.tag)
    if digest is not None:
        return Pushed(str(target.at(digest)), target.tag, new=False)
    docker = docker or Docker()
    source = ImageName.parse(build(context, docker).name)
    host, user, password = registry.login()
    with docker.logged_in(host, user, password) as logged_in:
        logged_in.tag(source, target)
        digest = logged_in.push(target, progress=_PushLine(context).show)
    kept = registry.find(platform["RepositoryName"], target.tag)
    if kept != digest:
        raise ImageError(
            f"{target} was pushed as {digest}, but the repository has {kept} under this tag",
            hint="another push came between; its tags are immutable: deploy again",
        )
    return Pushed(str(target.at(digest)), target.tag, new=True)


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


def content_tag(context: Context) -> str:
    """The tag of the project's image for the CPU that its tasks have."""
    given = build_arguments(context).items()
    inputs = {name: value for name, value in given if not name.startswith(_WAY_TO_PACKAGES)}
    return image_tag(context.project.root, inputs, [cpu_platform(context)])


def build_arguments(context: Context) -> dict[str, str]:
    """The build arguments of toolkit.toml; an empty one is the environment's, as with docker."""
    return {name: value or os.environ.get(name, "") for name, value in context.config.build.items()}


def cpu_platform(context: Context) -> str:
    """The platform of the app's tasks, as container engines name it."""
    wanted = context.config.workload.get("CpuArchitecture", "X86_64")
    if wanted not in PLATFORMS:
        raise ConfigError(
            f"CpuArchitecture {wanted!r} in toolkit.toml", hint=" or ".join(PLATFORMS)
        )
    return PLATFORMS[wanted]


def _process_image(context: Context, platform: Mapping[str, str]) -> str:
    from toolkit.adapters.registry import push_process_image

    endpoint = context.aws.endpoint.url
    assert endpoint is not None
    digest = push_process_image(
        endpoint, platform["RepositoryName"], context.project.root / "workloads"
    )
    context.console.say(f"image {digest[:19]}… is in {platform['RepositoryName']}")
    return f"{platform['RepositoryUri']}@{digest}"


class _PushLine:
    """Tells of a push whenever one more layer is done."""

    def __init__(self, context: Context) -> None:
        self._console = context.console
        self._done = 0

    def show(self, progress: PushProgress) -> None:
        if progress.done > self._done:
            self._done = progress.done
            self._console.say(f"pushed {progress.done} of {progress.layers} layers")
