"""Which image the embedded AWS gets: a docker that notes how it was called, and a fake of ECR."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.fake_aws import FakeAws, platform_stack
from toolkit.adapters.aws.session import Endpoint
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying import image, local_image
from toolkit.cli import cli
from toolkit.core.deploying.config import Config, parse
from toolkit.core.deploying.executor import Executor
from toolkit.core.errors import ConfigError, ImageError
from toolkit.core.names import AppNames
from toolkit.runtime.catalog import load

from .test_docker import DIGEST, FakeDocker
from .test_image_actions import PLATFORM, TIME, VERSION, Console, Registry

HOST = "127.0.0.1:41053"
ID, PLATFORM_OF = (f"image inspect --format {form}" for form in ("{{.Id}}", "{{.Os}}"))
HELD = {ID: (0, "sha256:1", ""), "version": VERSION, "buildx version": (1, "", "")}


class Aws:
    """The door to the fake, at the embedded AWS's address."""

    endpoint = Endpoint(region="us-east-1", url=f"http://{HOST}")

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def client(self, service: str) -> Any:
        if service == "cloudformation":
            return FakeAws(stacks=[platform_stack(PLATFORM, "app")]).client(service)
        assert service == "ecr"
        return self._registry


@pytest.fixture
def fake(tmp_path: Path) -> FakeDocker:
    return FakeDocker(tmp_path)


def local(tmp_path: Path, executor: Executor | None = None, **more: Any) -> App:
    root = tmp_path / "project"
    (root / "image").mkdir(parents=True, exist_ok=True)
    (root / "image" / "Dockerfile").write_text("FROM scratch\n")
    config = Config(environment="local", app=AppNames("app"), executor=executor, **more)
    aws: Any = Aws(Registry())
    console: Any = Console()
    return App(Project(root, load()), config, aws, console, lambda: TIME, local=True)


def said(app: App) -> list[str]:
    console: Any = app.console
    found: list[str] = console.said
    return found


def test_an_image_that_docker_holds_is_run_in_docker(tmp_path: Path, fake: FakeDocker) -> None:
    made = local(tmp_path)
    docker = fake.answer({**HELD, PLATFORM_OF: (0, "linux/amd64\n", "")})
    assert local_image.choose(made, docker, "linux").executor is Executor.DOCKER
    tag = image.content_tag(made)
    assert said(made) == [f"executor docker: Docker holds the image of this content ({tag})"]
    assert fake.calls[0]["arguments"][-1] == f"app:{tag}"


@pytest.mark.parametrize(
    ("answers", "system"),
    [
        ({ID: (1, "", "No such image")}, "linux"),
        ({ID: (1, "", "Cannot connect to the Docker daemon")}, "linux"),
        ({**HELD, PLATFORM_OF: (0, "linux/arm64\n", "")}, "linux"),
        ({}, "darwin"),
    ],
    ids=["not-held", "no-engine", "for-another-machine", "not-linux"],
)
def test_in_any_other_case_processes_are_taken_and_nothing_is_built(
    answers: Any, system: str, tmp_path: Path, fake: FakeDocker
) -> None:
    made = local(tmp_path)
    assert local_image.choose(made, fake.answer(answers), system).executor is Executor.PROCESS
    assert said(made) == [
        "executor process: Docker holds no such image (--executor docker builds it)"
    ]


def test_without_docker_processes_are_taken(tmp_path: Path) -> None:
    missing = Docker(str(tmp_path / "docker"))
    assert local_image.choose(local(tmp_path), missing, "linux").executor is Executor.PROCESS


def test_what_was_chosen_is_taken_without_a_look(tmp_path: Path) -> None:
    made = local(tmp_path, Executor.PROCESS)
    missing = Docker(str(tmp_path / "docker"))
    assert local_image.choose(made, missing, "linux").executor is Executor.PROCESS
    assert said(made) == ["executor process: as chosen"]


def test_docker_is_not_asked_for_in_vain(tmp_path: Path, fake: FakeDocker) -> None:
    made = local(tmp_path, Executor.DOCKER)
    no_engine = fake.answer({"version": (1, "null\n", "Cannot connect to the Docker daemon")})
    for docker, system, words in (
        (Docker(str(tmp_path / "none")), "linux", "cannot run as containers: .* not installed"),
        (no_engine, "linux", "cannot run as containers: .* no container engine answers"),
        (no_engine, "darwin", "on Linux only"),
    ):
        with pytest.raises(ImageError, match=words) as caught:
            local_image.choose(made, docker, system)
        assert "--executor process" in str(caught.value.hint)
        assert caught.value.exit_code == 3


def test_the_real_image_goes_to_the_emulated_registry_and_leaves_no_name_behind(
    tmp_path: Path, fake: FakeDocker
) -> None:
    made = local(tmp_path, Executor.DOCKER)
    tag = image.content_tag(made)
    there = f"{HOST}/app:{tag}"
    registry: Any = made.aws.client("ecr")

    class Pushing(Docker):
        """The registry has what was pushed."""

        def untag(self, name: Any) -> None:
            registry.images[tag] = DIGEST
            super().untag(name)

    answers = {
        **HELD,
        "login": (0, "", ""),
        "tag": (0, "", ""),
        f"push {there}": (0, f"{tag}: digest: {DIGEST} size: 1\n", ""),
        "image inspect --format {{json .RepoDigests}}": (
            0,
            json.dumps([f"{HOST}/app@{DIGEST}"]),
            "",
        ),
        f"image rm --no-prune {there}": (0, "", ""),
    }
    docker = Pushing(fake.answer(answers).program)
    pushed = image.push(made, docker)
    assert pushed == image.Pushed(f"{PLATFORM['RepositoryUri']}@{DIGEST}", tag, new=True)
    asked = [" ".join(call["arguments"]) for call in fake.calls]
    assert f"tag app:{tag} {there}" in asked
    assert asked[-1] == f"image rm --no-prune {there}"
    assert not any(line.startswith("build ") for line in asked)
    # The embedded registry wants ECR's login, as AWS's does.
    assert sum(line.startswith("login") for line in asked) == 1
    again = image.push(made, docker)
    assert again.new is False


def test_an_image_of_ones_own_leaves_nothing_to_choose(tmp_path: Path) -> None:
    made = local(tmp_path, Executor.PROCESS, image=f"repo/x@{DIGEST}")
    with pytest.raises(ConfigError, match="no executor to choose"):
        image.resolve_image(made)


def test_toolkit_toml_chooses_for_good() -> None:
    document = {"default": {"app": "app"}, "local": {"executor": "docker"}}
    assert parse(document, "local", load()).executor is Executor.DOCKER
    assert parse(document, "default", load()).executor is None
    with pytest.raises(ConfigError, match=r"toolkit\.toml: executor: 'podman'") as caught:
        parse({"default": {"app": "app", "executor": "podman"}}, "local", load())
    assert caught.value.hint == "process or docker"


@pytest.mark.parametrize("command", ["deploy", "package", "image push"])
def test_an_executor_is_for_the_embedded_aws(command: str, tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text('[default]\napp = "app"\n')
    arguments = [*command.split(), "--executor", "docker", "--project", str(tmp_path)]
    answer = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert isinstance(answer.exception, ConfigError)
    assert str(answer.exception) == "--executor is for the embedded AWS"
    assert (answer.exception.exit_code, answer.exception.hint) == (2, "add --local")


def test_a_release_brings_its_own_image() -> None:
    arguments = ["deploy", "--local", "--release", "0792", "--executor", "docker"]
    answer = CliRunner().invoke(cli, arguments)
    assert answer.exit_code == 2
    assert "--release brings its own image" in answer.output
