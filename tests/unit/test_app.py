"""One App: what it holds is made once, and AWS is asked once, whoever asks first."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from tests.cloudformation import load as template_of
from tests.fake_aws import FakeAws, platform_stack
from toolkit.adapters.aws.session import Aws, Endpoint
from toolkit.adapters.project.project import Project
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.deploying.config import Config
from toolkit.core.errors import ConfigError, StackError
from toolkit.core.names import AppNames
from toolkit.core.platform import Platform, StackOutputs, WorkloadOutputs
from toolkit.runtime.catalog import load

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OUTPUTS = {"BucketName": "bucket", "ClusterName": "cluster"}
THREADS = 16


class Console:
    def say(self, text: str) -> None:
        raise AssertionError(text)

    changes = event = confirm = say


def an_app(aws: FakeAws, environment: str = "local") -> App:
    project, config = Project(Path(), load()), Config(environment, AppNames("app"))
    door: Any = aws
    console: Any = Console()
    return App(project, config, door, console, lambda: NOW, local=True)


def at_once(question: Callable[[], object]) -> list[object]:
    """The answers that many threads get which all ask at the same moment."""
    ready = threading.Barrier(THREADS)

    def ask(_: int) -> object:
        ready.wait()
        return question()

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(ask, range(THREADS)))


@pytest.mark.parametrize("service", ["s3", "logs"])
def test_threads_that_ask_at_once_get_one_client(service: str) -> None:
    aws = Aws(Endpoint("us-east-1", "http://127.0.0.1:1", "test", "test"))
    assert len({id(client) for client in at_once(lambda: aws.client(service))}) == 1


def test_threads_that_ask_at_once_ask_aws_once() -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")])
    app = an_app(aws)
    assert len({id(stacks) for stacks in at_once(lambda: app.stacks)}) == 1
    assert len({id(ecs) for ecs in at_once(lambda: app.ecs)}) == 1
    assert aws.calls == {"DescribeStacks": 1}


def test_the_platform_alone_costs_one_call_and_none_when_the_stacks_are_known() -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")])
    assert an_app(aws).platform.bucket_name == "bucket"
    app = an_app(aws)
    assert app.stacks.platform is not None
    assert app.platform.cluster_name == "cluster"
    assert aws.calls == {"DescribeStacks": 2}


def test_what_was_deployed_is_known_without_asking_and_what_is_forgotten_is_asked_for() -> None:
    aws = FakeAws(stacks=[platform_stack(OUTPUTS, "app")])
    app = an_app(aws)
    stack = app.stacks.all["app-platform"]
    app.note_stack(evolve(stack, outputs={**OUTPUTS, "BucketName": "another"}))
    assert app.platform.bucket_name == "another"
    assert aws.calls == {"DescribeStacks": 1}
    app.forget_stacks()
    assert app.platform.bucket_name == "bucket"
    assert aws.calls == {"DescribeStacks": 2}


@pytest.mark.parametrize("outputs", [None, {}])
def test_a_platform_that_is_not_deployed_says_how_to(outputs: dict[str, str] | None) -> None:
    stacks = [] if outputs is None else [platform_stack(outputs, "app")]
    with pytest.raises(ConfigError, match="app-platform is not deployed") as error:
        an_app(FakeAws(stacks=stacks), "berlin").platform  # noqa: B018 - it asks
    assert error.value.hint == "deploy it first: toolkit deploy --local --config-env berlin"


def test_an_output_that_an_older_stack_lacks_names_the_stack() -> None:
    with pytest.raises(StackError, match="app-platform has no output ClusterArn"):
        Platform("app-platform", OUTPUTS).cluster_arn  # noqa: B018 - it reads


@pytest.mark.parametrize(
    ("outputs", "template"), [(Platform, "platform"), (WorkloadOutputs, "workload")]
)
def test_every_output_that_is_read_stands_in_the_template(
    outputs: type[StackOutputs], template: str
) -> None:
    put_out = set(template_of(template)["Outputs"])
    assert outputs.keys()
    assert set(outputs.keys()) <= put_out


def test_calls_side_by_side_answer_in_order_and_raise_the_first_error() -> None:
    assert side_by_side(str, range(20), 3) == [str(number) for number in range(20)]
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda number: 1 // number, [1, 0, 2])
