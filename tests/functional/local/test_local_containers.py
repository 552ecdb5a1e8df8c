"""The same task definition as a container of a real image, where Docker is at hand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from toolkit.adapters.images.docker import Docker
from toolkit.local.agent import container

from .rehearsal import APP, REPOSITORY, Platform, Rehearsal, eventually

BASE = os.environ.get("IMAGE_BASE", "python-base:bookworm")  # as in tests/container


def unready() -> bool:
    return not container.available() or not container.docker("images", "--quiet", BASE)


pytestmark = [
    pytest.mark.container,
    pytest.mark.skipif(unready(), reason=f"no Docker here, or no image {BASE}"),
]
DOCKERFILE = """\
FROM {base}
RUN mkdir /scratch && chown 10001:10001 /scratch
VOLUME ["/scratch"]
ENTRYPOINT ["python3", "-c", "import os; exec(os.environ.get('SCRIPT', ''))"]
"""


def push_box(rehearsal: Rehearsal, repository: str, folder: Path) -> str:
    """Build a small real image, push it, forget it; returns its digest."""
    (folder / "Dockerfile").write_text(DOCKERFILE.format(base=BASE))
    host = rehearsal.info.endpoint_url.removeprefix("http://")
    tag = f"{host}/{repository}:box"
    container.docker("build", "--quiet", f"--tag={tag}", str(folder), timeout=300)
    with Docker().logged_in(host, *rehearsal.registry_login()) as opened:
        pushed = container.docker("push", tag, timeout=300, environment=opened.environment)
    container.docker("rmi", tag)
    digest = re.search(r"sha256:[0-9a-f]{64}", pushed)
    assert digest is not None
    return digest[0]


@pytest.fixture(scope="module")
def boxed(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """A second workload whose image is a real one."""
    outputs = platform.platform
    digest = push_box(platform.rehearsal, outputs["RepositoryName"], tmp_path_factory.mktemp("box"))
    workload = platform.rehearsal.deploy(
        "app-workload-boxed",
        "workload.yaml",
        AppName=APP,
        WorkloadName="boxed",
        ImageUri=f"{outputs['RepositoryUri']}@{digest}",
        Cpu=256,
        Memory=512,
        MaxRuntimeSeconds=60,
        CatalogDigest="0" * 64,
        BucketName=outputs["BucketName"],
        ExecutionRoleArn=outputs["ExecutionRoleArn"],
    )
    return evolve(platform, workload=workload)


def ended(boxed: Platform, script: str) -> tuple[dict[str, Any], list[str]]:
    arn = boxed.run(script)
    task = boxed.rehearsal.await_status(arn, "STOPPED")
    answer = boxed.rehearsal.aws("logs").get_log_events(
        logGroupName=f"/{APP}/boxed",
        logStreamName=f"run/workload/{task['taskArn'].rsplit('/', 1)[-1]}",
        startFromHead=True,
    )
    return task, [event["message"] for event in answer["events"]]


def test_the_container_is_what_the_definition_says(boxed: Platform) -> None:
    script = (
        "import os, pathlib\n"
        "print(os.getuid())\n"
        "try:\n"
        "    pathlib.Path('/x').write_text('x')\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
        "pathlib.Path('/scratch/x').write_text('x')\n"
        "print(os.environ['TMPDIR'])\n"
        "raise SystemExit(3)"
    )
    task, lines = ended(boxed, script)
    assert lines == ["10001", "Read-only file system", "/scratch"]
    assert task["containers"][0]["exitCode"] == 3
    assert task["stopCode"] == "EssentialContainerExited"


def test_it_has_its_roles_credentials_and_its_metadata(boxed: Platform) -> None:
    script = (
        "import json, os, urllib.request\n"
        "for name, more in (('AWS_CONTAINER_CREDENTIALS_FULL_URI', ''),\n"
        "                   ('ECS_CONTAINER_METADATA_URI_V4', '/task')):\n"
        "    print(urllib.request.urlopen(os.environ[name] + more).read().decode())"
    )
    task, lines = ended(boxed, script)
    assert json.loads(lines[0])["RoleArn"] == boxed.workload["TaskRoleArn"]
    assert json.loads(lines[1])["TaskARN"] == task["taskArn"]


def test_a_secret_stands_in_its_environment(boxed: Platform) -> None:
    aws, platform = boxed.rehearsal.aws, boxed.platform
    aws("ssm").put_parameter(Name="/boxed/token", Value="from ssm", Type="SecureString")
    role = platform["ExecutionRoleArn"].rsplit("/", 1)[-1]
    right = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    aws("iam").put_role_policy(
        RoleName=role, PolicyName="secret", PolicyDocument=json.dumps({"Statement": [right]})
    )
    known = aws("ecs").describe_task_definition(taskDefinition=boxed.workload["TaskDefinitionArn"])
    definition = known["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    container["secrets"] = [{"name": "TOKEN", "valueFrom": "/boxed/token"}]
    kept = ("family", "cpu", "memory", "networkMode", "requiresCompatibilities", "volumes")
    roles = ("executionRoleArn", "taskRoleArn", "containerDefinitions")
    made = aws("ecs").register_task_definition(**{key: definition[key] for key in (*kept, *roles)})
    arn = made["taskDefinition"]["taskDefinitionArn"]
    secretive = evolve(boxed, workload={"TaskDefinitionArn": arn})
    _, lines = ended(secretive, "import os; print(os.environ['TOKEN'])")
    aws("iam").delete_role_policy(RoleName=role, PolicyName="secret")
    assert lines == ["from ssm"]


def test_too_much_memory_is_the_end_of_it(boxed: Platform) -> None:
    task, _ = ended(boxed, "keep = [bytearray(b'x' * 1_000_000) for _ in range(700)]")
    row = task["containers"][0]
    assert row["exitCode"] == 137
    assert row["reason"] == "OutOfMemoryError: Container killed due to memory usage"


def test_a_stopped_container_is_asked_first(boxed: Platform) -> None:
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('asked'), sys.exit(143)))\n"
        "time.sleep(600)"
    )
    arn = boxed.run(script)
    boxed.rehearsal.await_status(arn, "RUNNING")
    boxed.rehearsal.aws("ecs").stop_task(cluster=APP, task=arn, reason="enough")
    task = boxed.rehearsal.await_status(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] in (143, 137)


def test_a_scheduled_container_lives_at_its_time(boxed: Platform) -> None:
    script = (
        "import datetime, time\n"
        "print(time.time(), time.time_ns() / 1e9, time.mktime(time.localtime()))\n"
        "print(datetime.datetime.today().timestamp(), time.mktime(time.strptime(time.ctime())))"
    )
    name = boxed.schedule("boxed-daily", "cron(0 1 * * ? *)", script)
    (event,) = boxed.rehearsal.engine.fire(name)
    arn = event["tasks"][0]
    task = boxed.rehearsal.await_status(arn, "STOPPED")
    answer = boxed.rehearsal.aws("logs").get_log_events(
        logGroupName=f"/{APP}/boxed", logStreamName=f"run/workload/{arn.rsplit('/', 1)[-1]}"
    )
    seen = [float(word) for event in answer["events"] for word in event["message"].split()]
    begun, ended = int(task["createdAt"].timestamp()), task["stoppedAt"].timestamp()
    assert len(seen) == 5
    assert all(begun <= moment <= ended for moment in seen)


def test_nothing_of_a_container_stays(boxed: Platform) -> None:
    task, _ = ended(boxed, "")
    name = f"toolkit-{task['taskArn'].rsplit('/', 1)[-1]}"
    assert container.docker("ps", "--all", "--quiet", f"--filter=name={name}") == ""
    assert container.docker("volume", "ls", "--quiet", f"--filter=name={name}") == ""


HOLDER = """
import sys, time
from pathlib import Path
from toolkit.local.agent.container import Container
from toolkit.local.agent.images import PulledImage

image = PulledImage("", (), (), Path(), {}, sys.argv[1])
Container(image, {}, ["sleep", "600"], {}, name=sys.argv[2], offset=0, cpu=256, memory_bytes=2**28)
print("started", flush=True)
time.sleep(600)
"""


def test_a_container_goes_with_the_process_that_holds_it(tmp_path: Path) -> None:
    name = f"toolkit-{tmp_path.name}-{os.getpid()}"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, BASE, name],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"started\n"
        assert container.docker("ps", "--quiet", f"--filter=name={name}")
        holder.kill()
    eventually(lambda: not container.docker("ps", "--all", "--quiet", f"--filter=name={name}"))
