"""The same inputs give the same layers: on another day, and by either builder."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest

from tests.container.conftest import ARGUMENTS
from tests.container.fargate import docker as command
from toolkit.adapters.images.image_tree import image_tree, staged
from toolkit.app.add import add
from toolkit.app.init import init

BUILDERS = {"classic": "0", "BuildKit": "1"}
EMPTY = "FROM scratch\nLABEL empty=yes\n"


def build(
    program: str, builder: str, context: Path, name: str
) -> "subprocess.CompletedProcess[str]":
    options = [f"--build-arg={key}" for key in ARGUMENTS]
    options += ["--no-cache", "--network=host", "--file", str(context / "image" / "Dockerfile")]
    return subprocess.run(
        [program, "build", *options, "--tag", name, str(context)],
        env={**os.environ, **ARGUMENTS, "DOCKER_BUILDKIT": BUILDERS[builder]},
        capture_output=True,
        text=True,
        check=False,
    )


def program_of(builder: str, folder: Path) -> str:
    """A docker of this machine that has the builder: newer ones have BuildKit by buildx alone."""
    context = folder / "empty"
    (context / "image").mkdir(parents=True)
    (context / "image" / "Dockerfile").write_text(EMPTY)
    name = f"layers-test:{uuid.uuid4().hex[:12]}"
    paths = os.environ["PATH"].split(os.pathsep)
    found = (shutil.which("docker", path=path) for path in dict.fromkeys(paths))
    for program in filter(None, found):
        if build(program, builder, context, name).returncode == 0:
            command("image", "rm", name)
            return program
    reason = f"no docker of this machine has {builder}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("layers")
    init(root, "layers-test", "eu-central-1")
    add(root, "sales", "bin/sales")
    with staged(image_tree(root)) as folder:
        return Path(shutil.copytree(folder, root / "context"))


def layers(builder: str, context: Path, folder: Path) -> list[str]:
    name = f"layers-test:{uuid.uuid4().hex[:12]}"
    done = build(program_of(builder, folder), builder, context, name)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = command("image", "inspect", "--format", "{{json .RootFS.Layers}}", name)
    command("image", "rm", name)
    return list(json.loads(shown.stdout))


@pytest.fixture(scope="module")
def first(context: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = layers("classic", context, tmp_path_factory.mktemp("first"))
    assert len(found) == 4  # system, packages, app, scratch
    return found


@pytest.mark.slow
@pytest.mark.parametrize("builder", BUILDERS)
def test_each_layer_is_the_same_on_another_day_and_by_either_builder(
    builder: str, context: Path, first: list[str], tmp_path: Path
) -> None:
    other = Path(shutil.copytree(context, tmp_path / "context"))
    for path in [other, *other.rglob("*")]:
        os.utime(path, (1e9, 1e9))
    assert layers(builder, other, tmp_path) == first
