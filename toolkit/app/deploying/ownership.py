"""One owner: what somebody else deployed, or changed behind a stack, is shown before it goes."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.schedules import history
from toolkit.core.deploying.plans import deployed_schedules
from toolkit.core.errors import ConfigError
from toolkit.core.schedules.dates import sendable
from toolkit.core.schedules.drift import (
    Difference,
    DifferenceKind,
    FieldChange,
    Listed,
    compare,
    suspects,
)
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import Stack, StackPlan

_SHOWN = 5
HINT = "look at it with: toolkit schedules diff; to overwrite it: --overwrite"


def compared(
    app: App, wanted: Iterable[StackPlan], deployed: Mapping[str, Stack], whole: Collection[str]
) -> list[Difference]:
    """Schedules in all three views; ``deployed`` is by stack.

    The live ones named in ``whole`` are read whole; others where the listing leaves a doubt.
    """
    schedules, known = _planned(wanted), deployed_schedules(deployed.values())
    known = {name: known[name] for name in schedules if name in known}
    listed = {row.name: row for row in app.scheduler.listed() if row.name in schedules}
    live = app.scheduler.find_all(sorted({*whole, *suspects(known, listed)} & listed.keys()))
    return compare(schedules, known, listed, live, app.now())


def difference(
    plan: StackPlan, deployed: Mapping[str, Stack], live: Schedule | None, now: datetime
) -> Difference:
    """One schedule in all three views, its live one read whole; None where there is none."""
    schedules, known = _planned([plan]), deployed_schedules(deployed.values())
    [name] = schedules
    known = {name: known[name]} if name in known else {}
    found = {name: live} if live else {}
    listed = {name: Listed(name, row.state, row.changed_at) for name, row in found.items()}
    [row] = compare(schedules, known, listed, found, now)
    return row


def _planned(plans: Iterable[StackPlan]) -> dict[str, Schedule]:
    schedules = [Schedule.from_parameters(plan.parameters) for plan in plans]
    return {schedule.name: schedule for schedule in schedules}


def check(rows: Iterable[Difference]) -> None:
    """Refuse to deploy over schedules that are live otherwise than they were deployed."""
    drifted = [row for row in rows if row.drift]
    if not drifted:
        return
    lines = [f"{row.name}: {changes_in_words(row.drift)}" for row in drifted[:_SHOWN]]
    more = [f"and {len(drifted) - _SHOWN} more"] if len(drifted) > _SHOWN else []
    what = "1 schedule was" if len(drifted) == 1 else f"{len(drifted)} schedules were"
    raise ConfigError("\n  ".join([f"{what} changed behind its stack", *lines, *more]), hint=HINT)


def make_way(
    app: App,
    rows: Iterable[Difference],
    plans: Iterable[StackPlan],
    stacks: Mapping[str, Stack],
    *,
    yes: bool,
) -> bool:
    """Set right what an update would leave as it is; False if that was declined.

    CloudFormation compares a template with its last one and never with what is live. It would do
    nothing about a schedule that drifted while its file stayed, fail to update one that was deleted
    by hand, and refuse to make one that is there already.
    """
    drifted = [row for row in rows if row.drift]
    if not drifted:
        return True
    app.console.say("\n".join(f"! {row.name}: {changes_in_words(row.drift)}" for row in drifted))
    if not yes and not app.console.confirm(_question(drifted, app.place)):
        return False
    wanted = {plan.name: plan for plan in plans}

    def clear(row: Difference) -> None:
        stack = app.names.schedule_stack(row.name)
        if row.kind is DifferenceKind.ADDED:
            _remove_unowned(app, Schedule.from_parameters(wanted[stack].parameters))
        else:
            _restore(app, stacks[stack], deleted=row.deleted)

    side_by_side(clear, drifted)
    app.forget_stacks()
    history.record(app)
    return True


def _question(rows: list[Difference], place: str) -> str:
    back = ", ".join(row.name for row in rows if row.kind is not DifferenceKind.ADDED)
    anew = ", ".join(row.name for row in rows if row.kind is DifferenceKind.ADDED)
    steps = (back and f"Set back to what was deployed: {back}.", anew and f"Make anew: {anew}.")
    return " ".join([*filter(None, steps), f"Go on {place}?"])


def _remove_unowned(app: App, wanted: Schedule) -> None:
    """Delete a schedule that no stack holds, once AWS takes the one that comes in its place."""
    app.scheduler.check(sendable(wanted, app.now()))
    app.scheduler.delete(wanted.name)


def _restore(app: App, stack: Stack, *, deleted: bool) -> None:
    """Set a schedule back to what its stack says, and never through a moment without it."""
    schedule = Schedule.from_parameters(stack.parameters)
    as_sent = sendable(schedule, app.now())
    # CloudFormation would send the start that the stack has, even one that has passed.
    if as_sent == schedule and app.formation.revert_drift(
        stack, deleted=deleted, watch=app.console.event
    ):
        return
    app.scheduler.restore(as_sent)


def changes_in_words(changes: Iterable[FieldChange]) -> str:
    """Changes in one line: what is deployed → what is live."""
    return "; ".join(f"{c.field} {c.before or '(none)'} → {c.after or '(none)'}" for c in changes)
