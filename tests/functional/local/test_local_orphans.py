"""What a container leaves running ends with it, whatever it did to leave its session and parent."""

import json
import os
import signal
from pathlib import Path

from tests.policies import trust
from tests.processes import alive, family

from .rehearsal import PROGRAM, Rehearsal, eventually, push_program, run_bare

TRUST = json.dumps(trust("ecs-tasks.amazonaws.com"))
MAY_LOG = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Action": ["logs:*", "ecr:*"], "Resource": "*"},
    }
)
# Starts a daemon the way that books tell, with a child, and says what their numbers are.
DAEMON = """
import os, sys, time
read, write = os.pipe()
if not os.fork():
    os.setsid()
    if not os.fork():
        os.chdir('/')
        child = os.fork()
        if child:
            os.write(write, f'{os.getpid()} {child}'.encode())
            os.close(write)
        for number in range(3):
            os.close(number)
        time.sleep(600)
    os._exit(0)
os.close(write)
print('daemon', os.read(read, 100).decode(), flush=True)
"""
WAIT = f"{DAEMON}time.sleep(600)\n"
# Forks as fast as it can, each process in a session of its own.
BOMB = """
import os, time
print('daemon', os.getpid(), flush=True)
for _ in range(60):
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        for _ in range(5):
            os.fork()
        time.sleep(600)
"""


def run(own: Rehearsal, tmp_path: Path, script: str, until: str) -> tuple[str, set[int]]:
    """Run a script; returns its task and the processes that it tells of."""
    repository = own.aws("ecr").create_repository(repositoryName="image")["repository"]
    own.aws("logs").create_log_group(logGroupName="/demo")
    options = {
        "awslogs-group": "/demo",
        "awslogs-region": own.info.region,
        "awslogs-stream-prefix": "s",
    }
    role = own.aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    own.aws("iam").put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=MAY_LOG)
    arn = run_bare(
        own,
        until=until,
        image=push_program(own, tmp_path / "image", repository["repositoryUri"], PROGRAM),
        environment=[{"name": "SCRIPT", "value": script}],
        role=role,
        logConfiguration={"logDriver": "awslogs", "options": options},
    )
    (line,) = eventually(lambda: own.log_lines("/demo"))
    return arn, set(map(int, line.split()[1:]))


def others(own: Rehearsal) -> set[int]:
    """All processes of the engine but itself and its emulator."""
    return family(own.info.pid) - {own.info.pid}


def test_a_daemon_ends_with_a_container_that_ends(own: Rehearsal, tmp_path: Path) -> None:
    _arn, daemons = run(own, tmp_path, DAEMON, "STOPPED")
    assert len(daemons) == 2
    assert alive(daemons) == set()


def test_a_daemon_ends_with_a_container_that_is_stopped(own: Rehearsal, tmp_path: Path) -> None:
    arn, daemons = run(own, tmp_path, WAIT, "RUNNING")
    assert alive(daemons) == daemons
    own.aws("ecs").stop_task(cluster="c", task=arn)
    own.await_status(arn, "STOPPED")
    assert alive(daemons) == set()


def test_a_daemon_ends_with_an_engine_that_is_killed(own: Rehearsal, tmp_path: Path) -> None:
    _arn, daemons = run(own, tmp_path, WAIT, "RUNNING")
    os.kill(own.info.pid, signal.SIGKILL)
    eventually(lambda: not alive(daemons))


def test_a_crowd_of_daemons_ends_with_its_container(own: Rehearsal, tmp_path: Path) -> None:
    run(own, tmp_path, BOMB, "STOPPED")
    assert len(others(own)) == 1


def test_the_end_of_a_container_leaves_the_daemons_of_others(
    own: Rehearsal, tmp_path: Path
) -> None:
    _arn, daemons = run(own, tmp_path, WAIT, "RUNNING")
    answer = own.aws("ecs").run_task(
        cluster="c",
        taskDefinition="f",
        launchType="FARGATE",
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": [own.aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]]
            }
        },
        overrides={
            "containerOverrides": [
                {"name": "main", "environment": [{"name": "SCRIPT", "value": ""}]}
            ]
        },
    )
    own.await_status(answer["tasks"][0]["taskArn"], "STOPPED")
    assert alive(daemons) == daemons
