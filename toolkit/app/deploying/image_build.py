"""Building the project's image: under a tag that stands for its content, once for each content."""

import os

from attrs import frozen

from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_tree import image_tag, image_tree, staged
from toolkit.app.app import App
from toolkit.core.deploying.image import ImageName, PushProgress
from toolkit.core.errors import ConfigError, ImageError

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


def build(app: App, docker: Docker | None = None) -> Built:
    """Build the image under its content tag, unless the engine holds it."""
    root = app.project.root
    if not (root / "image" / "Dockerfile").is_file():
        raise ImageError(
            f"image/Dockerfile is missing in {root}",
            hint="restore it, or name an image of your own in toolkit.toml: image = …@sha256:…",
        )
    docker = docker or Docker()
    name = image_name(app)
    if docker.has(name):
        return Built(str(name), cpu_platform(app), new=False)
    docker.engine()
    with staged(image_tree(root, audit=bool(app.config.audit))) as folder:
        docker.build(
            folder,
            name,
            arguments=build_arguments(app),
            platform=cpu_platform(app),
            progress=app.console.say,
        )
    return Built(str(name), cpu_platform(app), new=True)


def image_name(app: App) -> ImageName:
    """What the container engine calls the project's image."""
    return ImageName(app.name, content_tag(app))


def content_tag(app: App) -> str:
    """The tag of the project's image for the CPU that its tasks have."""
    given = build_arguments(app).items()
    inputs = {name: value for name, value in given if not name.startswith(_WAY_TO_PACKAGES)}
    audit = bool(app.config.audit)
    return image_tag(app.project.root, inputs, [cpu_platform(app)], audit=audit)


def build_arguments(app: App) -> dict[str, str]:
    """The build arguments of toolkit.toml; an empty one is the environment's, as with docker."""
    return {name: value or os.environ.get(name, "") for name, value in app.config.build.items()}


def cpu_platform(app: App) -> str:
    """The platform of the app's tasks, as container engines name it."""
    wanted = app.config.workload.get("CpuArchitecture", "X86_64")
    if wanted not in PLATFORMS:
        known = " nor ".join(PLATFORMS)
        raise ConfigError(f"toolkit.toml: CpuArchitecture {wanted!r} is neither {known}")
    return PLATFORMS[wanted]


class PushLine:
    """Tells of a push whenever one more layer is done."""

    def __init__(self, app: App) -> None:
        self._console = app.console
        self._done = 0

    def show(self, progress: PushProgress) -> None:
        """Take in how far the push is."""
        if progress.done > self._done:
            self._done = progress.done
            self._console.say(f"pushed {progress.done} of {progress.layers} layers")
