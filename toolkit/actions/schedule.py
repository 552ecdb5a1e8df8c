"""Change one schedule: check it, show what it means, write its file, deploy its one stack."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import frozen

from toolkit.actions import history
from toolkit.actions.context import Context
from toolkit.actions.deploy import Deployed, Layers, Options, Result, schedule_plans
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.project import Project
from toolkit.adapters.scheduler import Scheduler
from toolkit.core import drift
from toolkit.core import preview as preview_core
from toolkit.core.config import Config
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name
from toolkit.core.schedule import Schedule
from toolkit.core.stack import StackPlan
from toolkit.core.target import scheduler_input


@frozen
class Change:
    """A checked change: what it means, and the text that the schedule's file would have."""

    preview: preview_core.Preview
    text: str


def change(
    project: Project, config: Config, name: str, changes: Mapping[str, Any], now: datetime
) -> Change:
    """Check a change without writing or deploying anything."""
    check_name("schedule", name)
    before = project.schedule(name)
    if before is None and "expression" not in changes:
        known = ", ".join(project.schedules()) or "none"
        raise ConfigError(
            f"there is no schedule {name!r}; there are {known}",
            hint=f'give it an expression to make it: toolkit schedule {name} "cron(...)"',
        )
    text = project.edited(name, changes)
    after = project.parse_schedule(name, text)
    env = config.environment_of(after.workload, after.env)
    scheduler_input(name, env)
    workload = project.catalog.workload(after.workload)
    return Change(preview_core.preview(before, after, workload, env, now), text)


def apply(context: Context, wanted: Change, *, yes: bool, overwrite: bool) -> Deployed:
    """Write the schedule's file and deploy its stack; the file stays as it was if that fails."""
    project, after = context.project, wanted.preview.after
    plan = _plan(context, after)
    if not overwrite:
        _check_owner(context, wanted.preview, plan)
    earlier = project.schedule_text(after.name)
    project.write_schedule(after.name, wanted.text)
    done = False
    try:
        row = Layers(context, Options(yes=yes)).deploy([plan])[0]
        done = row.result is not Result.DECLINED
    finally:
        if not done:
            _restore(project, after.name, earlier)
    return row


def remove(context: Context, name: str) -> None:
    """Delete a schedule's stack and its file."""
    formation = CloudFormation(context.aws)
    stack = context.config.app.schedule_stack(name)
    found = formation.find(stack)
    if found is None and context.project.schedule(name) is None:
        known = ", ".join(context.project.schedules()) or "none"
        raise ConfigError(f"there is no schedule {name!r}; there are {known}")
    if found is not None:
        formation.delete(stack, context.console.event)
        history.record(context)
    context.project.remove_schedule(name)


def _plan(context: Context, schedule: Schedule) -> StackPlan:
    stack = context.config.app.workload_stack(schedule.workload)
    workload = Deployed(stack, Result.UNCHANGED, context.outputs(stack))
    return schedule_plans(context, [schedule], context.platform(), [workload])[0]


def _check_owner(context: Context, preview: preview_core.Preview, plan: StackPlan) -> None:
    """Refuse to overwrite in silence what somebody else deployed or changed by hand.

    What is deployed must be what this file said before the change, and what is live must be what
    was deployed.
    """
    name = preview.after.name
    stack = CloudFormation(context.aws).find(plan.name)
    if stack is None:
        return
    before = preview.before
    differences: tuple[drift.FieldChange, ...] = ()
    if before is not None:
        earlier = {name: _plan(context, before)}
        row = drift.compare(earlier, {name: stack}, {}, {})[0]
        differences = tuple(c for c in row.changes if c.field in drift.FIELDS)
    live = Scheduler(context.aws, context.platform()["ScheduleGroupName"]).find(name)
    if live is None:
        found = "it was deleted behind its stack"
    elif by_hand := drift.drift_of(stack, live):
        found = "it was changed behind its stack: " + _told(by_hand)
    elif differences:
        found = "another copy of the project deployed it: " + _told(
            tuple(drift.FieldChange(c.field, c.after, c.before) for c in differences)
        )
    else:
        return
    raise ConfigError(
        f"schedule {name} is not as {preview.after.file} says; {found}",
        hint="look at it with: toolkit schedules diff; to overwrite it: --overwrite",
    )


def _told(changes: tuple[drift.FieldChange, ...]) -> str:
    return "; ".join(f"{c.field} {c.before!r} → {c.after!r}" for c in changes)


def _restore(project: Project, name: str, text: str | None) -> None:
    if text is None:
        project.remove_schedule(name)
    else:
        project.write_schedule(name, text)
