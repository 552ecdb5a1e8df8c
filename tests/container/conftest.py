"""The real image, built, pushed and pulled by digest, once for all tests of this directory.

`.ci/container-setup` makes a machine ready. Without an engine the tests are skipped; in CI (where
``CI`` is true) that is a failure, for there nobody would see it.
"""

import fcntl
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.container.fargate import Fargate
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_tree import image_tag
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError

ROOT = Path(__file__).parents[2]
BASE = os.environ.get("IMAGE_BASE", "python-base:bookworm")
REPOSITORY = f"{os.environ.get('REGISTRY', 'localhost:5000')}/app/runs"
# Build arguments of this machine alone: where Debian keeps certificate authorities.
ARGUMENTS = {"BASE": BASE, "PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.container)


def pytest_runtest_setup() -> None:
    # In a hook, not in a fixture: pytest then tells of all tests in one line.
    if (reason := unready()) is None:
        return
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI must run the container tests: {reason}", pytrace=False)
    pytest.skip(f"{reason}; .ci/container-setup mends it")


@cache
def unready() -> str | None:
    """Why this machine cannot run the container tests; None if it can."""
    docker = Docker()
    try:
        docker.engine()
        if not docker.has(ImageName.parse(BASE)):
            docker.pull(ImageName.parse(BASE))
    except ImageError as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def docker() -> Docker:
    return Docker()


@pytest.fixture(scope="session")
def name(docker: Docker) -> ImageName:
    """The image that this project gives, built, under its content tag."""
    name = ImageName(REPOSITORY, image_tag(ROOT, {"BASE": BASE}, [docker.engine().platform]))
    with one_at_a_time():
        docker.build(ROOT, name, arguments=ARGUMENTS, network="host")
    return name


@pytest.fixture(scope="session")
def image(docker: Docker, name: ImageName) -> ImageName:
    """The same image, as ECS gets it: pushed, then pulled by digest."""
    with one_at_a_time():
        pulled = name.at(docker.push(name))
        docker.pull(pulled, platform=docker.engine().platform)
    return pulled


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Each worker of pytest has fixtures of its own; all build and push the same tag."""
    with (Path(tempfile.gettempdir()) / "toolkit-container-image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def fargate(image: ImageName, tmp_path: Path) -> Iterator[Fargate]:
    """Runs the image as Fargate would, and leaves nothing of it on the machine."""
    fargate = Fargate(image, f"toolkit-test-{uuid.uuid4().hex[:12]}", tmp_path)
    yield fargate
    fargate.remove()
