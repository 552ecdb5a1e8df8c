"""A fake of CloudFormation's client: one stack in whatever state a test gives it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from botocore.exceptions import ClientError

from toolkit.adapters.aws.cloudformation import CloudFormation
from toolkit.core.stack import ChangeSet, StackPlan

TIME = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = StackPlan("app-workload-x", "{}", {}, {"app": "app"})
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
    changes: list[dict[str, Any]] = field(factory=list)
    refused_mode: ClientError | None = None
    refused_once: ClientError | None = None
    asked: dict[str, Any] = field(factory=dict)
    validation: list[dict[str, Any]] | ClientError = field(factory=list)
    calls: list[str] = field(factory=list)
    kinds: list[str] = field(factory=list)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if status is None:
            raise gone()
        row = {"StackName": StackName, "StackStatus": status, "Tags": self.tags}
        return {"Stacks": [{**row, "CreationTime": TIME}]}

    def create_change_set(self, ChangeSetType: str, **given: Any) -> dict[str, str]:  # noqa: N803
        self.calls.append("create_change_set")
        self.asked = given
        if self.refused_mode is not None and "DeploymentMode" in given:
            raise self.refused_mode
        if self.refused_once is not None:
            refusal, self.refused_once = self.refused_once, None
            raise refusal
        self.kinds.append(ChangeSetType)
        return {"Id": "arn"}

    def describe_change_set(self, **_: Any) -> dict[str, Any]:
        if self.reason:
            return {"Status": "FAILED", "StatusReason": self.reason}
        return {"Status": "CREATE_COMPLETE", "Changes": self.changes}

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

    def continue_update_rollback(self, **_: Any) -> None:
        self.calls.append("continue_update_rollback")

    def get_paginator(self, name: str) -> "Pages":
        return Pages(self, name)


@define
class Pages:
    """Events, one a page."""

    client: Client
    name: str

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        if self.name == "describe_stack_events":
            yield {"StackEvents": self.client.events}
            return
        self.client.calls.append(self.name)
        if isinstance(self.client.validation, ClientError):
            raise self.client.validation
        for row in self.client.validation:
            yield {"OperationEvents": [row]}


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
