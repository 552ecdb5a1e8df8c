"""Three views of the schedules, compared: the files, what was deployed, and what is live.

The files own the schedules. What was deployed is read from the stacks' parameters, all of them in
a few paged calls. What is live is listed in a few paged calls too, and only a schedule that was
touched after its stack was deployed is read whole.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from attrs import frozen

from toolkit.core.names import workload_of
from toolkit.core.stack import Stack, StackPlan
from toolkit.core.target import own_environment
from workloads.catalog import Catalog
from workloads.contract import parse_time

# The template's parameters that a schedule's file decides, by the words of the file.
FIELDS = {
    "expression": "ScheduleExpression",
    "timezone": "ScheduleExpressionTimezone",
    "state": "State",
    "start": "StartDate",
    "end": "EndDate",
    "description": "Description",
    "input": "Input",
}


class Kind(StrEnum):
    """How a schedule's file and its deployment differ."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@frozen
class Listed:
    """A schedule as ListSchedules gives it."""

    name: str
    state: str
    changed_at: str


@frozen
class Live:
    """A schedule as GetSchedule gives it; times are ISO 8601 in UTC, or empty."""

    name: str
    expression: str
    timezone: str
    state: str
    start: str = ""
    end: str = ""
    description: str = ""
    input: str = ""
    flexible_minutes: int = 0
    changed_at: str = ""
    target: Mapping[str, Any] = {}


@frozen
class FieldChange:
    """One field that differs: ``before`` is what is deployed."""

    field: str
    before: str
    after: str


@frozen
class Difference:
    """One schedule in all three views; ``drift`` is what somebody changed behind the stack."""

    name: str
    kind: Kind
    changes: tuple[FieldChange, ...] = ()
    drift: tuple[FieldChange, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether all three views agree."""
        return self.kind is Kind.UNCHANGED and not self.drift


def compare(
    plans: Mapping[str, StackPlan],
    stacks: Mapping[str, Stack],
    listed: Mapping[str, Listed],
    live: Mapping[str, Live],
) -> list[Difference]:
    """All schedules by name: files (as plans) ↔ deployed stacks ↔ live, each keyed by name."""
    found = []
    for name in sorted({*plans, *stacks}):
        plan, stack = plans.get(name), stacks.get(name)
        changes: tuple[FieldChange, ...] = ()
        if plan is None:
            kind = Kind.REMOVED
        elif stack is None:
            kind = Kind.ADDED
        else:
            changes = _changes(stack.parameters, plan.parameters)
            kind = Kind.CHANGED if changes else Kind.UNCHANGED
        drift = _drift(stack, listed, live) if stack is not None else ()
        found.append(Difference(name, kind, changes, drift))
    return found


def suspects(stacks: Mapping[str, Stack], listed: Mapping[str, Listed]) -> list[str]:
    """The schedules that may have drifted: changed after their stack, or in another state."""
    found = []
    for name, stack in stacks.items():
        row = listed.get(name)
        if row is not None and (
            row.state != stack.parameters.get("State")
            or parse_time(row.changed_at) > parse_time(stack.changed_at)
        ):
            found.append(name)
    return found


def drift_of(stack: Stack, live: Live) -> tuple[FieldChange, ...]:
    """What is live and not what its stack says."""
    values = {field: str(getattr(live, field)) for field in FIELDS}
    changes = []
    for field, parameter in FIELDS.items():
        before = stack.parameters.get(parameter, "")
        if field == "description" and not before:
            continue  # the template writes one of its own
        if not _equal(field, before, values[field]):
            changes.append(FieldChange(field, before, values[field]))
    return tuple(changes)


def to_toml(live: Live, catalog: Catalog) -> str:
    """The text of the file that would make a live schedule; its contract variables are left out."""
    workload = workload_of(live.name, catalog.workloads) or ""
    rows = {
        "workload": workload,
        "expression": live.expression,
        "timezone": live.timezone,
        "state": live.state,
        "start": live.start,
        "end": live.end,
        "description": live.description,
    }
    lines = [f"{key} = {_quoted(value)}" for key, value in rows.items() if value]
    own = own_environment(live.target)
    lines += ["", "[env]", *(f"{name} = {_quoted(value)}" for name, value in sorted(own.items()))]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # A TOML basic string takes JSON's escapes.
    return json.dumps(text, ensure_ascii=False)


def _drift(
    stack: Stack, listed: Mapping[str, Listed], live: Mapping[str, Live]
) -> tuple[FieldChange, ...]:
    name = stack.parameters.get("ScheduleName", "")
    if name not in listed:
        return (FieldChange("schedule", "deployed", "deleted"),)
    return drift_of(stack, live[name]) if name in live else ()


def _changes(deployed: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[FieldChange, ...]:
    words = {parameter: field for field, parameter in FIELDS.items()}
    changes = []
    for parameter, after in wanted.items():
        before = deployed.get(parameter, "")
        field = words.get(parameter, parameter)
        if not _equal(field, before, after):
            changes.append(FieldChange(field, before, after))
    return tuple(changes)


def _equal(field: str, before: str, after: str) -> bool:
    if before == after:
        return True
    if field in {"start", "end"}:
        return bool(before and after) and parse_time(before) == parse_time(after)
    if field == "input" and before and after:
        return bool(json.loads(before) == json.loads(after))
    return False
