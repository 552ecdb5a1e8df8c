"""The project deployed with `--executor`: its schedules run in the real image, or as processes."""

import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.container.conftest import ARGUMENTS, BASE, ROOT
from tests.container.fargate import docker as command
from tests.functional.conftest import Project, make_project
from tests.functional.local.rehearsal import eventually
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_tree import image_tag
from toolkit.core.deploying.image import ImageName
from toolkit.runtime import catalog

APP = "executor-test"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, name: ImageName) -> Iterator[Project]:
    """This project under a name of its own; ``name`` says that its image has been built here.

    So a build of the same content takes every layer from the engine, and needs no network.
    """
    made = make_project(tmp_path_factory.mktemp("project"))
    shutil.copy2(ROOT / ".dockerignore", made.root)
    config = (ROOT / "toolkit.toml").read_text().replace("fargate-runs", APP)
    build = "".join(f"{key} = {value!r}\n" for key, value in ARGUMENTS.items())
    (made.root / "toolkit.toml").write_text(f"{config}\n[default.build]\n{build}")
    forget()
    yield made
    made.toolkit("local", "stop")
    forget()


def forget() -> None:
    """Take the app's names from the engine; the layers stay, they are other images' as well."""
    form = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"
    for pattern in (APP, f"*/{APP}"):
        names = command(
            "image", "ls", "--digests", f"--filter=reference={pattern}", "--format", form
        )
        for name in names.stdout.split():
            command("image", "rm", "--no-prune", name)


def deploy(project: Project, *options: str) -> str:
    """Deploy weather; returns what was said of the executor."""
    answer = project.toolkit("deploy", "--local", "--yes", "--only", "weather", *options)
    return next(line for line in answer.err.splitlines() if line.startswith("executor "))


def inspected(arn: str) -> dict[str, Any] | None:
    """What Docker says of the task's container; None while, or where, there is none."""
    found = command("inspect", f"toolkit-{arn.rpartition('/')[2]}-workload")
    return json.loads(found.stdout)[0] if found.returncode == 0 else None


def test_nothing_is_built_unless_it_is_asked_for(project: Project, docker: Docker) -> None:
    tag = ImageName(APP, image_tag(project.root, {"BASE": BASE}, [docker.engine().platform]))
    assert deploy(project).startswith("executor process: Docker holds no such image")
    assert not docker.has(tag)


def test_the_real_image_is_built_pushed_and_run_as_it_is_defined(
    project: Project, name: ImageName
) -> None:
    assert deploy(project, "--executor", "docker") == "executor docker: as chosen"
    started = project.toolkit("run", "weather", "--local", "--json").json()
    container = eventually(lambda: inspected(started["task_arn"]))
    size = catalog.load().workload("weather")
    host = container["HostConfig"]
    assert container["Config"]["User"] == "10001:10001"
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Init"]) == (True, ["ALL"], True)
    assert host["Memory"] == host["MemorySwap"] == size.memory * 1024**2
    assert host["NanoCpus"] == min(size.cpu / 1024, os.cpu_count() or 1) * 1e9
    validate = ("validate", "--run-id", started["run_id"], "--local", "--wait")
    assert project.toolkit(*validate).out.startswith("PASS")
    ecr = project.aws("ecr")
    [kept] = ecr.describe_images(repositoryName=APP, imageIds=[{"imageTag": name.tag}])[
        "imageDetails"
    ]
    ecr.close()
    assert container["Config"]["Image"].endswith(f"/{APP}@{kept['imageDigest']}")


def test_its_schedule_fires_it_at_its_time(project: Project) -> None:
    project.toolkit("local", "advance", "1d")
    ledger = project.toolkit("ledger", "--local", "--since", "1d", "--json").json()
    assert ledger["summary"]["ok"] == 1
    assert ledger["bad"] == 0


def test_the_image_at_hand_is_taken_from_then_on(project: Project) -> None:
    assert deploy(project).startswith("executor docker: Docker holds the image of this content")
    assert deploy(project, "--executor", "process") == "executor process: as chosen"
