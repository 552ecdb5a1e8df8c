"""An app of one's own from the wheel alone: a directory outside the repository, an empty home."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.conftest import share_emulator

from .conftest import Installed

APP = "own-app"


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


def test_deploying_again_changes_nothing(with_local: Installed, project: Path) -> None:
    call(with_local, project, "deploy", "--local", "--yes")
    again = json.loads(call(with_local, project, "deploy", "--local", "--yes", "--json"))
    assert {row["result"] for row in again["stacks"]} == {"unchanged"}
