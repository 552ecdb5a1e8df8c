"""A layer of stacks, on a hand-written fake of CloudFormation's client."""

from datetime import UTC, datetime
from typing import Any

import pytest

from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying.layers import DeployOptions, Layers, StackOutcome
from toolkit.core.deploying.config import Config
from toolkit.core.errors import StackError
from toolkit.core.names import AppNames
from toolkit.core.stack import ChangeSet, StackEvent, StackPlan
from toolkit.runtime.catalog import load

NOW = datetime(2026, 11, 24, tzinfo=UTC)


class Client:
    """Stacks that are made when their change set is executed; ``broken`` ones fail."""

    def __init__(self, broken: tuple[str, ...] = (), slow: tuple[str, ...] = ()) -> None:
        self.status: dict[str, str] = {}
        self.broken, self.slow = broken, slow
        self.deleted: list[str] = []

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if StackName not in self.status:
            from botocore.exceptions import ClientError

            detail = {"Code": "ValidationError", "Message": "it does not exist"}
            raise ClientError({"Error": detail}, "DescribeStacks")
        return {"Stacks": [self._row(StackName)]}

    def _row(self, name: str) -> dict[str, Any]:
        tags = [{"Key": "app", "Value": "app"}]
        row = {"StackName": name, "StackStatus": self.status[name], "Tags": tags}
        return {**row, "CreationTime": NOW, "Outputs": [{"OutputKey": "K", "OutputValue": name}]}

    def create_change_set(self, StackName: str, **given: Any) -> dict[str, str]:  # noqa: N803
        rows = given["Parameters"]
        self.parameters = {row["ParameterKey"]: row["ParameterValue"] for row in rows}
        self.status[StackName] = "REVIEW_IN_PROGRESS"
        return {"Id": StackName}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        return {"Status": "CREATE_COMPLETE", "Changes": []}

    def execute_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        outcome = "ROLLBACK_COMPLETE" if ChangeSetName in self.broken else "CREATE_COMPLETE"
        self.status[ChangeSetName] = "CREATE_IN_PROGRESS" if ChangeSetName in self.slow else outcome

    def delete_change_set(self, **_: Any) -> None:
        pass

    def list_change_sets(self, **_: Any) -> dict[str, Any]:
        return {"Summaries": []}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.deleted.append(StackName)
        del self.status[StackName]

    def get_paginator(self, name: str) -> Any:
        client = self

        class Pages:
            def paginate(self, **_: Any) -> list[dict[str, Any]]:
                rows = [client._row(stack) for stack in client.status]
                return [{"Stacks": rows} if name == "describe_stacks" else {"StackEvents": []}]

        return Pages()


class Sts:
    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ann"}


class Aws:
    """The door to the fake."""

    class endpoint:  # noqa: N801 - as the adapters read it
        url = "http://fake"

    def __init__(self, client: Client) -> None:
        self._client = client

    region = "eu-central-1"

    def client(self, service: str) -> Any:
        return {"cloudformation": self._client, "sts": Sts()}[service]


class Console:
    """Answers one question, and keeps what it was told."""

    def __init__(self, *, answer: bool = True, interrupt: bool = False) -> None:
        self.answer, self.interrupt = answer, interrupt
        self.said: list[str] = []
        self.asked: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def changes(self, change_sets: list[ChangeSet]) -> None:
        self.said.append(", ".join(sorted(change_set.stack for change_set in change_sets)))

    def event(self, stack: str, event: StackEvent) -> None:
        raise AssertionError("the fake has no events")

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        if self.interrupt:
            raise KeyboardInterrupt
        return self.answer


def layers(client: Client, console: Console, tmp_path: Any, **options: Any) -> Layers:
    aws: Any = Aws(client)
    config = Config(environment="default", app=AppNames("app"))
    project = Project(tmp_path, load())
    app = App(project, config, aws, console, lambda: NOW, local=False)
    return Layers(app, DeployOptions(**options))


def plans(*names: str) -> list[StackPlan]:
    return [StackPlan(name, "{}", {}, {"app": "app", "toolkit:digest": "1"}) for name in names]


def test_a_layer_is_confirmed_once_and_executed(tmp_path: Any) -> None:
    console = Console()
    rows = layers(Client(), console, tmp_path).deploy(plans("a", "b"))
    assert console.asked == ["Execute these 2 change sets in account 123456789012, eu-central-1?"]
    assert [(row.result, row.outputs) for row in rows] == [
        (StackOutcome.CREATED, {"K": "a"}),
        (StackOutcome.CREATED, {"K": "b"}),
    ]


@pytest.mark.parametrize(("answer", "calls"), [(True, 1), (False, 0)])
def test_what_must_come_first_is_done_once_it_is_agreed(
    tmp_path: Any, answer: bool, calls: int
) -> None:
    done: list[bool] = []
    made = layers(Client(), Console(answer=answer), tmp_path)
    made.deploy(plans("a"), agreed=lambda: done.append(True))
    assert len(done) == calls


def schedule_plan(**changes: str) -> StackPlan:
    parameters = {
        "ScheduleName": "weather",
        "ScheduleExpression": "cron(0 6 * * ? *)",
        "ScheduleExpressionTimezone": "UTC",
        "State": "ENABLED",
        "StartDate": "",
        "EndDate": "",
        "Input": "{}",
        **changes,
    }
    tags = {"app": "app", "toolkit:digest": "1", "toolkit:noun": "schedule"}
    return StackPlan("a", "{}", parameters, tags)


@pytest.mark.parametrize(
    ("changes", "sent", "said"),
    [
        ({"StartDate": "2026-11-01T00:00:00Z"}, "", "has passed: it is left out"),
        ({"StartDate": "2026-12-01T00:00:00Z"}, "2026-12-01T00:00:00Z", ""),
        (
            {"StartDate": "2026-11-23T21:00:00Z", "ScheduleExpression": "rate(2 hours)"},
            "2026-11-24T01:00:00Z",
            "2026-11-24T01:00:00Z keeps its beat",
        ),
    ],
)
def test_no_start_that_has_passed_is_sent_to_aws(
    tmp_path: Any, changes: dict[str, str], sent: str, said: str
) -> None:
    client, console = Client(), Console()
    layers(client, console, tmp_path, dry_run=True).deploy([schedule_plan(**changes)])
    assert client.parameters["StartDate"] == sent
    assert said in "\n".join(console.said)


def test_a_one_time_schedule_that_has_fired_is_left_as_it_is(tmp_path: Any) -> None:
    client, console = Client(), Console()
    plan = schedule_plan(ScheduleExpression="at(2026-11-01T00:00:00)")
    (row,) = layers(client, console, tmp_path).deploy([plan])
    assert row.result is StackOutcome.EXPIRED
    assert console.asked == []
    assert client.status == {}


@pytest.mark.parametrize("options", [{}, {"dry_run": True, "yes": True}])
def test_what_is_not_agreed_leaves_nothing_behind(tmp_path: Any, options: dict[str, Any]) -> None:
    client = Client()
    made = layers(client, Console(answer=False), tmp_path, **options)
    expected = StackOutcome.PLANNED if options else StackOutcome.DECLINED
    assert [row.result for row in made.deploy(plans("a", "b"))] == [expected, expected]
    assert sorted(client.deleted) == ["a", "b"]


def test_the_others_of_a_layer_are_finished_when_one_fails(tmp_path: Any) -> None:
    client, console = Client(broken=("b", "c")), Console()
    with pytest.raises(StackError, match="stack b ended as ROLLBACK_COMPLETE"):
        layers(client, console, tmp_path, yes=True).deploy(plans("a", "b", "c", "d"))
    assert client.status["a"] == client.status["d"] == "CREATE_COMPLETE"
    assert console.asked == []
    assert console.said[-1].startswith("also failed: stack c ended")


def test_an_interrupted_deployment_stops_watching_and_says_what_goes_on(tmp_path: Any) -> None:
    client, console = Client(slow=("a",)), Console(interrupt=True)
    made = layers(client, console, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        made.deploy(plans("a"))
    assert "CloudFormation goes on with what it has begun" in console.said[-1]
    with pytest.raises(StackError, match="interrupted"):
        made._formation.execute(ChangeSet("a", "a", "CREATE", ()), console.event)
