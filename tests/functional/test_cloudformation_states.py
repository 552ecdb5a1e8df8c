"""States in which CloudFormation may be found, played by a hand-written fake of its client."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import define, field
from botocore.exceptions import ClientError

from toolkit.adapters.cloudformation import CloudFormation
from toolkit.core.errors import StackError
from toolkit.core.stack import ChangeSet, StackEvent, StackPlan

TIME = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = StackPlan("app-workload-x", "{}", {}, {"app": "app"})
DONE = "UPDATE_COMPLETE"
DENIED = "User is not authorized to perform iam:PutRolePolicy"
OURS = [{"Key": "app", "Value": "app"}]


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Any")


def gone() -> ClientError:
    return refused("ValidationError", "Stack with id app-workload-x does not exist")


@define(slots=False)
class Client:
    """One stack: DescribeStacks tells ``statuses`` one by one and then repeats the last."""

    statuses: list[str | None]
    tags: list[dict[str, str]] = field(factory=lambda: OURS)
    refusal: ClientError | None = None
    reason: str = ""
    others: list[dict[str, str]] = field(factory=list)
    events: list[dict[str, Any]] = field(factory=list)
    calls: list[str] = field(factory=list)
    kinds: list[str] = field(factory=list)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise gone()
        row = {"StackName": StackName, "StackStatus": status, "Tags": self.tags}
        return {"Stacks": [{**row, "CreationTime": TIME}]}

    def create_change_set(self, ChangeSetType: str, **_: Any) -> dict[str, str]:  # noqa: N803
        self.calls.append("create_change_set")
        self.kinds.append(ChangeSetType)
        return {"Id": "arn"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        if self.reason:
            return {"Status": "FAILED", "StatusReason": self.reason}
        return {"Status": "CREATE_COMPLETE", "Changes": []}

    def list_change_sets(self, **_: Any) -> dict[str, Any]:
        return {"Summaries": self.others}

    def execute_change_set(self, **_: Any) -> None:
        self.calls.append("execute_change_set")
        if self.refusal is not None:
            raise self.refusal

    def delete_change_set(self, **_: Any) -> None:
        self.calls.append("delete_change_set")

    def delete_stack(self, **_: Any) -> None:
        self.calls.append("delete_stack")

    def get_paginator(self, _name: str) -> "Client":
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {"StackEvents": self.events}


class Aws:
    """The door to the fake."""

    class endpoint:  # noqa: N801 - as the adapter reads it
        url = "http://fake"

    def __init__(self, client: Client) -> None:
        self._client = client

    def client(self, _service: str) -> Client:
        return self._client


def formation(client: Client) -> CloudFormation:
    return CloudFormation(Aws(client), sleep=lambda _: None)  # type: ignore[arg-type]


def prepare(client: Client) -> tuple[ChangeSet, list[str]]:
    said: list[str] = []
    return formation(client).prepare(PLAN, say=said.append), said


def event(number: int, name: str, status: str, reason: str = "") -> dict[str, Any]:
    return {
        "EventId": str(number),
        "Timestamp": TIME.replace(second=number),
        "LogicalResourceId": name,
        "ResourceType": "AWS::IAM::Role",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def test_a_stack_whose_first_deployment_failed_is_made_anew() -> None:
    client = Client(["ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS", None])
    _, said = prepare(client)
    assert client.calls == ["delete_stack", "create_change_set"]
    assert client.kinds == ["CREATE"]
    assert "deleting what its first deployment left behind" in said[0]


def test_an_empty_stack_that_somebody_looks_at_is_not_deleted() -> None:
    client = Client(["REVIEW_IN_PROGRESS"])
    prepare(client)
    assert client.calls == ["create_change_set"]
    assert client.kinds == ["CREATE"]


def test_a_busy_stack_is_waited_for() -> None:
    client = Client(
        ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    )
    _, said = prepare(client)
    assert client.kinds == ["UPDATE"]
    assert said == [
        "app-workload-x is UPDATE_IN_PROGRESS: waiting for it",
        "app-workload-x is UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: waiting for it",
    ]


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"])
def test_a_stack_without_the_apps_tag_is_left_alone(status: str) -> None:
    client = Client([status], tags=[])
    with pytest.raises(StackError, match="is not this app's"):
        prepare(client)
    assert client.calls == []


def test_a_stack_that_is_stuck_says_how_to_go_on() -> None:
    with pytest.raises(StackError) as caught:
        prepare(Client(["UPDATE_ROLLBACK_FAILED"]))
    assert "continue-update-rollback --stack-name app-workload-x" in str(caught.value.hint)


def test_a_change_set_without_changes_is_an_outcome() -> None:
    client = Client(["UPDATE_COMPLETE"], reason="The submitted information didn't contain changes.")
    found, _ = prepare(client)
    assert found.unchanged
    assert client.calls == ["create_change_set", "delete_change_set"]


def test_a_change_set_that_is_refused_tells_why() -> None:
    client = Client(["UPDATE_COMPLETE"], reason="Parameter values specified for a template …")
    with pytest.raises(StackError, match="refused the change set of app-workload-x: Parameter"):
        prepare(client)


@pytest.mark.parametrize("code", ["ChangeSetNotFound", "InvalidChangeSetStatus"])
def test_a_change_set_that_another_deployment_made_void_says_so(code: str) -> None:
    client = Client(["UPDATE_COMPLETE"], refusal=refused(code, "…"))
    change_set = ChangeSet(PLAN.name, "arn", "UPDATE", ())
    with pytest.raises(StackError, match="somebody else deployed it") as caught:
        formation(client).execute(change_set, lambda *_: None)
    assert "deploy again" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("status", "others", "deleted"),
    [
        ("REVIEW_IN_PROGRESS", [], True),
        ("REVIEW_IN_PROGRESS", [{"ChangeSetId": "another"}], False),
        ("CREATE_COMPLETE", [], False),
    ],
)
def test_only_an_empty_stack_that_nobody_else_uses_goes_with_its_change_set(
    status: str, others: list[dict[str, str]], deleted: bool
) -> None:
    client = Client([status], others=others)
    formation(client).discard(ChangeSet(PLAN.name, "arn", "CREATE", ()))
    assert ("delete_stack" in client.calls) is deleted


def test_a_failed_stack_names_the_first_cause_and_not_the_cascade() -> None:
    client = Client(["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"])
    execute = client.execute_change_set

    def fail(**_: Any) -> None:
        execute()
        client.events = [
            event(9, "app-workload-x", "UPDATE_ROLLBACK_COMPLETE"),
            event(4, "Rule", "UPDATE_FAILED", "Resource update cancelled"),
            event(3, "Role", "UPDATE_FAILED", DENIED),
            event(2, "Queue", "UPDATE_FAILED", "Resource update cancelled"),
        ]

    client.execute_change_set = fail  # type: ignore[method-assign]
    seen: list[StackEvent] = []
    with pytest.raises(StackError, match=r"Role \(AWS::IAM::Role\): User is not auth") as caught:
        formation(client).execute(
            ChangeSet(PLAN.name, "arn", "UPDATE", ()), lambda _stack, event: seen.append(event)
        )
    assert "docs/security.md" in str(caught.value.hint)
    assert [event.logical_id for event in seen] == ["Queue", "Role", "Rule", "app-workload-x"]
