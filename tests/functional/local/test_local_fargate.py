"""The Fargate agent: what a task sees, what it leaves behind, and how it ends."""

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from toolkit.local.agent.launcher import landlock_version

from .rehearsal import APP, Platform, eventually

LOG_GROUP = f"/{APP}/demo"
SCOPED = 6  # the version of Landlock that keeps signals and sockets within a sandbox


def lifecycle(platform: Platform, arn: str) -> list[dict[str, Any]]:
    """The state changes of one task in the lifecycle record, once STOPPED is there."""

    def find() -> list[dict[str, Any]] | None:
        group = platform.platform["LifecycleLogGroupName"]
        events = [json.loads(line) for line in platform.rehearsal.log_lines(group)]
        details = [event["detail"] for event in events if event["detail"]["taskArn"] == arn]
        details.sort(key=lambda detail: detail["version"])
        return details if details and details[-1]["lastStatus"] == "STOPPED" else None

    return eventually(find)


@pytest.mark.parametrize("code", [0, 3, 64])
def test_an_exit_code_is_the_containers_and_the_stop_code_is_the_same(
    platform: Platform, code: int
) -> None:
    task, _ = platform.finished(f"raise SystemExit({code})")
    assert task["containers"][0]["exitCode"] == code
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"


def test_the_moments_of_a_task_are_in_order(platform: Platform) -> None:
    task, _ = platform.finished("")
    order = (
        "createdAt",
        "pullStartedAt",
        "pullStoppedAt",
        "startedAt",
        "executionStoppedAt",
        "stoppingAt",
        "stoppedAt",
    )
    moments = [task[name] for name in order]
    assert moments == sorted(moments)


def test_every_state_is_passed_and_the_record_has_it(platform: Platform) -> None:
    arn = platform.run("")
    platform.rehearsal.await_status(arn, "STOPPED")
    record = lifecycle(platform, arn)
    states = [(detail["lastStatus"], detail["desiredStatus"]) for detail in record]
    assert states == [
        ("PROVISIONING", "RUNNING"),
        ("PENDING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("RUNNING", "STOPPED"),
        ("DEPROVISIONING", "STOPPED"),
        ("STOPPED", "STOPPED"),
    ]
    assert [detail["version"] for detail in record] == [1, 2, 3, 4, 5, 6]
    assert record[-1]["containers"][0]["exitCode"] == 0


def test_the_log_is_complete_and_in_order(platform: Platform) -> None:
    script = "for number in range(3000): print('line', number)"
    _, lines = platform.finished(script)
    assert lines == [f"line {number}" for number in range(3000)]


def test_standard_error_stands_in_the_log_where_it_was_written(platform: Platform) -> None:
    script = (
        "import sys\n"
        "print('one', flush=True)\n"
        "print('two', file=sys.stderr, flush=True)\n"
        "print('three', flush=True)\n"
        "print('last line without an end', end='')"
    )
    _, lines = platform.finished(script)
    assert lines == ["one", "two", "three", "last line without an end"]


def test_the_environment_holds_what_ecs_gives_and_nothing_of_this_shell(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THIS_SHELL", "1")
    _, lines = platform.finished("import json, os\nprint(json.dumps(dict(os.environ)))")
    environment = json.loads(lines[0])
    del environment["SCRIPT"]
    clock = {
        "PYTHONPATH",
        "TOOLKIT_CLOCK_OFFSET",
        "TOOLKIT_CLOCK_PACKAGES",
    }  # where the engine's clock was moved before
    assert set(environment) - clock == {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
        "AWS_EXECUTION_ENV",
        "AWS_REGION",
        "BUCKET",
        "ECS_CONTAINER_METADATA_URI_V4",
        "HOME",
        "IMAGE",
        "LANG",
        "MAX_RUNTIME_SECONDS",
        "PATH",
        "TMPDIR",
        "WORKLOAD",
    }
    assert environment["WORKLOAD"] == "demo"


def test_what_a_task_writes_to_its_volume_is_gone_with_it(platform: Platform) -> None:
    script = (
        "import os, pathlib\n"
        "path = pathlib.Path(os.environ['TMPDIR'], 'x')\n"
        "path.write_text('x')\n"
        "print(path)"
    )
    _, lines = platform.finished(script)
    tasks = platform.rehearsal.root / ".toolkit" / "local" / "tasks"
    assert lines[0].startswith(str(tasks))
    eventually(lambda: not any(tasks.iterdir()))


@pytest.mark.skipif(not landlock_version(), reason="this kernel keeps no root read-only")
def test_a_read_only_root_is_read_only_for_a_process_and_its_children(
    platform: Platform, tmp_path: Path
) -> None:
    script = (
        "import errno, os, subprocess\n"
        f"for folder in ({str(tmp_path)!r}, os.getcwd(), os.environ['TMPDIR'], '/dev/shm'):\n"
        "    path = os.path.join(folder, f'toolkit-{os.getpid()}')\n"
        "    try:\n"
        "        open(path, 'w').close()\n"
        "        os.remove(path)\n"
        "        print('written')\n"
        "    except OSError as error:\n"
        "        print(errno.errorcode[error.errno])\n"
        f"print(subprocess.call(['touch', {str(tmp_path / 'x')!r}], stderr=-3))"
    )
    _, lines = platform.finished(script)
    assert lines == ["EACCES", "EACCES", "written", "written", "1"]
    open_root = registered(platform, readonlyRootFilesystem=False)
    _, lines = platform.finished(script, taskDefinition=open_root)
    assert lines == ["EACCES", "written", "written", "written", "1"]


@pytest.mark.parametrize("read_only", [True, False])
def test_a_task_moves_files_between_its_directories(platform: Platform, read_only: bool) -> None:
    script = (
        "import os, pathlib\n"
        "for name in ('TMPDIR', 'HOME'):\n"
        "    folder = pathlib.Path(os.environ[name])\n"
        "    (folder / 'one').mkdir()\n"
        "    (folder / 'two').mkdir()\n"
        "    (folder / 'one' / 'file').write_text('x')\n"
        "    print((folder / 'one' / 'file').rename(folder / 'two' / 'file').read_text())"
    )
    definition = registered(platform, readonlyRootFilesystem=read_only)
    assert platform.finished(script, taskDefinition=definition)[1] == ["x", "x"]


# What a task tries with the machine that it runs on; prints what came of it.
REACH = """
import json, os, pathlib, socket, stat
def attempt(call, *arguments):
    try: call(*arguments)
    except OSError as error: return type(error).__name__
    return 'done'
disk = pathlib.Path(os.environ['HOME'], 'disk')
print(json.dumps({
    'a device': attempt(os.mknod, disk, stat.S_IFBLK | 0o600, os.makedev(1, 0)),
    'the network': attempt(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 3),
    'the devices': attempt(os.listdir, '/dev'),
    'the terminals': attempt(os.listdir, '/dev/pts'),
    'a setting': attempt(open, '/proc/self/oom_score_adj', 'w'),
    'its parent': attempt(os.kill, os.getppid(), 0),
    'a socket': attempt(socket.socket(socket.AF_UNIX).connect, os.environ['SOCKET']),
    'itself': attempt(os.kill, os.getpid(), 0),
    'randomness': attempt(open, '/dev/urandom', 'rb'),
}))
"""


@pytest.mark.skipif(not landlock_version(), reason="this kernel has no Landlock")
@pytest.mark.parametrize("read_only", [True, False])
def test_a_task_reaches_neither_devices_nor_processes_of_the_machine(
    platform: Platform, tmp_path: Path, read_only: bool
) -> None:
    definition = registered(platform, readonlyRootFilesystem=read_only)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{tmp_path}")
        listener.listen()
        script = REACH.replace("os.environ['SOCKET']", f"chr(0) + {str(tmp_path)!r}")
        _, lines = platform.finished(script, taskDefinition=definition)
    tried = json.loads("".join(lines))
    done = {"itself", "randomness"}
    if landlock_version() < SCOPED:
        done |= {"its parent", "a socket"}
    assert {name for name, came in tried.items() if came == "done"} == done
    assert {tried[name] for name in tried.keys() - done} == {"PermissionError"}


def test_a_task_may_write_below_its_own_prefix_and_nowhere_else(platform: Platform) -> None:
    script = (
        "import os, boto3\n"
        "s3 = boto3.client('s3')\n"
        "for key in ('runs/demo/x/a.txt', 'ledger/demo/x.json', 'runs/other/x/a.txt'):\n"
        "    try:\n"
        "        s3.put_object(\n"
        "            Bucket=os.environ['BUCKET'], Key=key, Body=b'x', IfNoneMatch='*')\n"
        "        print(key, 'written')\n"
        "    except s3.exceptions.ClientError as error:\n"
        "        print(key, error.response['Error']['Code'])\n"
    )
    _, lines = platform.finished(script)
    assert lines == [
        "runs/demo/x/a.txt written",
        "ledger/demo/x.json written",
        "runs/other/x/a.txt AccessDenied",
    ]


def test_the_metadata_names_the_task_and_the_image(platform: Platform) -> None:
    script = (
        "import os, urllib.request\n"
        "url = os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'\n"
        "print(urllib.request.urlopen(url).read().decode())"
    )
    task, lines = platform.finished(script)
    metadata = json.loads(lines[0])
    assert metadata["TaskARN"] == task["taskArn"]
    assert metadata["Family"] == "app-demo"
    assert metadata["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert platform.image.endswith(metadata["Containers"][0]["ImageID"])


def test_a_stopped_task_gets_sigterm_and_time_to_end(platform: Platform) -> None:
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('asked to stop'), sys.exit(143)))\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    arn = platform.run(script)
    eventually(lambda: "ready" in _lines(platform, arn))
    ecs = platform.rehearsal.aws("ecs")
    answer = ecs.stop_task(cluster=APP, task=arn, reason="enough")["task"]
    assert (answer["lastStatus"], answer["desiredStatus"]) == ("RUNNING", "STOPPED")
    task = platform.rehearsal.await_status(arn, "STOPPED")
    assert _lines(platform, arn)[-1] == "asked to stop"
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143


def _lines(platform: Platform, arn: str) -> list[str]:
    logs = platform.rehearsal.aws("logs")
    stream = f"run/workload/{arn.rsplit('/', 1)[-1]}"
    try:
        answer = logs.get_log_events(
            logGroupName=LOG_GROUP, logStreamName=stream, startFromHead=True
        )
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in answer["events"]]


def test_a_task_deaf_to_sigterm_is_killed_after_its_stop_timeout(platform: Platform) -> None:
    ecs = platform.rehearsal.aws("ecs")
    definition = registered(platform, stopTimeout=2)
    script = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    arn = platform.run(script, taskDefinition=definition)
    eventually(lambda: "ready" in _lines(platform, arn))
    ecs.stop_task(cluster=APP, task=arn)
    task = platform.rehearsal.await_status(arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 137
    assert task["stopCode"] == "UserInitiated"


def test_a_task_stopped_before_it_runs_has_no_exit_code(platform: Platform) -> None:
    engine = platform.rehearsal.engine
    engine.add_fault("slow", service="ecr", schedule="held", value=2.0, times=1)
    arn = platform.run("import time; time.sleep(600)", group="held")
    platform.rehearsal.aws("ecs").stop_task(cluster=APP, task=arn, reason="never mind")
    task = platform.rehearsal.await_status(arn, "STOPPED")
    engine.clear_faults()
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "never mind")
    # Where a busy machine takes longer to stop it than its image is held back, it has run.
    assert ("exitCode" in task["containers"][0]) == ("startedAt" in task)


def test_a_missing_image_never_starts(platform: Platform) -> None:
    missing = re.sub("sha256:.*", f"sha256:{'0' * 64}", platform.image)
    arn = platform.run("", taskDefinition=registered(platform, image=missing))
    task = platform.rehearsal.await_status(arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: pull image manifest")
    assert "exitCode" not in task["containers"][0]
    assert "startedAt" not in task


def test_a_missing_log_group_never_starts(platform: Platform) -> None:
    options = {
        "awslogs-group": f"/{APP}/missing",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "run",
    }
    logs = {"logDriver": "awslogs", "options": options}
    arn = platform.run("", taskDefinition=registered(platform, logConfiguration=logs))
    task = platform.rehearsal.await_status(arn, "STOPPED")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith(
        "ResourceInitializationError: failed to initialize logging driver"
    )


def test_a_task_that_kills_itself_has_the_signal_in_its_exit_code(platform: Platform) -> None:
    task, _ = platform.finished("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)")
    assert task["containers"][0]["exitCode"] == 139


def registered(platform: Platform, **container: Any) -> str:
    """The workload's task definition with one thing changed."""
    ecs = platform.rehearsal.aws("ecs")
    found = ecs.describe_task_definition(taskDefinition=platform.workload["TaskDefinitionArn"])
    definition = found["taskDefinition"]
    answer = ecs.register_task_definition(
        family="app-changed",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        executionRoleArn=definition["executionRoleArn"],
        taskRoleArn=definition["taskRoleArn"],
        volumes=definition["volumes"],
        containerDefinitions=[{**definition["containerDefinitions"][0], **container}],
    )
    return answer["taskDefinition"]["taskDefinitionArn"]
