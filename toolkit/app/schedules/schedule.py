"""Change one schedule: check it, show what it means, deploy its one stack, write its file."""

import difflib
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from attrs import frozen

from toolkit.adapters.project.edits import Edit
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying import ownership
from toolkit.app.deploying.layers import DeployOptions, Layers, StackOutcome, StackResult
from toolkit.app.schedules import history
from toolkit.core.deploying.config import Config
from toolkit.core.deploying.plans import SCHEDULE, schedule_plan
from toolkit.core.errors import ConfigError
from toolkit.core.expressions.zones import find_zone
from toolkit.core.names import check_name, workload_of
from toolkit.core.schedules import drift
from toolkit.core.schedules.dates import has_fired
from toolkit.core.schedules.firings import FiringDiff
from toolkit.core.schedules.preview import Preview, at_expression, preview, removed_firings
from toolkit.core.schedules.schedule import FIELDS, Schedule
from toolkit.core.schedules.schedule_file import LAUNCH, check_settings
from toolkit.core.schedules.target import scheduler_input
from toolkit.core.stack import GOOD, Stack, StackPlan
from toolkit.core.time_words import is_exact, read_time


@frozen
class ScheduleChange:
    """A checked change: what it means, and the edit of the project's files that makes it.

    ``keys`` are what was asked for, as `change` takes it.
    """

    preview: Preview
    edit: Edit
    keys: Mapping[str, Any] = {}


def change(
    project: Project, config: Config, name: str, changes: Mapping[str, Any], now: datetime
) -> ScheduleChange:
    """Check a change without writing or deploying anything.

    ``changes`` are keys of the file; None takes one out, and ``at`` is a time for the expression.
    """
    check_name("schedule", name)
    before = project.schedule(name, config)
    known = before.timezone if before else "UTC"
    wanted = _with_moments(changes, changes.get("timezone", known) or "UTC", now)
    if before is None:
        if "expression" not in wanted:
            raise _unknown(project, name, f'toolkit schedule {name} "cron(...)" would make it')
        fitting = workload_of(name, project.catalog.workloads)
        wanted = {"workload": fitting, **wanted} if fitting else wanted
    edit = project.edit(config.environment, name, wanted)
    after, config = project.edited_schedule(config, name, edit)
    env = config.environment_of(after.workload, after.env)
    workload = config.sized(project.catalog.workload(after.workload))
    check_settings(f"schedules/{name}.toml", workload, env)
    scheduler_input(name, env, after.overlap)
    return ScheduleChange(preview(before, after, workload, env, now), edit, changes)


def _with_moments(changes: Mapping[str, Any], timezone: str, now: datetime) -> dict[str, Any]:
    """The changes with their times as the file has them; they are read in the schedule's zone."""
    wanted = dict(changes)
    zone = find_zone(timezone)
    for key in ("start", "end"):
        if wanted.get(key) and not is_exact(wanted[key]):
            time = read_time(wanted[key], now, zone, ahead=True)
            wanted[key] = f"{time:%Y-%m-%dT%H:%M:%SZ}"
    if "at" in wanted:
        text = _iso(wanted.pop("at"), now, zone)
        wanted["expression"] = at_expression(text, timezone)
    return wanted


def _iso(text: str, now: datetime, zone: tzinfo) -> str:
    """Words such as ``tomorrow 06:00`` in ISO 8601, to the minute; everything else as it is."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        try:
            time = read_time(text, now, zone, ahead=True).astimezone(zone)
        except ConfigError:
            return text  # at() explains what is wrong with it
        return time.replace(second=0, microsecond=0).isoformat()
    return text


def apply(app: App, wanted: ScheduleChange, *, yes: bool, overwrite: bool) -> StackResult:
    """Deploy the schedule's stack and put its file in place; either both change or neither does."""
    after = wanted.preview.after
    if wanted.preview.retimed and has_fired(after, app.now()):
        raise ConfigError(
            f"{after.file}: {after.expression} has passed: it would never fire",
            hint=f"choose a later time: {app.command(f'schedule {after.name}')} --at TIME",
        )
    stacks = app.stacks.all
    plan = _plan(app, after)

    def check() -> None:
        """Look again: the change set stands now, and holds until somebody changes the stack."""
        if not overwrite:
            stack = app.formation.find(plan.name)
            _check_owner(app, wanted.preview.before, plan, {plan.name: stack} if stack else {})

    if not overwrite:
        _check_owner(app, wanted.preview.before, plan, stacks)
    else:
        found = ownership.difference(plan, stacks, app.scheduler.find(after.name), app.now())
        if not ownership.make_way(app, [found], [plan], stacks, yes=yes):
            return StackResult(plan.name, StackOutcome.DECLINED)
    with app.project.staged(wanted.edit) as staged:
        try:
            row = Layers(app, DeployOptions(yes=yes)).deploy([plan], check=check)[0]
        except BaseException:  # Ctrl-C too: CloudFormation may have finished all the same
            if _settled(app, plan):
                staged.commit()
            raise
        if row.result is not StackOutcome.DECLINED:
            staged.commit()
    if after.pause and row.result is not StackOutcome.DECLINED:
        history.record(app, [after.name], {after.name: after.pause})
    return row


def removal(
    project: Project, config: Config, name: str, now: datetime
) -> tuple[Schedule | None, FiringDiff, datetime]:
    """What goes with a schedule: its file's words, its firings, and until when they were looked at.

    The schedule is None where it has no file, or one that cannot be read: it can go all the same.
    """
    check_name("schedule", name)
    try:
        schedule = project.schedule(name, config)
    except ConfigError:
        schedule = None
    if schedule is None:
        return None, FiringDiff(), now
    return schedule, *removed_firings(schedule, now)


def remove(app: App, name: str) -> tuple[str, ...]:
    """Delete a schedule: its stack, what is live without one, its file; returns what there was.

    Raises:
        ConfigError: there is nothing of that name.
    """
    stack, file = app.names.schedule_stack(name), app.project.schedule_file(name)
    deployed = app.formation.find(stack) is not None
    has_file = app.project.schedule_text(name) is not None
    if deployed:
        app.formation.delete(stack, app.console.event)
    live = app.stacks.platform is not None and app.scheduler.find(name) is not None
    if live:  # somebody made it by hand, or the stack let go of it
        app.scheduler.delete(name)
    if not (deployed or live or has_file):
        raise _unknown(app.project, name)
    if deployed or live:
        app.forget_stacks()
        history.record(app)
    app.project.remove_schedule(name)
    tables = app.project.removal(name)
    app.project.write(tables)
    for place in tables.places:
        app.console.say(f"{place} removed")
    parts = ((deployed, f"stack {stack}"), (live, "the live schedule"), (has_file, file))
    return tuple(what for there, what in parts if there)


def _unknown(project: Project, name: str, hint: str | None = None) -> ConfigError:
    known = project.schedule_names()
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return ConfigError(
        f"there is no schedule {name!r}; there are {', '.join(known) or 'none'}",
        hint=f"{meant}{hint or ''}".strip() or None,
    )


def _plan(app: App, schedule: Schedule) -> StackPlan:
    return schedule_plan(
        app.config,
        schedule,
        app.project.template(SCHEDULE),
        platform=app.platform.values,
        task_definition_arn=app.workload(schedule.workload).task_definition_arn,
    )


def _settled(app: App, plan: StackPlan) -> bool:
    """Whether the stack stands as planned after all; a mere change set of a new one is deleted."""
    stack = app.formation.find(plan.name)
    if stack is None:
        return False
    if stack.status == "REVIEW_IN_PROGRESS":
        app.formation.delete(plan.name, lambda _stack, _event: None)
    if stack.status not in GOOD:
        return False
    deployed, wanted = map(Schedule.from_parameters, (stack.parameters, plan.parameters))
    return not drift.changes_of(deployed, wanted, app.now())


def _check_owner(
    app: App, before: Schedule | None, plan: StackPlan, stacks: Mapping[str, Stack]
) -> None:
    """Refuse to overwrite in silence what somebody else deployed or changed by hand.

    What is live must be what was deployed, and that must be what this file said before the change.
    """
    name, now = plan.parameters["ScheduleName"], app.now()
    live = app.scheduler.find(name)
    found = ownership.difference(plan, stacks, live, now)
    what = f"schedule {found.name} is not as its file says"
    if found.deleted:
        problem = f"{what}; it was deleted behind its stack"
    elif found.drift and found.kind is drift.DifferenceKind.ADDED:
        problem = f"there is a schedule {found.name} already, made by hand or by another app"
    elif found.drift:
        problem = (
            f"{what}; it was changed behind its stack: {ownership.changes_in_words(found.drift)}"
        )
    elif found.kind is not drift.DifferenceKind.ADDED and before is None:
        problem = f"schedule {found.name} is deployed already, but has no file here"
    elif before is not None and (
        others := _by_others(ownership.difference(_plan(app, before), stacks, live, now))
    ):
        problem = f"{what}; another copy of the project deployed it, or the file was edited and "
        problem += f"not applied: {ownership.changes_in_words(others)}"
    else:
        return
    raise ConfigError(problem, hint=ownership.HINT)


def _by_others(difference: drift.Difference) -> tuple[drift.FieldChange, ...]:
    """How what is deployed differs from the file as it was: file → deployed."""
    return tuple(
        drift.FieldChange(c.field, c.after, c.before)
        for c in difference.changes
        if c.field in FIELDS or c.field in LAUNCH or c.field.startswith("env ")
    )
