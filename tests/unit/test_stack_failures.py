"""What a failed stack is said to be, and the next step."""

import boto3
import pytest
from botocore import xform_name

from toolkit.core.stack import Stack, StackEvent, stack_failure, stack_hint

REGION = "eu-central-1"

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
