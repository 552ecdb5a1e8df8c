"""CloudFormation: find stacks, prepare a change set, execute it to its end."""

import time
from collections.abc import Callable
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Literal

from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.aws.stack_events import StackEvents, Watch
from toolkit.core.errors import StackError, ToolkitError
from toolkit.core.stack import (
    APP_TAG,
    GONE,
    UNBORN,
    UPDATABLE,
    Action,
    ChangeSet,
    ResourceChange,
    Stack,
    StackPlan,
    reason_hint,
    says_unchanged,
    stack_hint,
)
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_Kind = Literal["CREATE", "UPDATE"]
_CAPABILITIES: Any = ["CAPABILITY_NAMED_IAM"]
_POLL_SECONDS = 2.0
# To execute a change set deletes every other one of the stack:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
_OUTDATED = frozenset({"ChangeSetNotFound", "ChangeSetNotFoundException", "InvalidChangeSetStatus"})


class CloudFormation:
    """Stacks, one at a time; an instance serves several threads (boto3 clients are thread-safe)."""

    def __init__(
        self, aws: Aws, *, sleep: Callable[[float], None] = time.sleep, poll: float | None = None
    ) -> None:
        self._client: CloudFormationClient = aws.client("cloudformation")
        self._events = StackEvents(self._client)
        self._sleep = sleep
        # The embedded AWS is done at once, so waiting two seconds for it would be waste.
        self._poll = poll if poll is not None else (0.1 if aws.endpoint.url else _POLL_SECONDS)

    def find(self, name: str) -> Stack | None:
        """A stack by name; None when there is none."""
        from botocore.exceptions import ClientError

        with translated(f"stack {name}", ValidationError=StackError):
            try:
                rows = self._client.describe_stacks(StackName=name)["Stacks"]
            except ClientError as error:
                if "does not exist" in str(error):
                    return None
                raise
        found = [_stack(row) for row in rows if row["StackStatus"] not in GONE]
        return found[0] if found else None

    def owned(self, app: str) -> list[Stack]:
        """All stacks that carry this app's tag, in a few paged calls."""
        with translated("DescribeStacks"):
            pages = self._client.get_paginator("describe_stacks").paginate()
            stacks = [_stack(row) for page in pages for row in page["Stacks"]]
        return [s for s in stacks if s.tags.get("app") == app and s.status not in GONE]

    def prepare(
        self,
        plan: StackPlan,
        *,
        say: Callable[[str], None],
        seen: Stack | EllipsisType | None = ...,
    ) -> ChangeSet:
        """Make a change set and wait until CloudFormation has worked it out.

        A stack that never came to life is deleted first; one that is busy is waited for; one that
        is not the app's is left alone. ``seen`` is the app's stack as it was listed just now, None
        where there was none; without it the stack is looked for.
        """
        stack = self.find(plan.name) if seen is ... else seen
        try:
            kind, arn = self._begin(plan, say, stack)
        except StackError:
            if seen is ...:
                raise
            # Another app may have such a stack, or somebody may have changed it since.
            stack = self.find(plan.name)
            if stack == seen:
                raise
            kind, arn = self._begin(plan, say, stack)
        return self._worked_out(plan.name, kind, arn)

    def _begin(
        self, plan: StackPlan, say: Callable[[str], None], stack: Stack | None
    ) -> tuple[_Kind, str]:
        """Create a change set; its kind and its ARN."""
        kind = self._make_ready(plan, say, stack)
        with translated(f"change set of {plan.name}", ValidationError=StackError):
            answer = self._client.create_change_set(
                StackName=plan.name,
                ChangeSetName=f"toolkit-{time.time_ns()}",
                ChangeSetType=kind,
                TemplateBody=plan.template,
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in sorted(plan.parameters.items())
                ],
                Tags=[{"Key": key, "Value": value} for key, value in sorted(plan.tags.items())],
                Capabilities=_CAPABILITIES,
            )
        return kind, answer["Id"]

    def revert_drift(self, stack: Stack, *, deleted: bool, watch: Watch) -> bool:
        """Set a stack's one drifted resource back to the template; False where AWS cannot do that.

        A drift-aware change set compares with what is live. CloudFormation may not find what is
        live, and plan to make it: such a change set is executed only if it is really ``deleted``.
        https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
        """
        try:
            with translated(f"change set of {stack.name}", ValidationError=StackError):
                answer = self._client.create_change_set(
                    StackName=stack.name,
                    ChangeSetName=f"toolkit-{time.time_ns()}",
                    ChangeSetType="UPDATE",
                    DeploymentMode="REVERT_DRIFT",
                    UsePreviousTemplate=True,
                    Parameters=[
                        {"ParameterKey": key, "UsePreviousValue": True}
                        for key in sorted(stack.parameters)
                    ],
                    Capabilities=_CAPABILITIES,
                )
            change_set = self._worked_out(stack.name, "UPDATE", answer["Id"])
            if change_set.unchanged:
                return False
            wanted = Action.ADD if deleted else Action.MODIFY
            if any(c.action is not wanted or c.replaces for c in change_set.changes):
                self.discard(change_set)
                return False
            self.execute(change_set, watch)
        except ToolkitError:
            return False
        return True

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the empty stack that preparing a first one leaves behind."""
        name = change_set.stack
        with translated(f"change set of {name}"):
            self._client.delete_change_set(ChangeSetName=change_set.arn)
        if change_set.kind != "CREATE":
            return
        # Somebody else may have a change set on the same empty stack, or have executed it by now.
        stack = self.find(name)
        if stack is not None and stack.status == "REVIEW_IN_PROGRESS":
            with translated(f"stack {name}"):
                if not self._client.list_change_sets(StackName=name)["Summaries"]:
                    self._client.delete_stack(StackName=name)

    def execute(self, change_set: ChangeSet, watch: Watch) -> Stack:
        """Execute a change set to its end; raises StackError with the first cause."""
        from botocore.exceptions import ClientError

        name = change_set.stack
        # A stack that is made now has no event yet but that it was under review.
        seen = set() if change_set.kind == "CREATE" else self._events.latest(name)
        with translated(f"change set of {name}"):
            try:
                self._client.execute_change_set(ChangeSetName=change_set.arn)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in _OUTDATED:
                    raise StackError(
                        f"the change set of {name} is out of date: somebody else deployed it",
                        hint="deploy again, which makes a new change set: toolkit deploy",
                    ) from error
                raise
        return self._finish(name, watch, seen, "CREATE_COMPLETE", "UPDATE_COMPLETE")

    def delete(self, name: str, watch: Watch) -> None:
        """Delete a stack and wait until it is gone."""
        known = self._events.latest(name)
        seen = set(known)
        with translated(f"stack {name}", ValidationError=StackError):
            self._client.delete_stack(StackName=name)
        while (stack := self.find(name)) is not None:
            self._events.show_new(name, watch, seen)
            if stack.status == "DELETE_FAILED":
                raise self._events.failure(stack, known)
            self._sleep(self._poll)

    def _make_ready(
        self, plan: StackPlan, say: Callable[[str], None], stack: Stack | None
    ) -> _Kind:
        """Make way for a change set: wait, roll back, delete what was never made; its kind."""
        name = plan.name
        while stack is not None and _busy(stack.status):
            say(f"{name} is {stack.status}: waiting for it")
            self._sleep(self._poll)
            stack = self.find(name)
        if stack is None or stack.status == "REVIEW_IN_PROGRESS":
            return "CREATE"  # an empty stack takes one more change set
        if stack.tags.get(APP_TAG) != plan.tags.get(APP_TAG):
            raise StackError(
                f"stack {name} exists and is not this app's: it has no tag "
                f"{APP_TAG}={plan.tags.get(APP_TAG)}",
                hint="choose another app name in toolkit.toml, or delete that stack yourself",
            )
        if stack.status in UNBORN:
            say(f"{name} is {stack.status}: deleting what its first deployment left behind")
            self.delete(name, lambda _stack, _event: None)
            return "CREATE"
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            say(f"{name} is {stack.status}: continuing to roll it back")
            stack = self._roll_back(name)
        if stack.status not in UPDATABLE:
            raise StackError(
                f"stack {name} is {stack.status} and cannot be updated",
                hint=stack_hint(stack, stuck=self._events.stuck(stack)),
            )
        return "UPDATE"

    def _roll_back(self, name: str) -> Stack:
        """Continue a roll-back that failed; raises StackError when it fails again."""
        known = self._events.latest(name)
        with translated(f"stack {name}", ValidationError=StackError):
            self._client.continue_update_rollback(StackName=name)
        return self._finish(name, lambda _stack, _event: None, known, "UPDATE_ROLLBACK_COMPLETE")

    def _worked_out(self, name: str, kind: str, arn: str) -> ChangeSet:
        while True:
            with translated(f"change set of {name}", ChangeSetNotFound=StackError):
                answer = self._client.describe_change_set(ChangeSetName=arn)
            if answer["Status"] == "FAILED":
                return self._refused(name, kind, arn, answer.get("StatusReason", ""))
            if answer["Status"] == "CREATE_COMPLETE":
                break
            self._sleep(self._poll)
        rows = list(answer["Changes"])
        while token := answer.get("NextToken"):
            with translated(f"change set of {name}"):
                answer = self._client.describe_change_set(ChangeSetName=arn, NextToken=token)
            rows += answer["Changes"]
        changes = tuple(_change(row["ResourceChange"]) for row in rows if "ResourceChange" in row)
        return ChangeSet(name, arn, kind, changes)

    def _refused(self, name: str, kind: str, arn: str, reason: str) -> ChangeSet:
        empty = ChangeSet(name, arn, kind, (), unchanged=True)
        unchanged = says_unchanged(reason)
        # Asked before the change set goes, and its events with it.
        problems = () if unchanged else self._events.problems(name, ChangeSetName=arn)
        self.discard(empty)
        if unchanged:
            return empty
        told = "\n  ".join([reason, *problems])
        raise StackError(
            f"CloudFormation refused the change set of {name}: {told}",
            hint=reason_hint(told) or "correct the template or the parameter; nothing was deployed",
        )

    def _finish(self, name: str, watch: Watch, seen: set[str], *good: str) -> Stack:
        known = set(seen)
        while True:
            stack = self.find(name)
            if stack is None:
                raise StackError(f"stack {name} was deleted while it was deployed")
            # After the stack, so that its last events are among them once it is done.
            self._events.show_new(name, watch, seen)
            if not _busy(stack.status):
                break
            self._sleep(self._poll)
        if stack.status not in good:
            raise self._events.failure(stack, known)
        return stack


def _busy(status: str) -> bool:
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _stack(row: Any) -> Stack:
    return Stack(
        name=row["StackName"],
        status=row["StackStatus"],
        outputs={out["OutputKey"]: out["OutputValue"] for out in row.get("Outputs", ())},
        parameters={
            parameter["ParameterKey"]: parameter.get("ParameterValue", "")
            for parameter in row.get("Parameters", ())
        },
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        reason=row.get("StackStatusReason", ""),
        changed_at=format_time(row.get("LastUpdatedTime") or row["CreationTime"]),
    )


def _change(row: Any) -> ResourceChange:
    causes = {
        target.get("Name") or target.get("Attribute", "")
        for detail in row.get("Details", ())
        for target in (detail.get("Target", {}),)
    }
    return ResourceChange(
        action=Action(row["Action"]),
        logical_id=row["LogicalResourceId"],
        resource_type=row["ResourceType"],
        replacement=str(row.get("Replacement") or "False"),
        causes=tuple(sorted(causes - {""})),
    )
