"""States in which CloudFormation may be found, played by a hand-written fake of its client."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from attrs import define, field
from botocore import xform_name
from botocore.exceptions import ClientError

from toolkit.adapters.aws.cloudformation import CloudFormation
from toolkit.core.errors import StackError
from toolkit.core.stack import (
    ChangeSet,
    Stack,
    StackEvent,
    StackPlan,
    stack_failure,
    stack_hint,
)

REGION = "eu-central-1"
TIME = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = StackPlan("app-workload-x", "{}", {}, {"app": "app"})
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


def test_what_a_listing_showed_is_looked_at_again_once_aws_refuses_it() -> None:
    client = Client(
        ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"],
        refused_once=refused("ValidationError", "is in UPDATE_IN_PROGRESS state"),
    )
    listed = Stack(PLAN.name, "UPDATE_COMPLETE", tags={"app": "app"})
    said: list[str] = []
    formation(client).prepare(PLAN, say=said.append, seen=listed)
    assert client.kinds == ["UPDATE"]
    assert said == ["app-workload-x is UPDATE_IN_PROGRESS: waiting for it"]


def test_a_stack_of_another_app_is_in_no_listing_of_ours_and_is_left_alone() -> None:
    client = Client(
        ["CREATE_COMPLETE"],
        tags=[],
        refused_once=refused("ValidationError", "Stack [app-workload-x] already exists"),
    )
    with pytest.raises(StackError, match="is not this app's"):
        formation(client).prepare(PLAN, say=print, seen=None)
    assert client.kinds == []


def test_a_refusal_of_what_stands_as_it_was_listed_is_told_as_it_is() -> None:
    client = Client(["UPDATE_COMPLETE"], refused_once=refused("ValidationError", "bad template"))
    listed = formation(client).find(PLAN.name)
    with pytest.raises(StackError, match="bad template"):
        formation(client).prepare(PLAN, say=print, seen=listed)
    assert client.calls == ["create_change_set"]


def test_a_roll_back_that_failed_is_continued_before_the_next_deployment() -> None:
    client = Client(
        ["UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    )
    _, said = prepare(client)
    assert client.calls == ["continue_update_rollback", "create_change_set"]
    assert "continuing to roll it back" in said[0]


def test_a_roll_back_that_fails_again_names_what_holds_it() -> None:
    client = Client(["UPDATE_ROLLBACK_FAILED"])
    continue_ = client.continue_update_rollback

    def fail(**_: Any) -> None:
        continue_()
        client.events = [event(2, "Schedule", "UPDATE_FAILED", "StartDate you specify cannot …")]

    client.continue_update_rollback = fail  # type: ignore[method-assign]
    with pytest.raises(StackError) as caught:
        prepare(client)
    assert "it is part old, part new (Schedule)" in caught.value.message
    assert (
        "continue-update-rollback --stack-name app-workload-x (or, to leave something as it is, "
        "add --resources-to-skip Schedule)"
    ) in str(caught.value.hint)


def test_a_deletion_that_failed_is_not_called_a_roll_back() -> None:
    client = Client(["CREATE_COMPLETE"])
    delete = client.delete_stack

    def fail(**_: Any) -> None:
        delete()
        client.statuses = ["DELETE_FAILED"]
        client.events = [
            event(3, "Group", "DELETE_FAILED", "it has schedules"),
            event(2, "Queue", "DELETE_COMPLETE"),
        ]

    client.delete_stack = fail  # type: ignore[method-assign]
    with pytest.raises(StackError, match="ended as DELETE_FAILED: Group") as caught:
        formation(client).delete(PLAN.name, lambda *_: None)
    assert "it is still there, with what could not be deleted (Group)" in caught.value.message
    assert "rolled back" not in f"{caught.value.message} {caught.value.hint}"
    assert "delete-stack --stack-name app-workload-x" in str(caught.value.hint)
    assert "--retain-resources Group" in str(caught.value.hint)


# Every end that is no success, with what is true of it.
ENDS = {
    "CREATE_FAILED": "was not created",
    "DELETE_FAILED": "is still there",
    "IMPORT_ROLLBACK_COMPLETE": "the import was rolled back",
    "IMPORT_ROLLBACK_FAILED": "the import was not rolled back",
    "ROLLBACK_COMPLETE": "was not created",
    "ROLLBACK_FAILED": "was not created",
    "UPDATE_FAILED": "was not rolled back",
    "UPDATE_ROLLBACK_COMPLETE": "was rolled back",
    "UPDATE_ROLLBACK_FAILED": "was not rolled back",
}


def test_each_end_that_botocore_knows_has_its_sentence() -> None:
    model = boto3.client("cloudformation", region_name=REGION).meta.service_model
    statuses = model.shape_for("StackStatus").enum
    failures = {s for s in statuses if s.endswith(("_FAILED", "ROLLBACK_COMPLETE"))}
    assert set(ENDS) == failures


@pytest.mark.parametrize("status", sorted(ENDS))
def test_each_end_of_a_stack_is_told_as_it_is_with_the_next_step(status: str) -> None:
    stack = Stack("app-platform", status)
    assert ENDS[status] in stack_failure(stack, None)
    hint = stack_hint(stack, None, ["Queue"])
    assert hint == "deploy again" or hint.startswith("aws cloudformation ")
    if hint.startswith("aws"):
        operation = hint.split()[2]
        known = boto3.client("cloudformation", region_name=REGION).meta.service_model
        assert operation in {xform_name(name, "-") for name in known.operation_names}
        assert "--stack-name app-platform" in hint


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        (
            "CreateCluster Invalid Request: Unable to assume the service linked role. Please …",
            "create-service-linked-role --aws-service-name ecs.amazonaws.com); then deploy again",
        ),
        (
            "The StartDate you specify cannot be earlier than 5 minutes ago.",
            "the start of the schedule has passed",
        ),
        (
            "Unable to retrieve Arn attribute for AWS::Scheduler::Schedule, with error message …",
            "templates/schedule.yaml as shipped",
        ),
    ],
)
def test_words_that_aws_was_heard_to_say_have_their_own_hint(reason: str, hint: str) -> None:
    cause = StackEvent("1", "", "X", "AWS::ECS::Cluster", "CREATE_FAILED", reason)
    assert hint in stack_hint(Stack("app-platform", "ROLLBACK_COMPLETE"), cause)


EARLY = (
    "The following hook(s)/validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]. To "
    "troubleshoot Early Validation errors, use the DescribeEvents API for detailed failure "
    "information."
)
EXISTS = {
    "EventId": "1",
    "EventType": "VALIDATION_ERROR",
    "LogicalResourceId": "LifecycleLogGroup",
    "ResourceType": "AWS::Logs::LogGroup",
    "ValidationName": "AWS::EarlyValidation::ResourceExistenceCheck",
    "ValidationStatus": "FAILED",
    "ValidationStatusReason": "Resource of type 'AWS::Logs::LogGroup' with identifier "
    "'/aws/events/app/lifecycle' already exists.",
    "ValidationPath": "/Resources/LifecycleLogGroup",
}


def test_what_early_validation_refused_is_asked_before_the_change_set_goes() -> None:
    client = Client(
        ["UPDATE_COMPLETE"], reason=EARLY, validation=[EXISTS, {**EXISTS, "EventId": "2"}]
    )
    with pytest.raises(StackError) as caught:
        prepare(client)
    assert client.calls == ["create_change_set", "describe_events", "delete_change_set"]
    told = "LifecycleLogGroup (AWS::Logs::LogGroup) at /Resources/LifecycleLogGroup: Resource of"
    assert caught.value.message.count(told) == 1
    assert "delete it, or choose another app name" in str(caught.value.hint)


def test_what_validation_refused_of_a_stack_is_told_of_its_last_operation_only() -> None:
    client = Client(["UPDATE_COMPLETE"])

    def fail(**_: Any) -> None:
        client.statuses = ["UPDATE_ROLLBACK_COMPLETE"]
        pointer = "Validation failed with 1 error(s). Call DescribeEvents to retrieve the full list"
        client.events = [event(9, PLAN.name, "UPDATE_FAILED", pointer)]
        client.validation = [
            {**EXISTS, "OperationId": "old", "Timestamp": TIME, "ValidationStatusReason": "gone"},
            {**EXISTS, "OperationId": "new", "Timestamp": TIME + timedelta(hours=1)},
        ]

    client.execute_change_set = fail  # type: ignore[method-assign]
    with pytest.raises(StackError, match="already exists") as caught:
        formation(client).execute(ChangeSet(PLAN.name, "arn", "UPDATE", ()), lambda *_: None)
    assert "LifecycleLogGroup" in caught.value.message
    assert "gone" not in caught.value.message


def test_without_the_right_to_read_events_the_refusal_is_told_all_the_same() -> None:
    denied = refused("AccessDenied", "not authorized to perform cloudformation:DescribeEvents")
    client = Client(["UPDATE_COMPLETE"], reason=EARLY, validation=denied)
    with pytest.raises(StackError, match="EarlyValidation"):
        prepare(client)
    assert client.calls[-1] == "delete_change_set"


def drift(action: str, replacement: str = "False") -> list[dict[str, Any]]:
    change = {"Action": action, "LogicalResourceId": "Schedule", "Replacement": replacement}
    return [{"ResourceChange": {**change, "ResourceType": "AWS::Scheduler::Schedule"}}]


@pytest.mark.parametrize(
    ("changes", "deleted", "reverted"),
    [
        (drift("Modify"), False, True),
        (drift("Add"), True, True),
        (drift("Add"), False, False),  # it did not find what is live
        (drift("Modify", "True"), False, False),
        ([], False, True),
    ],
)
def test_drift_is_reverted_only_as_far_as_cloudformation_sees_what_is_live(
    changes: list[dict[str, Any]], deleted: bool, reverted: bool
) -> None:
    client = Client(["UPDATE_COMPLETE"], changes=changes)
    stack = Stack("app-schedule-x", "UPDATE_COMPLETE", parameters={"State": "ENABLED"})
    done = formation(client).revert_drift(stack, deleted=deleted, watch=lambda *_: None)
    assert done is reverted
    assert client.asked["DeploymentMode"] == "REVERT_DRIFT"
    assert client.asked["Parameters"] == [{"ParameterKey": "State", "UsePreviousValue": True}]
    assert ("execute_change_set" in client.calls) is reverted
    assert ("delete_change_set" in client.calls) is not reverted


@pytest.mark.parametrize(
    "refusal",
    [
        refused("ValidationError", "Deployment mode REVERT_DRIFT is not supported in this region"),
        refused("AccessDenied", "not authorized"),
    ],
)
def test_where_drift_cannot_be_reverted_that_is_no_error(refusal: ClientError) -> None:
    client = Client(["UPDATE_COMPLETE"], refused_mode=refusal)
    stack = Stack("app-schedule-x", "UPDATE_COMPLETE")
    assert not formation(client).revert_drift(stack, deleted=False, watch=lambda *_: None)


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
