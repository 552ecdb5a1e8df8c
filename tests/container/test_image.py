"""What is in the image, what is not, and what it may do."""

import json
import re
import subprocess

import pytest

from tests.container.fargate import Fargate, docker
from tests.container.fargate import docker as run_docker
from toolkit.adapters.images import tags
from toolkit.adapters.images.docker import Docker
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError


@pytest.fixture(scope="session")
def files(image: ImageName) -> list[str]:
    """Every path of the image's file system: "owner time kind+mode path"."""
    command = ("run", "--rm", "--entrypoint=find", "--user=0", str(image))
    found = docker(*command, "/", "-xdev", "-printf", "%U %Ts %y%m %p\\n")
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


@pytest.fixture(scope="session")
def ours(files: list[str]) -> list[str]:
    """The paths of what was added to the base."""
    paths = [line.split(maxsplit=3)[3] for line in files]
    return [path for path in paths if path.startswith(("/venv/", "/app/", "/scratch/"))]


@pytest.mark.parametrize("installer", ["pip", "setuptools", "ensurepip"])
def test_nothing_can_be_installed(installer: str, files: list[str]) -> None:
    named = re.compile(rf"/{installer}([0-9.-][^/]*)?(/|$)")
    paths = [line for line in files if "/share/doc/" not in line]
    assert [line for line in paths if named.search(line)] == []


@pytest.mark.parametrize("tool", ["gcc", "cc", "g++", "make", "ld", "git", "curl", "wget"])
def test_there_is_no_compiler_and_no_download_tool(tool: str, files: list[str]) -> None:
    assert [line for line in files if line.endswith(f"/bin/{tool}")] == []


@pytest.mark.parametrize("end", ["/tests", "/test", ".pyi", ".a", ".h", ".c", ".pyx", ".whl"])
def test_no_test_header_or_wheel_was_left(end: str, ours: list[str]) -> None:
    assert [path for path in ours if path.endswith(end)] == []


def test_byte_code_stands_beside_its_source(ours: list[str]) -> None:
    compiled = [path for path in ours if path.endswith(".pyc")]
    assert len(compiled) > 400
    sources = {path.replace("/__pycache__/", "/").rsplit(".", 2)[0] + ".py" for path in compiled}
    assert sources <= set(ours)


def test_botocore_knows_the_services_that_are_called(ours: list[str]) -> None:
    data = [path.partition("/botocore/data/")[2] for path in ours if "/botocore/data/" in path]
    assert {path.partition("/")[0] for path in data if "/" in path} == {"s3", "sts"}


def test_only_scratch_belongs_to_the_user(files: list[str]) -> None:
    assert {
        line.split(maxsplit=3)[3].split("/")[1] for line in files if line.startswith("10001 ")
    } == {"scratch"}


def test_times_are_levelled_so_that_equal_content_is_an_equal_layer(files: list[str]) -> None:
    split = (line.split(maxsplit=3) for line in files)
    own = ("/venv", "/app", "/scratch/")  # what is mounted on /scratch has a time of its own
    times = {time for _, time, _, path in split if path.startswith(own)}
    assert times == {"0"}


def test_no_program_takes_the_rights_of_another_user(files: list[str]) -> None:
    modes = [line.split(maxsplit=3)[2:] for line in files]
    programs = [(int(mode[1:], 8), path) for mode, path in modes if mode[0] == "f"]
    assert len(programs) > 1000
    assert [path for mode, path in programs if mode & 0o6000] == []


CAPABILITIES = """
import os
count = 0
for folder, folders, names in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys")]
    for name in names:
        path = os.path.join(folder, name)
        count += 1
        if "security.capability" in os.listxattr(path, follow_symlinks=False):
            print(path)
print(count > 1000)
"""


def test_no_program_has_capabilities_of_its_own(image: ImageName) -> None:
    options = ("--rm", "--entrypoint=python", "--user=0")
    shown = run_docker("run", *options, str(image), "-c", CAPABILITIES)
    assert shown.stdout.splitlines() == ["True"], shown.stderr


def test_the_configuration_is_that_of_a_task(docker: Docker, image: ImageName) -> None:
    shown = subprocess.run(
        ["docker", "image", "inspect", str(image)], capture_output=True, text=True, check=True
    )
    [found] = json.loads(shown.stdout)
    config = found["Config"]
    assert config["Entrypoint"] == ["python", "-m", "toolkit.runtime"]
    assert config["User"] == "10001:10001"
    assert list(config["Volumes"]) == ["/scratch"]
    assert not config.get("Healthcheck")
    assert not any(word in str(found) for word in ("PIP_CERT", "PIP_INDEX_URL"))


PROBE = """
import json, os, tempfile
def refused(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
print(json.dumps({
    "event": "probe", "uid": os.getuid(), "gid": os.getgid(),
    "capabilities": status["CapEff"].strip(), "bounding": status["CapBnd"].strip(),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "root": refused("/app/x"), "venv": refused("/venv/x"), "tmp": refused("/tmp/x"),
    "scratch": refused("/scratch/x"), "temporary": tempfile.gettempdir(),
}))
"""


def test_a_run_has_no_power_but_over_its_scratch(fargate: Fargate) -> None:
    fargate.start("weather", {}, options=("--entrypoint=python",), command=("-c", PROBE))
    ended = fargate.end()
    assert ended.exit_code == 0, ended.stderr
    assert ended.lines[0] == {
        "event": "probe",
        "uid": 10001,
        "gid": 10001,
        "capabilities": "0" * 16,
        "bounding": "0" * 16,
        "no_new_privileges": "0",
        "root": "Read-only file system",
        "venv": "Read-only file system",
        "tmp": "Read-only file system",
        "scratch": None,
        "temporary": "/scratch",
    }


def test_the_registry_has_what_was_pushed(
    docker: Docker, name: ImageName, image: ImageName
) -> None:
    assert tags.resolve(name) == image.digest == docker.push(name)
    assert tags.resolve(image) == image.digest
    assert tags.resolve(ImageName(name.repository, "no-such-tag")) is None
    assert docker.platform(image) == docker.engine().platform


def test_a_base_that_does_not_exist_is_explained(docker: Docker, name: ImageName) -> None:
    from tests.container.conftest import ROOT

    base = f"{name.repository}:no-such-base"
    with pytest.raises(ImageError, match="there is no such image"):
        docker.build(ROOT, ImageName("never", "built"), arguments={"BASE": base})


def test_an_image_that_does_not_exist_is_explained(docker: Docker, name: ImageName) -> None:
    with pytest.raises(ImageError, match="there is no such image"):
        docker.pull(ImageName(name.repository, "no-such-tag"))
    with pytest.raises(ImageError, match="the engine holds no such image"):
        docker.push(ImageName(name.repository, "no-such-tag"))


def test_an_image_of_another_platform_is_explained(docker: Docker, image: ImageName) -> None:
    other = "linux/arm64" if docker.engine().platform == "linux/amd64" else "linux/amd64"
    with pytest.raises(ImageError, match="different platforms"):
        docker.pull(image, platform=other)
