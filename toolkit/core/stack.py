"""Stacks as data: what is to be deployed, what a change set would change, what happened.

CloudFormation's change sets are the plans; nothing here invents another diff.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import frozen

# The tag by which a stack is known as the app's; nothing else may be changed or deleted.
APP_TAG = "app"
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
GONE = frozenset({"DELETE_COMPLETE", "MISSING"})
# A stack in these states cannot be updated, only deleted; its first creation never succeeded.
UNBORN = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})
# A stack without anything in it: its first change set waits, or its first creation failed.
EMPTY = UNBORN | {"REVIEW_IN_PROGRESS"}
GOOD = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
UPDATABLE = GOOD | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
# CloudFormation has no code for "nothing to do", only these words in the change set's reason.
_UNCHANGED = ("didn't contain changes", "No updates are to be performed")
_CASCADE = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancel")


@frozen
class StackPlan:
    """One stack to deploy; every value of ``parameters`` is text, as CloudFormation takes it."""

    name: str
    template: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = {}


class Action(StrEnum):
    """What a change set does to one resource."""

    ADD = "Add"
    MODIFY = "Modify"
    REMOVE = "Remove"
    IMPORT = "Import"
    DYNAMIC = "Dynamic"
    SYNC = "SyncWithActual"


@frozen
class ResourceChange:
    """One resource in a change set; ``replacement`` is "True", "False" or "Conditional"."""

    action: Action
    logical_id: str
    resource_type: str
    replacement: str = "False"
    causes: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether the resource is, or may be, made anew."""
        return self.action is Action.MODIFY and self.replacement in {"True", "Conditional"}


@frozen
class ChangeSet:
    """A prepared plan of CloudFormation; ``changes`` is empty when there is nothing to do.

    ``noun`` and ``name`` say what the stack holds, ``reasons`` why it changes.
    """

    stack: str
    arn: str
    kind: str  # CREATE or UPDATE
    changes: tuple[ResourceChange, ...]
    unchanged: bool = False
    noun: str = "stack"
    name: str = ""
    reasons: tuple[str, ...] = ()


@frozen
class StackEvent:
    """One line of a stack's history; ``time`` is ISO 8601 in UTC."""

    id: str
    time: str
    logical_id: str
    resource_type: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether the event tells of a failure."""
        return self.status.endswith("_FAILED")


@frozen
class Stack:
    """A stack as it is deployed; ``changed_at`` is ISO 8601 in UTC."""

    name: str
    status: str
    outputs: Mapping[str, str] = {}
    parameters: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    reason: str = ""
    changed_at: str = ""


def says_unchanged(reason: str) -> bool:
    """Whether a failed change set only says that there is nothing to change."""
    return any(words in reason for words in _UNCHANGED)


def first_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """The failure that started the cascade: the oldest one that is not a cancellation."""
    failures = [event for event in sorted(events, key=lambda e: e.time) if event.failed]
    for event in failures:
        if not event.reason.startswith(_CASCADE):
            return event
    return failures[0] if failures else None


def stack_failure(stack: Stack, cause: StackEvent | None, stuck: Iterable[str] = ()) -> str:
    """What became of a stack that did not end as it should, and why."""
    what = f"{cause.logical_id} ({cause.resource_type}): {cause.reason}" if cause else stack.reason
    end, _ = _ENDS.get(stack.status, _UNKNOWN_END)
    held = f" ({', '.join(sorted(stuck))})" if stuck else ""
    return f"stack {stack.name} ended as {stack.status}: {what or 'no reason given'}; {end}{held}"


def stack_hint(stack: Stack, cause: StackEvent | None = None, stuck: Iterable[str] = ()) -> str:
    """The next step after a failure: what to correct, then the command that goes on.

    ``stuck`` are the resources that CloudFormation could not delete or roll back.
    """
    _, command = _ENDS.get(stack.status, _UNKNOWN_END)
    following = command.format(name=stack.name, stuck=" ".join(sorted(stuck)) or "RESOURCE")
    correction = reason_hint(cause.reason if cause else stack.reason)
    return f"{correction}; then {following}" if correction else following


def reason_hint(reason: str) -> str:
    """What to correct, for the reasons that are known; empty for others."""
    lowered = reason.lower()
    return next((hint for words, hint in _HINTS if words.lower() in lowered), "")


MAKE_ECS_ROLE = "aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com"
# In this order: the first that fits is the most precise one.
_HINTS = (
    (
        # https://github.com/aws/containers-roadmap/issues/2614
        "assume the service linked role",
        f"AWS was still making the role that ECS acts with in this account ({MAKE_ECS_ROLE})",
    ),
    (
        # https://github.com/getmoto/moto/pull/8172
        "StartDate you specify cannot be earlier",
        "the start of the schedule has passed: take it out of its file",
    ),
    (
        # https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1726
        "Unable to retrieve Arn attribute for AWS::Scheduler::Schedule",
        "CloudFormation cannot read schedules of a group: use templates/schedule.yaml as shipped",
    ),
    ("already exists", "another stack or person made it: delete it, or choose another app name"),
    ("is not authorized", "your credentials lack this permission; see docs/security.md"),
    ("AccessDenied", "your credentials lack this permission; see docs/security.md"),
    ("limit", "a quota of the account is reached: raise it in Service Quotas"),
    ("Invalid Schedule Expression", "check it with: toolkit next 'cron(...)'"),
    ("does not exist", "it names something that was deleted: deploy the platform"),
)
_AGAIN = "deploy again"
_CONTINUE = "aws cloudformation continue-update-rollback --stack-name {name}"
_DELETE = "aws cloudformation delete-stack --stack-name {name}"
# What each end state means, and the next command. None of them is a dead end.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_ENDS = {
    "CREATE_FAILED": ("it was not created, and what it had made is still there", _AGAIN),
    "ROLLBACK_COMPLETE": ("it was not created, and what it had made was deleted", _AGAIN),
    "ROLLBACK_FAILED": ("it was not created, and not all that it had made was deleted", _AGAIN),
    "UPDATE_ROLLBACK_COMPLETE": ("it was rolled back to its earlier state", _AGAIN),
    "IMPORT_ROLLBACK_COMPLETE": ("the import was rolled back", _AGAIN),
    "UPDATE_ROLLBACK_FAILED": (
        "it was not rolled back: it is part old, part new",
        _CONTINUE + " (or, to leave something as it is, add --resources-to-skip {stuck})",
    ),
    "UPDATE_FAILED": (
        "it was not rolled back: it is part old, part new",
        "aws cloudformation rollback-stack --stack-name {name}",
    ),
    "IMPORT_ROLLBACK_FAILED": ("the import was not rolled back", _DELETE),
    "DELETE_FAILED": (
        "it is still there, with what could not be deleted",
        _DELETE + " (or, to leave something behind, add --retain-resources {stuck})",
    ),
}
_UNKNOWN_END = (
    "look at what it says itself",
    "aws cloudformation describe-stack-events --stack-name {name}",
)
