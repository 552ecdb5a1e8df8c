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
    """A prepared plan of CloudFormation; ``changes`` is empty when there is nothing to do."""

    stack: str
    arn: str
    kind: str  # CREATE or UPDATE
    changes: tuple[ResourceChange, ...]
    unchanged: bool = False


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


def stack_hint(cause: StackEvent | None) -> str:
    """What to do about the first cause."""
    reason = cause.reason if cause else ""
    for words, hint in _HINTS:
        if words.lower() in reason.lower():
            return hint
    return "correct the cause and deploy again; the stack was rolled back to its earlier state"


def stuck_hint(stack: Stack) -> str:
    """What to do about a stack that CloudFormation will neither update nor delete by itself."""
    command = "aws cloudformation"
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        return f"mend the cause, then: {command} continue-update-rollback --stack-name {stack.name}"
    return f"look at its events: {command} describe-stack-events --stack-name {stack.name}"


_HINTS = (
    ("already exists", "another stack or person made it: delete it, or choose another app name"),
    ("is not authorized", "your credentials lack this permission; see docs/security.md"),
    ("AccessDenied", "your credentials lack this permission; see docs/security.md"),
    ("limit", "a quota of the account is reached: raise it in Service Quotas"),
    ("Invalid Schedule Expression", "check it with: toolkit next 'cron(...)'"),
    ("does not exist", "it names something that was deleted: deploy the platform again"),
)
