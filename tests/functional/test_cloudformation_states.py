"""States in which CloudFormation may be found, played by a hand-written fake of its client."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.functional.fake_cloudformation import (
    PLAN,
    TIME,
    Client,
    event,
    formation,
    prepare,
    refused,
)
from toolkit.core.errors import StackError
from toolkit.core.stack import (
    ChangeSet,
    Stack,
    StackEvent,
)

DENIED = "User is not authorized to perform iam:PutRolePolicy"


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
