"""The embedded AWS and the person's environment: neither sees nor steers the other."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolkit.adapters.embedded import engine
from toolkit.adapters.embedded.engine import EngineClient
from toolkit.local.agent.container import _environment
from toolkit.local.agent.launcher import landlock_version

from .rehearsal import PROGRAM, REPOSITORY, Rehearsal, push_program, run_bare

PERSONAL = {
    "AWS_SECRET_ACCESS_KEY": "the-persons-secret",
    "AWS_ACCESS_KEY_ID": "AKIAPERSON",
    "AWS_PROFILE": "nope",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "http_proxy": "http://127.0.0.1:9",
    "AWS_CONFIG_FILE": "/broken",
    "AWS_CA_BUNDLE": "/nowhere",
    "AWS_MAX_ATTEMPTS": "none",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "API_TOKEN": "the-persons-token",
}


@pytest.fixture
def person(
    project_factory: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rehearsal]:
    """An engine that was started by somebody with secrets, a proxy and broken files."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text("[default\nregion = nowhere\n")
    (home / ".aws" / "credentials").write_text("[default]\naws_secret_access_key = theirs\n")
    root = project_factory("person")
    for part in ("workloads", "toolkit.toml", "schedules"):
        (root / part).symlink_to(REPOSITORY / part)
    with monkeypatch.context() as shell:
        for name, value in {**PERSONAL, "HOME": str(home)}.items():
            shell.setenv(name, value)
        info = engine.ensure_running(root, print)
    yield Rehearsal(info, root)
    EngineClient(info).stop(root)


# Prints what a task can see of its surroundings.
LOOK = """
import json, os, pathlib, sys
def read(path):
    try: return pathlib.Path(path).read_bytes().decode('latin-1')
    except OSError as error: return type(error).__name__
print(json.dumps({
    'mine': dict(os.environ),
    'environments': [read(path) for path in pathlib.Path('/proc').glob('[0-9]*/environ')
        if path.parent.name != str(os.getpid())],
    'files': {path: read(path) for path in sys.argv[1:]},
    'listed': [str(path) for path in pathlib.Path(sys.argv[1]).parent.glob('*')],
    'parent': os.getppid(),
}), flush=True)
"""


@pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("read_only", [True, False])
def test_a_task_sees_nothing_of_the_person_and_of_the_engine(
    person: Rehearsal, tmp_path: Path, read_only: bool
) -> None:
    local = person.root / ".toolkit" / "local"
    credentials = tmp_path / "home" / ".aws" / "credentials"
    secrets = [local / "engine.json", local / "keys.json", local / "state" / "iam.json"]
    seen = look(person, tmp_path, [*secrets, credentials], readonlyRootFilesystem=read_only)
    assert set(seen["files"].values()) == {"PermissionError"}
    assert seen["listed"] == []
    assert not set(seen["mine"]) & set(PERSONAL)
    assert seen["environments"]
    told = json.dumps(seen)
    for secret in (*PERSONAL.values(), person.info.token, person.info.secret_key):
        assert secret in ("nope", "none") or secret not in told


def look(
    rehearsal: Rehearsal, tmp_path: Path, paths: list[Path], **container: Any
) -> dict[str, Any]:
    repository = rehearsal.aws("ecr").create_repository(repositoryName="image")["repository"]
    logs = rehearsal.aws("logs")
    logs.create_log_group(logGroupName="look")
    role = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam = rehearsal.aws("iam")
    trust = json.dumps(
        {"Version": "2012-10-17", "Statement": [{**role, "Action": "sts:AssumeRole"}]}
    )
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy)
    options = {"group": "look", "region": rehearsal.info.region, "stream-prefix": "s"}
    driver = {f"awslogs-{name}": value for name, value in options.items()}
    task = run_bare(
        rehearsal,
        until="STOPPED",
        role=arn,
        image=push_program(rehearsal, tmp_path / "image", repository["repositoryUri"], LOOK),
        command=[str(path) for path in paths],
        logConfiguration={"logDriver": "awslogs", "options": driver},
        **container,
    )
    lines = rehearsal.log_lines("look")
    found = rehearsal.task(task)
    assert found["containers"][0].get("exitCode") == 0, (found["stoppedReason"], lines)
    seen: dict[str, Any] = json.loads("".join(lines))
    return seen


def test_the_engine_starts_with_nothing_of_the_persons(person: Rehearsal) -> None:
    entries = Path(f"/proc/{person.info.pid}/environ").read_bytes().split(b"\0")
    names = {entry.partition(b"=")[0].decode() for entry in entries}
    assert "PATH" in names
    assert not names & set(PERSONAL)


def test_the_persons_settings_do_not_steer_the_command_line(
    person: Rehearsal, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("[default\n")
    broken = {"AWS_CONFIG_FILE": str(tmp_path / "broken"), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "doctor", "--local"],
        cwd=person.root,
        env={**os.environ, **PERSONAL, **broken},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "arn:aws:iam::000000000000:root in us-east-1" in done.stdout, done.stderr


def test_other_clients_work_with_what_is_printed(person: Rehearsal) -> None:
    ask = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    toolkit = f"{sys.executable} -m toolkit local env"
    proxied = {name: value for name, value in PERSONAL.items() if "PRO" in name.upper()}
    done = subprocess.run(
        ["sh", "-c", f'eval "$({toolkit})" && {sys.executable} -c "{ask}"'],
        cwd=person.root,
        env={**os.environ, **proxied, "HOME": "/nonexistent", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "arn:aws:iam::000000000000:root\n", done.stderr
    printed = subprocess.run(
        [sys.executable, "-m", "toolkit", "local", "env", "--json"],
        cwd=person.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        check=True,
    )
    assert json.loads(printed.stdout) == person.info.variables()


def test_a_task_that_changed_its_image_changed_it_for_itself_alone(
    own: Rehearsal, tmp_path: Path
) -> None:
    """A container's layers are its own; processes share the tree that their image became."""
    repository = own.aws("ecr").create_repository(repositoryName="image")["repository"]
    image = push_program(own, tmp_path / "image", repository["repositoryUri"], PROGRAM)
    script = "import toolkit.runtime as m; open(m.__file__, 'a').write('raise SystemExit(7)')"
    codes = []
    for text in (script, "", ""):
        environment = [{"name": "SCRIPT", "value": text}]
        task = run_bare(own, until="STOPPED", image=image, environment=environment)
        ended = own.task(task)
        codes.append(ended["containers"][0].get("exitCode", ended["stoppedReason"]))
    assert codes == [0, 0, 0]


def test_a_containers_environment_is_on_no_command_line() -> None:
    variables = {"SECRET": "s3cret value", "LINES": "one\ntwo", "EMPTY": ""}
    with _environment(variables) as (options, given):
        [file, *names] = options
        path = Path(file.removeprefix("--env-file="))
        assert path.read_text() == "SECRET=s3cret value\nEMPTY=\n"
        assert path.stat().st_mode & 0o077 == 0
        assert names == ["--env=LINES"]
        assert given == {"LINES": "one\ntwo"}
    assert not path.exists()
