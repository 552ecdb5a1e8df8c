"""All schedules at once: list, compare, apply, prune and dump them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.actions import history
from toolkit.actions.context import Context
from toolkit.actions.deploy import Deployed, Layers, Options
from toolkit.adapters.cloudformation import CloudFormation
from toolkit.adapters.project import Project
from toolkit.adapters.s3 import Bucket
from toolkit.adapters.scheduler import Scheduler
from toolkit.core import plans
from toolkit.core.config import Config
from toolkit.core.drift import Difference, compare, suspects, to_toml
from toolkit.core.errors import ConfigError
from toolkit.core.firings import LocalFiring, localize, merge, overlaps
from toolkit.core.schedule import Schedule
from toolkit.core.stack import Stack, StackPlan
from workloads.contract import RunId

_NOUN = "toolkit:noun"
_OUTCOMES_BACK = timedelta(days=30)


@frozen
class Row:
    """One schedule in the list."""

    schedule: Schedule
    words: str
    next: LocalFiring | None
    deployed: bool
    last_outcome: str | None


class Deployment:
    """Everything of an app that is deployed, read once in a few paged calls."""

    def __init__(self, context: Context) -> None:
        self._context = context
        stacks = CloudFormation(context.aws).owned(context.app)
        self.by_name = {stack.name: stack for stack in stacks}
        self.schedules = {
            stack.parameters["ScheduleName"]: stack
            for stack in stacks
            if stack.tags.get(_NOUN) == "schedule"
        }

    @property
    def platform(self) -> dict[str, str]:
        """The outputs of the platform stack."""
        return dict(self._stack(self._context.config.app.platform_stack).outputs)

    def plan(self, schedule: Schedule) -> StackPlan:
        """The plan of a schedule on what is deployed."""
        workload = self._stack(self._context.config.app.workload_stack(schedule.workload))
        return plans.schedule_plan(
            self._context.config,
            schedule,
            self._context.project.template("schedule"),
            platform=self.platform,
            task_definition_arn=workload.outputs["TaskDefinitionArn"],
        )

    def _stack(self, name: str) -> Stack:
        if name not in self.by_name:
            flag = " --local" if self._context.local else ""
            raise ConfigError(f"stack {name} is not deployed", hint=f"toolkit deploy{flag}")
        return self.by_name[name]


def rows(context: Context) -> list[Row]:
    """All schedules that have a file, with their next firing and their last outcome."""
    deployment = Deployment(context)
    platform = deployment.by_name.get(context.config.app.platform_stack)
    now = context.now()
    schedules = context.project.schedules()
    outcomes = _last_outcomes(context, platform, list(schedules)) if platform else {}
    return [
        Row(
            schedule,
            schedule.timetable().expression.describe(),
            next(localize(islice(schedule.timetable().firings(now), 1), schedule.timezone), None),
            name in deployment.schedules,
            outcomes.get(name),
        )
        for name, schedule in schedules.items()
    ]


def differences(context: Context) -> list[Difference]:
    """Files ↔ deployed ↔ live."""
    deployment = Deployment(context)
    wanted = {
        name: deployment.plan(schedule) for name, schedule in context.project.schedules().items()
    }
    scheduler = Scheduler(context.aws, deployment.platform["ScheduleGroupName"])
    listed = {row.name: row for row in scheduler.listed()}
    live = scheduler.find_all(suspects(deployment.schedules, listed))
    return compare(wanted, deployment.schedules, listed, live)


def apply(context: Context, *, yes: bool) -> list[Deployed]:
    """Deploy the schedules whose file differs from what is deployed, several at a time."""
    deployment = Deployment(context)
    wanted = [deployment.plan(schedule) for schedule in context.project.schedules().values()]
    return Layers(context, Options(yes=yes)).deploy(wanted)


def dump(context: Context) -> dict[str, str]:
    """Every live schedule of the app's group as the text of its file, by name."""
    deployment = Deployment(context)
    scheduler = Scheduler(context.aws, deployment.platform["ScheduleGroupName"])
    live = scheduler.find_all(row.name for row in scheduler.listed())
    return {name: to_toml(found, context.project.catalog) for name, found in live.items()}


def prune(context: Context, *, yes: bool) -> list[str]:
    """Delete the deployed schedules that have no file: only stacks that carry this app's tag."""
    known = context.project.schedules()
    stale = {
        name: stack.name
        for name, stack in Deployment(context).schedules.items()
        if name not in known
    }
    if not stale:
        return []
    names = ", ".join(sorted(stale))
    if not yes and not context.console.confirm(f"Delete {names}?"):
        return []
    formation = CloudFormation(context.aws)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda stack: formation.delete(stack, context.console.event), stale.values()))
    history.record(context)
    return sorted(stale)


@frozen
class Firing:
    """One firing in a calendar; ``overlap`` is how long the run before may still go on."""

    run_id: str
    utc: datetime
    local: datetime
    overlap: timedelta | None = None


def calendar(project: Project, config: Config, now: datetime, until: datetime) -> list[Firing]:
    """Every firing of every schedule until a time, in order, overlaps within a schedule marked."""
    schedules = project.schedules()
    timetables = {name: schedule.timetable() for name, schedule in schedules.items()}
    marked: dict[tuple[datetime, str], timedelta] = {}
    for name, schedule in schedules.items():
        env = config.environment_of(schedule.workload, schedule.env)
        longest = timedelta(seconds=project.catalog.workload(schedule.workload).run_seconds(env))
        for found in overlaps(timetables[name].firings(now, until), longest):
            marked[found.firing, name] = found.overlap
    return [
        Firing(
            str(RunId(name, time)),
            time,
            time.astimezone(ZoneInfo(schedules[name].timezone)),
            marked.get((time, name)),
        )
        for time, name in merge(timetables, now, until)
    ]


def _last_outcomes(context: Context, platform: Stack, names: list[str]) -> dict[str, str]:
    """The outcome of each schedule's latest manifest of the last month, from its key alone."""
    bucket = Bucket(context.aws, platform.outputs["BucketName"])
    since = (context.now() - _OUTCOMES_BACK).strftime("%Y%m%dT%H%M%SZ")

    def latest(name: str) -> str | None:
        keys = bucket.keys(f"ledger/{name}/", after=f"ledger/{name}/{name}-{since}")
        return keys[-1].rsplit(".", 2)[-2] if keys else None

    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(names, pool.map(latest, names), strict=True))
    return {name: outcome for name, outcome in found.items() if outcome is not None}
