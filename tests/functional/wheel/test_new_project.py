"""An app of one's own from the wheel alone: a directory outside the repository, an empty home."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.functional.conftest import share_emulator
from toolkit.adapters.embedded import engine

from .conftest import Installed

pytestmark = pytest.mark.slow
APP = "own-app"
PLANTED = "correct-horse-battery-staple"
# It has what only its secret and its policy can give it, and tells both.
USES = """
import boto3

queues = boto3.client("sqs", region_name=os.environ["AWS_REGION"]).list_queues()["QueueUrls"]
print(len(queues), "queues", os.environ["DB_USER"], os.environ["DB_PASSWORD"])
assert queues and os.environ["DB_USER"] == "shop"
"""
DECLARED = """\
services = ["sqs"]
policies = ["policies/sales.json"]

[workloads.sales.secrets]
DB_USER = "secretsmanager:prod/db:user"
DB_PASSWORD = "secretsmanager:prod/db:password"
"""
MAY_LIST = {"Statement": {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}}


@pytest.fixture(scope="module")
def project(with_local: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project that `toolkit init` made, deployed on the embedded AWS."""
    root = tmp_path_factory.mktemp("own")
    # The emulator is the same for every project of this machine; the image's packages are made.
    share_emulator(root)
    call(with_local, root, "init", "--app", APP, "--region", "eu-central-1")
    call(with_local, root, "deploy", "--local", "--yes")
    yield root
    call(with_local, root, "local", "stop")


def call(installed: Installed, root: Path, *arguments: str, code: int = 0) -> str:
    """Run a command as a person would; its standard output, or its error if it is to fail."""
    ended, out, err = installed.toolkit(*arguments, directory=root)
    assert ended == code, f"{arguments}: {out}\n{err}"
    return out if code == 0 else out + err


def aws(root: Path, service: str) -> Any:
    """A client of the embedded AWS, as an administrator's."""
    info = engine.running(root)
    assert info is not None
    return boto3.client(
        service,
        endpoint_url=info.endpoint_url,
        region_name=info.region,
        aws_access_key_id=info.access_key,
        aws_secret_access_key=info.secret_key,
    )


def test_nothing_of_the_repository_was_needed(with_local: Installed, project: Path) -> None:
    assert not (project / "templates").exists()
    packages = [path.name for path in (project / ".toolkit").glob("python-*") if path.is_dir()]
    assert packages
    assert "pandas" not in "".join(packages)


def test_a_firing_on_the_virtual_clock_passes(with_local: Installed, project: Path) -> None:
    shown = json.loads(call(with_local, project, "schedule", "hello", "--local", "--json"))
    run_id = shown["firings"][0]["run_id"]
    call(with_local, project, "local", "advance", "25h")
    judged = call(with_local, project, "validate", "--run-id", run_id, "--local", "--wait")
    assert judged.startswith("PASS")


def test_its_own_tests_pass_with_the_wheel(with_local: Installed, project: Path) -> None:
    code, out, err = with_local.run("-m", "pytest", "-q", "tests", directory=project)
    assert code == 0, out + err


def test_a_workload_is_added_and_runs(with_local: Installed, project: Path) -> None:
    call(with_local, project, "add", "night-shift")
    call(with_local, project, "deploy", "--local", "--yes", "--only", "night-shift")
    followed = call(with_local, project, "run", "night-shift", "--local", "--follow")
    assert "PASS" in followed
    listed = call(with_local, project, "workloads")
    assert "night-shift: " in listed


def test_a_package_that_the_image_lacks_fails_the_run_and_is_named(
    with_local: Installed, project: Path
) -> None:
    """The toolkit's own environment has it; the image would not."""
    module = project / "workloads" / "hello.py"
    before = module.read_text()
    module.write_text(before.replace('    text = f"', '    import click\n\n    text = f"'))
    try:
        call(with_local, project, "deploy", "--local", "--yes", "--only", "hello")
        followed = call(with_local, project, "run", "hello", "--local", "--follow", code=1)
    finally:
        module.write_text(before)
    assert "the image holds no package click" in followed
    assert "toolkit image lock --add click" in followed


def test_a_client_that_the_image_lacks_fails_the_run_until_the_catalog_names_it(
    with_local: Installed, project: Path
) -> None:
    module = project / "workloads" / "night_shift.py"
    catalog = project / "workloads" / "catalog.toml"
    client = (
        '    import boto3\n\n    boto3.client("dynamodb", region_name="eu-central-1")\n    text'
    )
    module.write_text(module.read_text().replace("    text", client, 1))
    call(with_local, project, "deploy", "--local", "--yes", "--only", "night-shift")
    followed = call(with_local, project, "run", "night-shift", "--local", "--follow", code=1)
    assert 'services = ["dynamodb"] to [workloads.night-shift]' in followed
    table = "[workloads.night-shift]\n"
    text = catalog.read_text().replace(table, table + 'services = ["dynamodb"]\n')
    catalog.write_text(text)
    call(with_local, project, "deploy", "--local", "--yes", "--only", "night-shift")
    assert "PASS" in call(with_local, project, "run", "night-shift", "--local", "--follow")


def test_a_program_with_a_secret_and_a_policy_is_added_and_fires(
    with_local: Installed, project: Path
) -> None:
    call(with_local, project, "add", "sales", "--command", "python bin/sales.py {scheduled_date}")
    program = project / "workloads" / "bin" / "sales.py"
    program.write_text(program.read_text() + USES)
    catalog = project / "workloads" / "catalog.toml"
    table = 'gates = ["characters"]\n'
    catalog.write_text(catalog.read_text().replace(table, table + DECLARED, 1))
    (project / "policies").mkdir()
    (project / "policies" / "sales.json").write_text(json.dumps(MAY_LIST))
    secret = json.dumps({"user": "shop", "password": PLANTED})
    aws(project, "secretsmanager").create_secret(Name="prod/db", SecretString=secret)
    call(with_local, project, "deploy", "--local", "--yes", "--only", "sales")
    shown = json.loads(call(with_local, project, "schedule", "sales", "--local", "--json"))
    run_id = shown["firings"][0]["run_id"]
    call(with_local, project, "local", "advance", "25h")
    _, judged, _ = with_local.toolkit(
        "validate", "--run-id", run_id, "--local", "--wait", directory=project
    )
    log = call(with_local, project, "logs", run_id, "--local")
    assert judged.startswith("PASS"), judged + log
    assert "queues (redacted) (redacted)" in log
    assert PLANTED not in log


def test_without_its_policy_the_same_program_fails(with_local: Installed, project: Path) -> None:
    catalog = project / "workloads" / "catalog.toml"
    text = catalog.read_text()
    catalog.write_text(text.replace('policies = ["policies/sales.json"]\n', ""))
    try:
        call(with_local, project, "deploy", "--local", "--yes", "--only", "sales")
        followed = call(with_local, project, "run", "sales", "--local", "--follow", code=1)
    finally:
        catalog.write_text(text)
    assert "AccessDenied" in followed


def test_deploying_again_changes_nothing(with_local: Installed, project: Path) -> None:
    call(with_local, project, "deploy", "--local", "--yes")
    again = json.loads(call(with_local, project, "deploy", "--local", "--yes", "--json"))
    assert {row["result"] for row in again["stacks"]} == {"unchanged"}
