"""Which images nothing names: held against generated registries, task definitions and releases."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import frozen
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from toolkit.adapters.aws.ecr import StoredImage
from toolkit.app.app import App
from toolkit.app.deploying.image_prune import unused
from toolkit.core.deploying.release import images_of
from toolkit.core.errors import ConfigError, ImageError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
OURS, OTHER = "1.dkr.ecr.eu-central-1.amazonaws.com/app", "docker.io/library/python"
DIGESTS = [f"sha256:{number:064x}" for number in range(8)]


@frozen
class Platform:
    repository_name = "app"
    repository_uri = OURS


class Ecr:
    """A repository whose first image may be an index of the second."""

    def __init__(self, images: list[StoredImage]) -> None:
        self._images = images

    def images(self, repository: str) -> list[StoredImage]:
        assert repository == "app"
        return self._images

    def parts(self, repository: str, indexes: Any) -> set[str]:
        return {DIGESTS[1]} if DIGESTS[0] in [*indexes] else set()


class Releases:
    def __init__(self, named: set[str]) -> None:
        self._named = named

    def images(self) -> set[str]:
        return self._named


class Ecs:
    """Families of one revision each; one of them may be beyond reach."""

    def __init__(self, named: list[str], *, broken: bool = False) -> None:
        self._named, self._broken = named, broken

    def get_paginator(self, name: str) -> Any:
        ecs = self

        class Pages:
            def paginate(self, familyPrefix: str, status: str) -> list[dict[str, Any]]:  # noqa: N803
                assert status == "ACTIVE"
                if name == "list_task_definition_families":
                    assert familyPrefix == "app-"
                    return [{"families": [str(n)]} for n in range(len(ecs._named))]
                return [{"taskDefinitionArns": [familyPrefix]}]

        return Pages()

    def describe_task_definition(self, taskDefinition: str) -> dict[str, Any]:  # noqa: N803
        if self._broken and int(taskDefinition) == len(self._named) - 1:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeTaskDefinition")
        rows = [{"image": "amazon/sidecar:1"}, {"image": self._named[int(taskDefinition)]}]
        return {"taskDefinition": {"containerDefinitions": rows}}


class Aws:
    def __init__(self, ecs: Ecs) -> None:
        self._ecs = ecs

    def client(self, service: str) -> Any:
        return self._ecs if service == "ecs" else None


class FakeApp:
    name = "app"
    platform = Platform()

    def __init__(self, images: list[StoredImage], released: set[str], ecs: Ecs) -> None:
        self.ecr, self.releases, self.aws = Ecr(images), Releases(released), Aws(ecs)


def stored(number: int, *, hours: int = 48, is_index: bool = False) -> StoredImage:
    pushed = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
    return StoredImage(DIGESTS[number], (f"tag{number}",), 10**6, pushed, is_index)


def found(images: list[StoredImage], released: set[str], ecs: Ecs) -> set[str]:
    app: Any = FakeApp(images, released, ecs)
    assert isinstance(app, FakeApp)
    result = unused(app, NOW - timedelta(days=1))
    assert len(result.images) + result.named + result.recent <= len(images)
    return {image.digest for image in result.images}


_references = st.builds(
    lambda repository, number, by_tag: (
        f"{repository}:tag{number}" if by_tag else f"{repository}@{DIGESTS[number]}"
    ),
    st.sampled_from([OURS, OTHER]),
    st.integers(0, 7),
    st.booleans(),
)


@given(
    st.lists(_references, max_size=4),
    st.sets(_references, max_size=4),
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=8, max_size=8),
)
def test_an_image_goes_only_if_nothing_names_it_and_it_is_old(
    defined: list[str], released: set[str], ages: list[tuple[bool, bool]]
) -> None:
    images = [
        stored(number, hours=48 if old else 2, is_index=number == 0 and index)
        for number, (old, index) in enumerate(ages)
    ]
    gone = found(images, released, Ecs(defined))
    for number, image in enumerate(images):
        by_digest = any(name.endswith(image.digest) for name in (*defined, *released))
        by_tag = f"{OURS}:tag{number}" in (*defined, *released)
        part = number == 1 and images[0].is_index
        old = ages[number][0]
        assert (image.digest in gone) == (old and not by_digest and not by_tag and not part)


def test_a_revision_that_cannot_be_read_ends_it() -> None:
    with pytest.raises(ImageError, match="no image was deleted"):
        found([stored(0)], set(), Ecs([f"{OURS}@{DIGESTS[1]}"] * 3, broken=True))


def test_what_is_no_name_of_an_image_ends_it() -> None:
    with pytest.raises(ImageError, match="names no image"):
        found([stored(0)], {f"{OURS}@sha256:short"}, Ecs([]))


def test_a_release_names_its_image_and_those_of_its_stacks() -> None:
    stack = {"name": "app-workload-x", "noun": "workload", "parameters": {"ImageUri": "b@2"}}
    index = {"format": "release/1", "app": "app", "image": "a@1", "stacks": [stack], "files": {}}
    assert images_of(json.dumps(index)) == {"a@1", "b@2"}
    for broken in ("{}", "[]", "x", json.dumps({**index, "format": "release/9"})):
        with pytest.raises(ConfigError):
            images_of(broken)


def test_the_fake_is_asked_as_the_app_is() -> None:
    assert {"ecr", "releases", "platform"} <= set(dir(App))
