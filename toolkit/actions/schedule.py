"""Change one schedule: check it, show what it means, write its file, deploy its one stack."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.actions.context import Context
from toolkit.actions.deploy import Deployed, Layers, Options, Result, schedule_plans
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.project import Project
from toolkit.core import expression
from toolkit.core.config import Config
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name
from toolkit.core.schedule import Schedule
from toolkit.core.target import scheduler_input
from workloads.contract import RunId, parse_time

_SHOWN = 5


@frozen
class Firing:
    """One firing: in UTC, and as the schedule's own zone writes it."""

    run_id: str
    utc: datetime
    local: datetime


@frozen
class Preview:
    """A schedule before it is written: what it says and when it would fire."""

    before: Schedule | None
    after: Schedule
    text: str
    words: str
    warnings: tuple[str, ...]
    firings: tuple[Firing, ...]

    @property
    def changed(self) -> bool:
        """Whether the file would change its meaning."""
        return self.before != self.after


def preview(
    project: Project, config: Config, name: str, changes: Mapping[str, Any], now: datetime
) -> Preview:
    """Check a change without writing or deploying anything."""
    check_name("schedule", name)
    before = project.schedule(name)
    if before is None and "expression" not in changes:
        known = ", ".join(project.schedules()) or "none"
        raise ConfigError(
            f"there is no schedule {name!r}",
            hint=f'give it an expression to make it: toolkit schedule {name} "cron(...)"; '
            f"there are {known}",
        )
    text = project.edited(name, changes)
    after = project.parse_schedule(name, text)
    scheduler_input(name, config.environment_of(after.workload, after.env))
    parsed = expression.parse(after.expression)
    warnings = (*parsed.warnings, *parsed.check(after.timezone))
    return Preview(
        before=before,
        after=after,
        text=text,
        words=parsed.describe(),
        warnings=warnings,
        firings=tuple(islice(firings(after, now), _SHOWN)),
    )


def firings(schedule: Schedule, after: datetime, until: datetime | None = None) -> Iterator[Firing]:
    """The firings of a schedule after a moment; none while it is disabled."""
    if schedule.state != "ENABLED":
        return
    zone = ZoneInfo(schedule.timezone)
    found = expression.parse(schedule.expression).firings(
        after,
        schedule.timezone,
        until,
        start=parse_time(schedule.start) if schedule.start else None,
        end=parse_time(schedule.end) if schedule.end else None,
    )
    for time in found:
        yield Firing(str(RunId(schedule.name, time)), time.astimezone(UTC), time.astimezone(zone))


def apply(context: Context, wanted: Preview, *, yes: bool) -> Deployed:
    """Write the schedule's file and deploy its stack; the file stays as it was if that fails."""
    project, name = context.project, wanted.after.name
    stack = context.config.app.workload_stack(wanted.after.workload)
    workload = Deployed(stack, Result.UNCHANGED, context.outputs(stack))
    plans = schedule_plans(context, [wanted.after], context.platform(), [workload])
    earlier = project.schedule_text(name)
    project.write_schedule(name, wanted.text)
    done = False
    try:
        row = Layers(context, Options(yes=yes)).deploy(plans)[0]
        done = row.result is not Result.DECLINED
    finally:
        if not done:
            _restore(project, name, earlier)
    return row


def remove(context: Context, name: str) -> None:
    """Delete a schedule's stack and its file."""
    formation = CloudFormation(context.aws)
    stack = context.config.app.schedule_stack(name)
    found = formation.find(stack)
    if found is None and context.project.schedule(name) is None:
        raise ConfigError(f"there is no schedule {name!r}")
    if found is not None:
        formation.delete(stack, context.console.event)
    context.project.remove_schedule(name)


def _restore(project: Project, name: str, text: str | None) -> None:
    if text is None:
        project.remove_schedule(name)
    else:
        project.write_schedule(name, text)
