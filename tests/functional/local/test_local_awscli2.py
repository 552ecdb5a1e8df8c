"""Version 2 of the AWS CLI, as Debian packages it, against the embedded AWS.

Version 2 is not on the package registry, and version 1 has no `aws logs tail`. Debian's is older
than AWS_ENDPOINT_URL, so it is told the endpoint by its option.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from .rehearsal import APP, TEMPLATES, Platform

pytestmark = pytest.mark.slow
GROUP = f"/{APP}/demo"
NUMBERED = """
import json
for seq in range(1, 6):
    event = "run.finished" if seq == 5 else "step"
    print(json.dumps({"seq": seq, "event": event, "run": "NAME"}))
"""


def find_program() -> str | None:
    """The system's own `aws`, if it is version 2; what a shell's PATH puts before it may be any."""
    program = shutil.which("aws", path="/usr/bin:/usr/local/bin")
    if program is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return program if version.stdout.startswith("aws-cli/2.") else None


@frozen
class Cli:
    """The program, its arguments before all others, its environment and its directory."""

    command: list[str]
    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def read(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--output", "json"))

    @contextmanager
    def running(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """The program, while it goes on and on; it ends with the block, or after a minute."""
        process = subprocess.Popen(
            [*self.command, *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        try:
            yield process
        finally:
            deadline.cancel()
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def program() -> str:
    found = find_program()
    if found is None:
        reason = "the AWS CLI, version 2, is not installed (apt-get install awscli)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI must run it: {reason}", pytrace=False)
        pytest.skip(reason)
    return found


@pytest.fixture
def aws(program: str, platform: Platform, tmp_path: Path) -> Cli:
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        **platform.rehearsal.info.variables(),
        "AWS_PAGER": "",
        "PYTHONUNBUFFERED": "1",  # or a pipe hears of a followed log much later
    }
    endpoint = ["--endpoint-url", platform.rehearsal.info.endpoint_url]
    return Cli([program, *endpoint], environment, tmp_path)


def ended(platform: Platform, script: str) -> str:
    arn = platform.run(script)
    platform.rehearsal.await_status(arn, "STOPPED")
    return arn


def test_logs_tail_shows_what_a_run_wrote(aws: Cli, platform: Platform) -> None:
    ended(platform, "print('tail: one')\nprint('tail: two')")
    lines = aws("logs", "tail", GROUP, "--since", "1h", "--format", "short").splitlines()
    mine = [line for line in lines if "tail:" in line]
    assert [line.partition(" ")[2] for line in mine] == ["tail: one", "tail: two"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ", line) for line in mine)


def test_logs_tail_names_the_streams(aws: Cli, platform: Platform) -> None:
    arn = ended(platform, "print('stream-named')")
    (line,) = [row for row in aws("logs", "tail", GROUP).splitlines() if "stream-named" in row]
    assert f" run/workload/{arn.rsplit('/', 1)[-1]} " in line


def test_logs_tail_filters(aws: Cli, platform: Platform) -> None:
    ended(platform, NUMBERED.replace("NAME", "filtered"))
    pattern = '{ $.run = "filtered" && ($.event = "run.finished" || $.seq < 3) }'
    tail = ("logs", "tail", GROUP, "--format", "short", "--filter-pattern")
    lines = aws(*tail, pattern).splitlines()
    assert [json.loads(line.partition(" ")[2])["seq"] for line in lines] == [1, 2, 5]
    assert len(aws(*tail, '"filtered" -"step"').splitlines()) == 1
    assert "Invalid character(s) in term 'run.finished'" in aws(*tail, "run.finished", code=254)


def test_logs_tail_follows_a_running_task(aws: Cli, platform: Platform, tmp_path: Path) -> None:
    flag = tmp_path / "end"
    script = (
        "import pathlib, time\n"
        "print('followed: begins', flush=True)\n"
        f"while not pathlib.Path({str(flag)!r}).exists(): time.sleep(0.05)\n"
        "print('followed: ends')"
    )
    arn = platform.run(script)
    tail = ("logs", "tail", GROUP, "--follow", "--format", "short", "--filter-pattern", "followed")
    with aws.running(*tail) as process:
        assert process.stdout is not None
        assert "followed: begins" in process.stdout.readline()
        assert platform.rehearsal.task(arn)["lastStatus"] != "STOPPED"
        flag.touch()
        assert "followed: ends" in process.stdout.readline()


def test_ecs_describes_a_task_that_ended(aws: Cli, platform: Platform) -> None:
    arn = ended(platform, "raise SystemExit(3)")
    answer = aws.read("ecs", "describe-tasks", "--cluster", APP, "--tasks", arn)
    assert answer["tasks"][0]["stopCode"] == "EssentialContainerExited"
    assert answer["tasks"][0]["containers"][0]["exitCode"] == 3


def test_scheduler_lists_what_was_deployed(aws: Cli, platform: Platform) -> None:
    name = platform.schedule("demo-listed-again", "cron(0 1 1 1 ? 2199)")
    rows = aws.read("scheduler", "list-schedules", "--group-name", APP)["Schedules"]
    assert name in [row["Name"] for row in rows]


def test_s3_lists_what_was_copied(aws: Cli, platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    folder = f"s3://{platform.platform['BucketName']}/releases/v2/"
    aws("s3", "cp", "a.txt", folder)
    assert aws("s3", "ls", folder).split()[2:] == ["5", "a.txt"]


def test_cloudformation_deploys_a_template_of_ours(aws: Cli, platform: Platform) -> None:
    outputs = platform.platform
    parameters = {
        "AppName": APP,
        "WorkloadName": "by-cli2",
        "ImageUri": platform.image,
        "Cpu": "256",
        "Memory": "512",
        "MaxRuntimeSeconds": "60",
        "CatalogDigest": "0" * 64,
        "BucketName": outputs["BucketName"],
        "ExecutionRoleArn": outputs["ExecutionRoleArn"],
    }
    deploy = ["cloudformation", "deploy", "--stack-name", "by-cli2", "--template-file"]
    deploy += [str(TEMPLATES / "workload.yaml"), "--capabilities", "CAPABILITY_IAM"]
    deploy += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    assert "Successfully created/updated stack - by-cli2" in aws(*deploy)
