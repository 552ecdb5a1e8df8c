"""Build, push, find and scan: a fake of ECR's client, and a docker that notes how it was called."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from botocore.exceptions import ClientError

from tests.fake_aws import FakeAws, platform_stack
from toolkit.adapters.aws.session import Endpoint
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying import image
from toolkit.core.deploying.config import Config
from toolkit.core.errors import ConfigError, ImageError
from toolkit.core.names import AppNames
from toolkit.runtime.catalog import load

from .test_docker import DIGEST, FakeDocker

TIME = datetime(2026, 11, 24, tzinfo=UTC)
HOST = "1.dkr.ecr.eu-west-1.amazonaws.com"
PLATFORM = {"RepositoryName": "app", "RepositoryUri": f"{HOST}/app"}
VERSION = (0, json.dumps({"Version": "28.0.1", "Os": "linux", "Arch": "amd64"}), "")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Any")


@define
class Registry:
    """ECR with one repository; ``images`` maps a tag to its digest."""

    images: dict[str, str] = field(factory=dict)
    after_push: dict[str, str] = field(factory=dict)
    findings: dict[str, Any] | None = None

    def describe_images(self, repositoryName: str, imageIds: Any) -> dict[str, Any]:  # noqa: N803
        assert repositoryName == "app"
        wanted = imageIds[0]
        for tag, digest in self.images.items():
            if wanted in ({"imageTag": tag}, {"imageDigest": digest}):
                return {"imageDetails": [{"imageDigest": digest, "imageTags": [tag]}]}
        raise refused("ImageNotFoundException")

    def get_authorization_token(self) -> dict[str, Any]:
        token = base64.b64encode(b"AWS:secret").decode()
        self.images |= self.after_push  # a push follows
        row = {"authorizationToken": token, "proxyEndpoint": f"https://{HOST}"}
        return {"authorizationData": [row]}

    def get_paginator(self, name: str) -> "Registry":
        assert name == "describe_image_scan_findings"
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        if self.findings is None:
            raise refused("ScanNotFoundException")
        yield {"imageScanStatus": {"status": "COMPLETE"}, "imageScanFindings": self.findings}


class Aws:
    """The door to the fake."""

    endpoint = Endpoint(region="eu-west-1")

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def client(self, service: str) -> Any:
        if service == "cloudformation":
            return FakeAws(stacks=[platform_stack(PLATFORM, "app")]).client(service)
        assert service == "ecr"
        return self._registry


class Console:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def fake(tmp_path: Path) -> FakeDocker:
    return FakeDocker(tmp_path)


def context(tmp_path: Path, registry: Registry, **config: Any) -> App:
    root = tmp_path / "project"
    (root / "image").mkdir(parents=True, exist_ok=True)
    (root / "image" / "Dockerfile").write_text("FROM scratch\n")
    made = Config(environment="default", app=AppNames("app"), **config)
    aws: Any = Aws(registry)
    console: Any = Console()
    return App(Project(root, load()), made, aws, console, lambda: TIME, local=False)


def answers(tag: str) -> dict[str, tuple[int, str, str]]:
    target = f"{HOST}/app:{tag}"
    inspect = "image inspect --format"
    return {
        "version": VERSION,
        "buildx version": (1, "", ""),
        f"{inspect} {{{{.Id}}}}": (1, "", "No such image"),
        f"{inspect} {{{{json .RepoDigests}}}}": (0, json.dumps([f"{HOST}/app@{DIGEST}"]), ""),
        "build ": (0, "", ""),
        "login": (0, "", ""),
        "tag": (0, "", ""),
        f"push {target}": (0, f"{tag}: digest: {DIGEST} size: 1\n", ""),
    }


def test_an_image_that_is_in_the_registry_needs_no_engine(tmp_path: Path) -> None:
    registry = Registry()
    made = context(tmp_path, registry)
    registry.images[image.content_tag(made)] = DIGEST
    assert image.resolve_image(made) == f"{HOST}/app@{DIGEST}"
    nothing = FakeDocker(tmp_path).answer({})
    assert image.push(made, nothing).new is False


def test_a_new_image_is_built_and_pushed_under_its_content(
    tmp_path: Path, fake: FakeDocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry()
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:secret@example.org")
    made = context(tmp_path, registry, build={"BASE": "python-base", "PIP_INDEX_URL": ""})
    tag = image.content_tag(made)
    registry.after_push = {tag: DIGEST}
    pushed = image.push(made, fake.answer(answers(tag)))
    assert pushed == image.Pushed(f"{HOST}/app@{DIGEST}", tag, new=True)
    verbs = [call["arguments"][0] for call in fake.calls]
    assert verbs[-5:] == ["build", "login", "tag", "push", "image"]
    build = next(call for call in fake.calls if call["arguments"][0] == "build")
    assert {"--platform=linux/amd64", "--build-arg=BASE"} <= set(build["arguments"])
    index = {"PIP_INDEX_URL": "https://user:secret@example.org"}
    assert build["environment"] == {"BASE": "python-base", **index}
    login = next(call for call in fake.calls if call["arguments"][0] == "login")
    assert login["stdin"] == "secret"
    assert "secret" not in " ".join(login["arguments"])


def test_without_a_dockerfile_nothing_is_asked_of_the_engine(tmp_path: Path) -> None:
    made = context(tmp_path, Registry())
    (made.project.root / "image" / "Dockerfile").unlink()
    with pytest.raises(ImageError, match="image/Dockerfile is missing"):
        image.push(made, FakeDocker(tmp_path).answer({}))


def test_another_digest_under_the_tag_is_an_error(tmp_path: Path, fake: FakeDocker) -> None:
    registry = Registry()
    made = context(tmp_path, registry)
    tag = image.content_tag(made)
    registry.after_push = {tag: "sha256:" + "f" * 64}
    with pytest.raises(ImageError, match="but the repository has sha256:fff"):
        image.push(made, fake.answer(answers(tag)))


def test_the_tag_follows_source_cpu_and_base_but_not_the_way_to_packages(tmp_path: Path) -> None:
    made = context(tmp_path, Registry())
    arm = context(tmp_path, Registry(), workload={"CpuArchitecture": "ARM64"})
    first = image.content_tag(made)
    assert image.content_tag(arm) != first
    based = context(tmp_path, Registry(), build={"BASE": "another"})
    assert image.content_tag(based) != first
    elsewhere = context(tmp_path, Registry(), build={"PIP_INDEX_URL": "https://example.org"})
    assert image.content_tag(elsewhere) == first
    (made.project.root / "image" / "Dockerfile").write_text("FROM other\n")
    assert image.content_tag(made) != first


def test_an_image_of_ones_own_must_be_pinned(tmp_path: Path) -> None:
    pinned = context(tmp_path, Registry(), image=f"repo/x@{DIGEST}")
    assert image.resolve_image(pinned) == f"repo/x@{DIGEST}"
    with pytest.raises(ConfigError, match="is not pinned"):
        image.resolve_image(context(tmp_path, Registry(), image="repo/x:latest"))


def test_a_dry_run_finds_no_image_and_builds_none(tmp_path: Path) -> None:
    assert image.find_image(context(tmp_path, Registry())) is None


BASIC = {
    "findings": [
        {
            "name": "CVE-1",
            "severity": "HIGH",
            "attributes": [
                {"key": "package_name", "value": "openssl"},
                {"key": "package_version", "value": "3.0"},
            ],
        },
        {"name": "CVE-2", "severity": "LOW"},
    ]
}
ENHANCED = {
    "enhancedFindings": [
        {
            "severity": "CRITICAL",
            "packageVulnerabilityDetails": {
                "vulnerabilityId": "CVE-3",
                "vulnerablePackages": [{"name": "zlib", "version": "1"}],
            },
        }
    ]
}


@pytest.mark.parametrize(
    ("findings", "names", "grave"),
    [(BASIC, ["CVE-1", "CVE-2"], 1), (ENHANCED, ["CVE-3"], 1), ({}, [], 0)],
)
def test_a_scan_reads_basic_and_enhanced_findings(
    tmp_path: Path, findings: dict[str, Any], names: list[str], grave: int
) -> None:
    digest, scan = image.scan(context(tmp_path, Registry(findings=findings)), DIGEST)
    assert digest == DIGEST
    assert [finding.name for finding in scan.findings] == names
    assert scan.count("HIGH", "CRITICAL") == grave


def test_an_image_that_was_not_scanned_or_pushed_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="has not been scanned"):
        image.scan(context(tmp_path, Registry()), DIGEST)
    with pytest.raises(ImageError, match="not in the registry") as caught:
        image.scan(context(tmp_path, Registry()), None)
    assert caught.value.hint == "toolkit image push"
