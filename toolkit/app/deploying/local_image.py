"""The image that the embedded AWS gets: the project's real one, or its source for processes.

The image that is deployed decides how tasks run; here it is chosen which one that is.
"""

import sys
from urllib.parse import urlsplit

from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_packages import ensure_packages
from toolkit.adapters.images.image_tree import image_tree, import_tree
from toolkit.app.app import App
from toolkit.app.deploying.image_build import content_tag, image_name
from toolkit.core.deploying import executor
from toolkit.core.deploying.executor import Choice, Executor
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError


def choose(app: App, docker: Docker, system: str = sys.platform) -> Choice:
    """The executor to deploy for, and say so; raises ImageError where it cannot run here.

    It is never one that needs an image to be built, unless that was asked for.
    """
    wanted = app.config.executor
    if wanted is Executor.DOCKER:
        _require(docker, system)
    tag = content_tag(app)
    held = wanted is None and system == "linux" and _holds(app, docker)
    choice = executor.choose(wanted, tag=tag, held=held)
    app.console.say(str(choice))
    return choice


def push_process_image(app: App) -> str:
    """Pack runtime and workloads as an image that runs as processes; returns it by digest."""
    from toolkit.adapters.images.registry import push_process_image as push

    repository = app.platform.repository_name
    _host, user, password = app.ecr.login()
    root = app.project.root
    audit = bool(app.config.audit)
    context = image_tree(root, audit=audit)
    packages = ensure_packages(root / ".toolkit", context, app.console.say)
    tree = import_tree(root, audit=audit)
    digest = push(_endpoint(app), repository, tree, (user, password), packages)
    app.console.say(f"image {digest[:19]}… is in {repository}")
    return f"{app.platform.repository_uri}@{digest}"


def push_target(app: App) -> ImageName:
    """Where a container engine finds the emulated repository."""
    host = urlsplit(_endpoint(app)).netloc
    return ImageName(f"{host}/{app.platform.repository_name}", content_tag(app))


def _require(docker: Docker, system: str) -> None:
    instead = "run tasks as processes: --executor process"
    if system != "linux":
        raise ImageError(
            "the embedded AWS runs containers on Linux only: they share the host's network",
            hint=instead,
        )
    try:
        docker.engine()
    except ImageError as error:
        raise ImageError(
            f"tasks cannot run as containers: {error.message}", hint=f"{error.hint}; or {instead}"
        ) from error


def _holds(app: App, docker: Docker) -> bool:
    """Whether the engine holds the image of this content, and can run it."""
    name = image_name(app)
    try:
        return docker.has(name) and docker.platform(name) == docker.engine().platform
    except ImageError:
        return False  # there is no docker here, or it was removed just now


def _endpoint(app: App) -> str:
    url = app.aws.endpoint.url
    assert url is not None
    return url
