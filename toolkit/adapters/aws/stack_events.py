"""The events of a stack: what happened, what failed first and what is stuck."""

from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import evolve

from toolkit.adapters.aws.session import translated
from toolkit.core.errors import StackError, ToolkitError
from toolkit.core.stack import Stack, StackEvent, first_cause, stack_failure, stack_hint
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_EVENTS_A_PAGE = 100
Watch = Callable[[str, StackEvent], None]


class StackEvents:
    """What CloudFormation tells of its work on stacks."""

    def __init__(self, client: "CloudFormationClient") -> None:
        self._client = client

    def show_new(self, name: str, watch: Watch, seen: set[str]) -> None:
        """Show the events that are not in ``seen``, in the order of time, and add them to it."""
        for event in sorted(self.since(name, stop_at=seen), key=lambda event: event.time):
            seen.add(event.id)
            if event.status != "REVIEW_IN_PROGRESS":
                watch(name, event)

    def latest(self, name: str) -> set[str]:
        """The ids on the first page of a stack's events; those listed before them are new."""
        return {event.id for event in islice(self.since(name), _EVENTS_A_PAGE)}

    def since(self, name: str, stop_at: Collection[str] = ()) -> Iterator[StackEvent]:
        """A stack's events, newest first, up to one that is known already."""
        for row in self._rows(name):
            if row["EventId"] in stop_at:
                return
            yield _event(row)

    def _rows(self, name: str) -> Iterator[Any]:
        """A stack's events as CloudFormation lists them; none of a stack that does not exist."""
        from botocore.exceptions import ClientError

        with translated(f"events of {name}"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
            try:
                for page in pages:
                    yield from page["StackEvents"]
            except ClientError as error:
                if "does not exist" not in str(error):
                    raise

    def failure(self, stack: Stack, known: set[str]) -> StackError:
        """The error of a stack that failed: its first cause among the events not in ``known``."""
        cause = first_cause(self.since(stack.name, stop_at=known))
        if cause is not None and "DescribeEvents" in cause.reason:
            problems = self.problems(stack.name, StackName=stack.name)
            cause = evolve(cause, reason="\n  ".join([cause.reason, *problems]))
        stuck = self.stuck(stack, known)
        return StackError(stack_failure(stack, cause, stuck), hint=stack_hint(stack, cause, stuck))

    def stuck(self, stack: Stack, known: Collection[str] = ()) -> set[str]:
        """The resources of a stack that is stuck whose last event is a failure."""
        if not stack.status.endswith("_FAILED"):
            return set()
        last: dict[str, StackEvent] = {}
        for event in self.since(stack.name, stop_at=known):
            if event.logical_id != stack.name:
                last.setdefault(event.logical_id, event)
        return {name for name, event in last.items() if event.failed}

    def problems(self, name: str, **of: Any) -> list[str]:
        """The resources that early validation or a hook refused in the last operation, and why.

        A change set or a stack only points to these events. A region or a caller without them is
        left with that. https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html
        """
        try:
            with translated(f"events of {name}"):
                pages = self._client.get_paginator("describe_events").paginate(
                    **of, Filters={"FailedEvents": True}
                )
                rows = [row for page in pages for row in page.get("OperationEvents", ())]
        except ToolkitError:
            return []
        last: Any = max(rows, key=lambda row: str(row.get("Timestamp", "")), default={})
        told = [
            _problem(row)
            for row in rows
            if row.get("OperationId") == last.get("OperationId")
            and row.get("EventType") != "PROVISIONING_ERROR"  # of which the stack's events tell
        ]
        return list(dict.fromkeys(filter(None, told)))


def _event(row: Any) -> StackEvent:
    return StackEvent(
        id=row["EventId"],
        time=format_time(row["Timestamp"]),
        logical_id=row["LogicalResourceId"],
        resource_type=row.get("ResourceType", ""),
        status=row.get("ResourceStatus", ""),
        reason=row.get("ResourceStatusReason", ""),
    )


def _problem(row: Any) -> str:
    """A failed event of DescribeEvents in one line; empty where it tells no reason."""
    reasons = ("ValidationStatusReason", "HookStatusReason", "ResourceStatusReason")
    reason = next((row[key] for key in reasons if row.get(key)), "")
    if not reason:
        return ""
    where = row.get("LogicalResourceId", "")
    if row.get("ResourceType"):
        where += f" ({row['ResourceType']})"
    path = f" at {row['ValidationPath']}" if row.get("ValidationPath") else ""
    return f"{where}{path}: {reason}".lstrip(": ")
