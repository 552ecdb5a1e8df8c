"""The image of a project that `toolkit init` made: built and run on a real engine."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.container.conftest import ARGUMENTS
from tests.container.fargate import docker as command
from toolkit.adapters.images.docker import Docker
from toolkit.adapters.images.image_tree import image_tree, staged
from toolkit.adapters.project.project import Project
from toolkit.app.add import add
from toolkit.app.init import init
from toolkit.core.deploying.image import ImageName
from toolkit.core.errors import ImageError

# What only some projects need: a client, and modules that a function imports.
JOB = """
    import sqlite3
    from xml.dom import minidom

    import boto3

    boto3.client("dynamodb", region_name="eu-central-1")
    assert sqlite3.connect(":memory:") and minidom
"""

PLANTED = "correct-horse-battery-staple"
# What a program adds to its table, and does with it.
DECLARED = """\
policies = ["policies/sales.json"]

[workloads.sales.secrets]
DB_PASSWORD = "secretsmanager:prod/db:password"
"""
TELLS = """
echo "the password is $DB_PASSWORD"
test -n "$DB_PASSWORD"
"""
# A script as people have them: it works when it is imported, and needs its arguments.
SCRIPT = """\
import sys

import beside

[path] = sys.argv[1:]
with open(path, "w") as file:
    file.write(str(beside.ANSWER))
"""
PROGRAM_EVENTS = {"program.started", "program.wrote", "program.ended", "artifact.saved"}


def build(docker: Docker, root: Path, *, audit: bool = False) -> ImageName:
    name = ImageName("new-project", uuid.uuid4().hex[:12])
    with staged(image_tree(root, audit=audit)) as folder:
        docker.build(folder, name, arguments=ARGUMENTS, network="host")
    return name


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("new")
    init(root, "new-project", "eu-central-1")
    add(root, "tables")
    edit(root / "workloads" / "tables.py", '    text = f"', f'{JOB}    text = f"')
    table = "[workloads.tables]\n"
    edit(root / "workloads" / "catalog.toml", table, f'{table}services = ["dynamodb"]\n')
    add(root, "sales", "bin/sales {scheduled_date}")
    gates = 'gates = ["characters"]\n'
    edit(root / "workloads" / "catalog.toml", gates, gates + DECLARED)
    program = root / "workloads" / "bin" / "sales"
    program.write_text(program.read_text() + TELLS)
    (root / "workloads" / "script.py").write_text(SCRIPT)
    (root / "workloads" / "beside.py").write_text("ANSWER = 42\n")
    add(root, "script", "python script.py {artifacts}/answer.txt")
    return root


@pytest.fixture(scope="module")
def built(project: Path) -> Iterator[ImageName]:
    name = build(Docker(), project)
    yield name
    command("image", "rm", str(name))


@pytest.mark.parametrize("workload", ["hello", "sales", "script", "tables"])
def test_its_workloads_run_in_its_image(workload: str, built: ImageName, project: Path) -> None:
    variables = {
        "DB_PASSWORD": PLANTED,  # as ECS gives a secret
        "WORKLOAD": workload,
        "SCHEDULE": workload,
        "SCHEDULED_TIME": "2026-11-24T05:00:00Z",
        "BUCKET": "file:///scratch/store",
    }
    given = [f"--env={name}={value}" for name, value in variables.items()]
    limits = ("--read-only", "--cap-drop=ALL", "--network=none", "--memory=512m")
    ended = command("run", "--rm", *limits, *given, str(built))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    events = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    declared = Project.find(project).catalog.workload(workload).events
    assert set(declared) <= set(events)
    assert PLANTED not in ended.stdout
    if workload == "sales":
        assert set(events) >= PROGRAM_EVENTS
        assert "the password is (redacted)" in ended.stdout


def test_its_image_holds_the_clients_of_its_services_and_no_installer(built: ImageName) -> None:
    script = (
        "import pathlib, botocore, importlib.util as u\n"
        "data = pathlib.Path(botocore.__file__).parent / 'data'\n"
        "print(*sorted(p.name for p in data.iterdir() if p.is_dir()))\n"
        "print(*[name for name in ('pip', 'setuptools', 'numpy') if u.find_spec(name)])"
    )
    shown = command("run", "--rm", "--entrypoint=python", str(built), "-c", script)
    assert shown.stdout.splitlines() == ["dynamodb s3 sts", ""], shown.stderr


@pytest.mark.parametrize(
    ("file", "before", "after", "words"),
    [
        (
            "workloads/hello.py",
            '    text = f"',
            '    import pandas\n\n    text = f"',
            (
                "workloads.hello: No module named 'pandas': the image holds no package pandas; "
                "add it: toolkit image lock --add pandas"
            ),
        ),
        (
            "workloads/catalog.toml",
            "[workloads.hello]\n",
            '[workloads.hello]\nservices = ["dynamo"]\n',
            "catalog.toml: services: AWS has no dynamo",
        ),
    ],
)
def test_a_build_says_what_the_project_lacks(
    file: str, before: str, after: str, words: str, tmp_path: Path
) -> None:
    init(tmp_path, "new-project", "eu-central-1")
    edit(tmp_path / file, before, after)
    with pytest.raises(ImageError) as caught:
        build(Docker(), tmp_path)
    assert words in str(caught.value)


def test_the_audit_is_in_an_image_only_where_it_is_on(built: ImageName, project: Path) -> None:
    """Its code, the models of the services that it asks, and the zones of schedules."""
    code = """
import importlib.util, json
from toolkit.runtime.catalog import image_catalog
if importlib.util.find_spec("toolkit.audit"):
    import boto3
    import toolkit.audit.task
    from toolkit.core.expressions.zone_names import zone_names
    for service in image_catalog().workloads["audit"].services:
        boto3.client(service, region_name="eu-central-1")
    assert "Europe/Berlin" in zone_names()
print(json.dumps(sorted(image_catalog().workloads)))
"""
    run = ("run", "--rm", "--entrypoint", "python")
    without = json.loads(command(*run, str(built), "-c", code).stdout)
    assert "audit" not in without
    assert {"hello", "tables"} <= set(without)  # another test may have added one
    name = build(Docker(), project, audit=True)
    try:
        workloads = json.loads(command(*run, str(name), "-c", code).stdout)
        assert {"audit", "hello", "tables"} <= set(workloads)
    finally:
        command("image", "rm", str(name))
