"""The agent alone, with a small fake in place of the emulator: the protocol is all it needs."""

import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from toolkit.adapters.images.registry import push_process_image
from toolkit.local.agent.agent import Agent
from toolkit.local.agent.aws import Emulator
from toolkit.local.agent.clock import Clock
from toolkit.local.control import Control

from .fake_emulator import ACCOUNT, KEYS, LOGIN, TOKEN, FakeEmulator, fake_emulator
from .rehearsal import REPOSITORY, eventually, tree

PROGRAM = """
import datetime, json, os, signal, sys, time, urllib.request
print(datetime.datetime.now(datetime.UTC).isoformat(), flush=True)
url = os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'
print(os.environ['AWS_ENDPOINT_URL'], flush=True)
if 'linger' in sys.argv:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
    print('lingers', flush=True)
    time.sleep(60)
sys.exit(3)
"""
DEFINITION = {
    "taskDefinitionArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/f:1",
    "family": "f",
    "containerDefinitions": [
        {
            "name": "main",
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/f",
                    "awslogs-region": "us-east-1",
                    "awslogs-stream-prefix": "run",
                },
            },
        }
    ],
}
LIFE = ["PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]


@frozen
class Driven:
    """The agent and its fake."""

    agent: Agent
    fake: FakeEmulator

    def define(self, folder: Path, *command: str) -> None:
        digest = push_process_image(self.fake.url, "app", tree(folder, PROGRAM), LOGIN)
        [container] = DEFINITION["containerDefinitions"]
        changed = {**container, "image": f"app@{digest}", "command": list(command)}
        self.fake.definition = {**DEFINITION, "containerDefinitions": [changed]}

    def advance(self, clock: Clock, hours: float) -> list[dict[str, Any]]:
        target = clock.now() + timedelta(hours=hours)
        return list(self.agent.keeper.advance(target, None, 2))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def driven(tmp_path: Path, clock: Clock) -> Iterator[Driven]:
    control = Control("")
    threading.Thread(target=control.serve_forever, args=(0.01,), daemon=True).start()
    with fake_emulator() as fake:
        agent = Agent(
            Emulator(fake.url, TOKEN, KEYS),
            tmp_path / "home",
            clock,
            moved=lambda: None,
            control_url=control.url,
            branch_of_feed=lambda: None,
        )
        control.task_endpoint = agent.endpoint.answer
        agent.start(lambda: False)
        yield Driven(agent, fake)
        agent.stop(5)
    control.shutdown()
    control.server_close()


def test_a_firing_becomes_a_task_that_lives_at_its_scheduled_time(
    driven: Driven, clock: Clock, tmp_path: Path
) -> None:
    driven.define(tmp_path / "image")
    driven.fake.add_schedule("hourly", "cron(0 * * * ? *)")
    events = driven.advance(clock, 2)
    fired = [event for event in events if event["event"] == "fired"]
    stopped = [event for event in events if event["event"] == "stopped"]
    assert len(fired) == len(stopped) == 2
    assert events[-1]["event"] == "advanced"
    assert driven.fake.offset == clock.offset > 3600
    for event in fired:
        [arn] = event["tasks"]
        task, scheduled = driven.fake.tasks[arn], datetime.fromisoformat(event["scheduled_time"])
        assert driven.fake.reports[arn] == LIFE
        assert task["containers"][0]["exitCode"] == 3
        lines = driven.fake.lines[f"run/main/{arn.rsplit('/', 1)[-1]}"]
        first, endpoint = [line["message"] for line in lines]
        assert timedelta(0) <= datetime.fromisoformat(first) - scheduled < timedelta(minutes=1)
        assert endpoint == driven.fake.url


def test_a_firing_that_is_refused_becomes_a_dead_letter(
    driven: Driven, clock: Clock, tmp_path: Path
) -> None:
    driven.define(tmp_path / "image")
    driven.fake.refuse_run_task = True
    driven.fake.add_schedule("hourly", "cron(0 * * * ? *)")
    assert "dead-lettered" in [event["event"] for event in driven.advance(clock, 1)]
    [letter] = driven.fake.letters
    attributes = letter["MessageAttributes"]
    assert attributes["ERROR_CODE"]["StringValue"] == "AccessDeniedException"
    assert attributes["SCHEDULE_ARN"]["StringValue"].endswith("schedule/g/hourly")


def test_a_task_that_is_to_stop_gets_sigterm(driven: Driven, tmp_path: Path) -> None:
    driven.define(tmp_path / "image", "linger")
    driven.fake.add_schedule("hourly", "cron(0 * * * ? *)")
    eventually(lambda: driven.agent.refresh() or list(driven.agent.scheduler.describe()))
    [event, *_] = list(driven.agent.keeper.fire("hourly", None, twice=False))
    [arn] = event["tasks"]
    stream = f"run/main/{arn.rsplit('/', 1)[-1]}"
    eventually(lambda: len(driven.fake.lines[stream]) == 3)
    driven.fake.stop_task(arn)
    eventually(lambda: driven.fake.tasks[arn]["lastStatus"] == "STOPPED")
    assert driven.fake.tasks[arn]["containers"][0]["exitCode"] == 9
    assert driven.fake.reports[arn] == LIFE


def test_the_protocols_page_names_every_route() -> None:
    page = (REPOSITORY / "toolkit" / "local" / "PROTOCOL.md").read_text()
    gateway = (
        REPOSITORY / "toolkit" / "local" / "ministack" / "entrance" / "gateway.py"
    ).read_text()
    table = gateway.partition("\n_ROUTES")[2].partition("\n}")[0]
    routes = set(re.findall(r'^    "([a-z-]+)": ', table, re.MULTILINE))
    assert routes >= {"clock", "assume-role", "strike"}
    named = set(re.findall(r"^\| `(?:GET|POST) ([a-z-]+)", page, re.MULTILINE))
    assert named == routes | {"changes"}
