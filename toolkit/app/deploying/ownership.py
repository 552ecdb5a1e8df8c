"""One owner: what somebody else deployed, or changed behind a stack, is shown before it goes."""

from collections.abc import Iterable, Mapping

from attrs import evolve

from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.deploying.plans import deployed_schedules
from toolkit.core.errors import ConfigError
from toolkit.core.schedules.drift import Difference, FieldChange, Kind, Listed, compare
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import Stack, StackPlan

_TOLD = 5
HINT = "look at it with: toolkit schedules diff; to overwrite it: --overwrite"


def planned(
    app: App, changing: Iterable[StackPlan], deployed: Mapping[str, Stack]
) -> list[Difference]:
    """Schedules whose stacks are about to be changed ↔ deployed ↔ live."""
    rows = compared(app, changing, deployed)
    # Another template updates a schedule, too, though none of its parameters changes.
    return [evolve(r, kind=Kind.CHANGED) if r.kind is Kind.UNCHANGED else r for r in rows]


def compared(
    app: App, wanted: Iterable[StackPlan], deployed: Mapping[str, Stack]
) -> list[Difference]:
    """Schedules in all three views, each live one read whole; ``deployed`` is by stack."""
    plans = [Schedule.from_parameters(plan.parameters) for plan in wanted]
    schedules = {schedule.name: schedule for schedule in plans}
    stacks = deployed_schedules(deployed.values())
    live = app.scheduler.find_all(schedules)
    listed = {name: Listed(name, found.state, found.changed_at) for name, found in live.items()}
    known = {name: stacks[name] for name in schedules if name in stacks}
    return compare(schedules, known, listed, live)


def check(rows: Iterable[Difference]) -> None:
    """Refuse to deploy over schedules that are live otherwise than they were deployed."""
    drifted = [row for row in rows if row.to_deploy and row.drift]
    if not drifted:
        return
    lines = [f"{row.name}: {told(row.drift)}" for row in drifted[:_TOLD]]
    more = [f"and {len(drifted) - _TOLD} more"] if len(drifted) > _TOLD else []
    what = "1 schedule was" if len(drifted) == 1 else f"{len(drifted)} schedules were"
    raise ConfigError("\n  ".join([f"{what} changed behind its stack", *lines, *more]), hint=HINT)


def make_way(app: App, rows: Iterable[Difference], *, yes: bool) -> bool:
    """Delete what an update cannot set right, so that it is made anew; False if that was declined.

    CloudFormation compares a template with its last one and never with what is live. It would do
    nothing about a schedule that drifted while its file stayed, fail to update one that was deleted
    by hand, and refuse to make one that is there already.
    """
    stuck = [row for row in rows if row.drift and (row.kind is not Kind.CHANGED or row.deleted)]
    if not stuck:
        return True
    app.console.say("\n".join(f"! {row.name}: {told(row.drift)}" for row in stuck))
    what = "This schedule is" if len(stuck) == 1 else f"These {len(stuck)} schedules are"
    if not yes and not app.console.confirm(f"{what} deleted and made anew. Go on?"):
        return False

    def clear(row: Difference) -> None:
        if row.kind is Kind.ADDED:
            app.scheduler.delete(row.name)
        else:
            app.formation.delete(app.names.schedule_stack(row.name), app.console.event)

    side_by_side(clear, stuck)
    app.forget_stacks()
    return True


def told(changes: Iterable[FieldChange]) -> str:
    """Changes in one line: what is deployed → what was found."""
    return "; ".join(f"{c.field} {c.before or '(none)'} → {c.after or '(none)'}" for c in changes)
