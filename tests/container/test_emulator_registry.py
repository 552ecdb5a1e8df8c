"""The registry of the embedded AWS takes the real image from a real docker, as ECR would."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest

from tests.container.fargate import docker as command
from tests.functional.conftest import share_emulator
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo, ensure_running
from toolkit.adapters.images import tags
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.registry import ecr_login
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineInfo]:
    root: Path = tmp_path_factory.mktemp("engine")
    share_emulator(root)
    info = ensure_running(root, lambda _: None)
    yield info
    EngineClient(info).stop(root)


def test_the_image_is_pushed_and_pulled_by_digest(
    engine: EngineInfo, docker: Docker, name: ImageName
) -> None:
    ecr = boto3.client(
        "ecr",
        endpoint_url=engine.endpoint_url,
        region_name=engine.region,
        aws_access_key_id=engine.access_key,
        aws_secret_access_key=engine.secret_key,
    )
    ecr.create_repository(repositoryName="app/runs", imageTagMutability="IMMUTABLE")
    there = ImageName(f"{urlsplit(engine.endpoint_url).netloc}/app/runs", name.tag)
    docker.tag(name, there)
    with pytest.raises(ImageError, match="does not let this login in"):
        docker.push(there)
    login = ecr_login(ecr.get_authorization_token())
    with docker.logged_in(there.host, *login) as opened:
        digest = opened.push(there)
        [listed] = ecr.describe_images(repositoryName="app/runs")["imageDetails"]
        ecr.close()
        assert listed["imageDigest"] == digest == tags.resolve(there, login)
        opened.pull(there.at(digest), platform=docker.engine().platform)
        with pytest.raises(ImageError, match="there is no such image"):
            opened.pull(there.at(f"sha256:{'0' * 64}"))
    command("image", "rm", str(there), str(there.at(digest)))
