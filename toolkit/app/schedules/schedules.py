"""All schedules at once: list, compare, apply, prune and dump them."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from toolkit.adapters.project.edits import Edit
from toolkit.adapters.project.project import Project
from toolkit.app.app import App
from toolkit.app.deploying import ownership
from toolkit.app.deploying import prune as pruning
from toolkit.app.deploying.layers import DeployOptions, Layers, StackOutcome, StackResult
from toolkit.app.proof.ledger import running_tasks
from toolkit.app.proof.status import RunSummary, latest_runs
from toolkit.app.schedules.history import Deployments
from toolkit.core.deploying import plans
from toolkit.core.deploying.config import Config
from toolkit.core.deploying.dump import file_changes
from toolkit.core.deploying.plans import SCHEDULE
from toolkit.core.errors import ConfigError
from toolkit.core.expressions.kinds import Rate
from toolkit.core.names import workload_of
from toolkit.core.schedules.dates import as_deployed
from toolkit.core.schedules.drift import Difference, Listed, changes_of, compare, suspects
from toolkit.core.schedules.firings import LocalFiring, localize, merge
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.schedule_file import check_settings
from toolkit.core.schedules.timing import Pause
from toolkit.core.stack import StackPlan
from toolkit.runtime.contract import OverlapPolicy, RunId


class Standing(StrEnum):
    """How a schedule in the list stands."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    NOT_DEPLOYED = "NOT DEPLOYED"
    NO_FILE = "NO FILE"
    DELETED = "DELETED"


@frozen
class ScheduleRow:
    """One schedule in the list.

    ``spent`` says why it fires no more although it is enabled, ``changed`` whether its file is not
    what is deployed, and ``pause`` is one that is not over.
    """

    schedule: Schedule
    words: str
    next: LocalFiring | None
    standing: Standing
    spent: str
    changed: bool
    last: RunSummary | None
    pause: Pause | None = None


def plan(app: App, schedule: Schedule) -> StackPlan:
    """The plan of a schedule on what is deployed."""
    env = app.config.environment_of(schedule.workload, schedule.env)
    workload = app.project.catalog.workload(schedule.workload)
    check_settings(f"schedules/{schedule.name}.toml", workload, env)
    app.stacks  # noqa: B018 - in a few paged calls, instead of one for each workload
    return plans.schedule_plan(
        app.config,
        schedule,
        app.project.template("schedule"),
        platform=app.platform.values,
        task_definition_arn=app.workload(schedule.workload).task_definition_arn,
    )


def _without_file(app: App, known: Iterable[str]) -> dict[str, Schedule]:
    """The deployed schedules that have no file, as their stacks tell them."""
    catalog, files = app.project.catalog.workloads, set(known)
    return {
        name: evolve(schedule, workload=workload_of(name, catalog) or "")
        for name, schedule in app.stacks.schedules.items()
        if name not in files
    }


def rows(app: App) -> list[ScheduleRow]:
    """All schedules that have a file or a stack, with their next firing and last outcome."""
    files = app.project.schedules(app.config)
    stacks = app.stacks
    schedules = {**_without_file(app, files), **files}
    now = app.now()
    deployments = Deployments(app, now)
    listed = deployments.listed if stacks.platform else {}
    # A rate counts from when it was last changed, where that is known.
    changed = {name: listed[name].changed_at if name in listed else "" for name in schedules}
    timetables = {n: evolve(s, changed_at=changed[n]).timetable() for n, s in schedules.items()}
    last: dict[str, RunSummary] = {}
    if stacks.platform:
        last = latest_runs(app, deployments, running_tasks(app), now)
    return [
        ScheduleRow(
            schedule,
            timetables[name].expression.describe(),
            next(localize(islice(timetables[name].firings(now), 1), schedule.timezone), None),
            _standing(name, files, stacks.schedules, listed),
            timetables[name].spent(now),
            _differs(schedule, stacks.schedules.get(name), now),
            last.get(name),
            schedule.paused(now),
        )
        for name, schedule in sorted(schedules.items())
    ]


def _standing(
    name: str,
    files: Iterable[str],
    stacks: Iterable[str],
    listed: dict[str, Listed],
) -> Standing:
    if name not in stacks:
        return Standing.NOT_DEPLOYED
    if name not in listed:
        return Standing.DELETED
    return Standing(listed[name].state) if name in files else Standing.NO_FILE


def _differs(schedule: Schedule, deployed: Schedule | None, now: datetime) -> bool:
    """Whether what decides the firings is not deployed as the file has it."""
    if deployed is None:
        return False
    wanted = as_deployed(schedule, deployed, now)
    return wanted.timing != evolve(deployed, changed_at="").timing


def differences(app: App, *, thorough: bool = False, to_deploy: bool = False) -> list[Difference]:
    """Files ↔ deployed ↔ live.

    What is live is read whole only where the listing leaves a doubt; with ``thorough`` for every
    schedule, with ``to_deploy`` also for those whose file has changed.
    """
    now = app.now()
    deployed = app.stacks.schedules
    files = app.project.schedules(app.config)
    wanted = {
        name: Schedule.from_parameters(plan(app, schedule).parameters)
        for name, schedule in files.items()
    }
    listed = {row.name: row for row in app.scheduler.listed()}
    names = set(deployed) if thorough else set(suspects(deployed, listed))
    if to_deploy:
        both = wanted.keys() & deployed
        names |= {name for name in both if changes_of(deployed[name], wanted[name], now)}
    found = compare(wanted, deployed, listed, app.scheduler.find_all(sorted(names)), now)
    pauses = {name: schedule.paused(now) for name, schedule in files.items()}
    return [evolve(row, pause=pauses.get(row.name)) for row in found]


def apply(app: App, found: list[Difference], *, yes: bool, overwrite: bool) -> list[StackResult]:
    """Deploy the schedules whose file differs from what is deployed, several at a time.

    ``found`` are the differences that were shown. With ``overwrite``, what was changed by hand is
    set right too; without, such a schedule is refused before anything is deployed.
    """
    if not overwrite:
        ownership.check(row for row in found if row.to_deploy)
    names = [row.name for row in found if row.to_deploy or (overwrite and row.drift)]
    schedules = app.project.schedules(app.config)
    wanted = [plan(app, schedules[name]) for name in names if name in schedules]
    if not wanted:
        return []
    mine = [row for row in found if row.name in schedules]
    stacks = app.stacks.all
    if overwrite and not ownership.make_way(app, mine, wanted, stacks, yes=yes):
        return [StackResult(each.name, StackOutcome.DECLINED) for each in wanted]

    def check() -> None:
        if not overwrite:
            now = differences(app, to_deploy=True)
            ownership.check(row for row in now if row.to_deploy)

    return Layers(app, DeployOptions(yes=yes)).deploy(wanted, check=check)


def dump(app: App) -> tuple[Edit, dict[str, str]]:
    """The edit that makes the files say what is live, of every schedule in the app's group.

    A file that exists keeps its comments and its order. What cannot be a file of this project comes
    back by name, with the reason.
    """
    live = app.scheduler.find_all(row.name for row in app.scheduler.listed())
    project, config = app.project, app.config
    files = project.schedules(config)
    edit, left_out = Edit(), {}
    for name, found in sorted(live.items()):
        try:
            one = _dumped(app, found, files.get(name), edit)
            project.edited_schedule(config, name, one)
        except ConfigError as error:
            left_out[name] = f"{error.message}{f' ({error.hint})' if error.hint else ''}"
        else:
            edit = one
    return edit, left_out


def _dumped(app: App, live: Schedule, before: Schedule | None, edit: Edit) -> Edit:
    """The edit with one more schedule; raises ConfigError for an Input that is none of ours."""
    project, config, name = app.project, app.config, live.name
    try:
        changes = file_changes(live, before, config, project.catalog)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("its Input does not hold the toolkit's overrides") from error
    path, text = project.schedule_file(name), project.schedule_text(name)
    known = edit.changing(path, text, text or "")
    return project.edit(config.environment, name, changes, known)


def prune(app: App, *, yes: bool) -> list[str]:
    """Delete the deployed schedules that have no file: only stacks that carry this app's tag."""
    stale = pruning.plan(app, (SCHEDULE,)).stacks
    if not stale:
        return []
    app.console.say("\n".join(f"- {row.name}" for row in stale))
    count = "this schedule" if len(stale) == 1 else f"these {len(stale)} schedules"
    if not yes and not app.console.confirm(f"Delete {count} {app.place}?"):
        return []
    pruning.prune(app, stale)
    return [row.name for row in stale]


@frozen
class PlannedFiring:
    """One firing in a calendar.

    ``window`` is how late it may come, ``overlap`` how long the run before may still go on then;
    ``skipped`` says that it does no work in that case. ``assumed`` is the time of a rate without a
    start: the files do not say from when it counts. With a ``pause`` it would come then, and does
    not.
    """

    run_id: str
    schedule: str
    utc: datetime
    local: datetime
    overlap: timedelta | None = None
    window: timedelta = timedelta()
    pause: Pause | None = None
    skipped: bool = False
    assumed: bool = False


def calendar(
    project: Project, config: Config, now: datetime, until: datetime
) -> Iterator[PlannedFiring]:
    """Every firing of every schedule until a time, in order, overlaps within a schedule marked.

    The firings that a pause takes are among them.
    """
    schedules = project.schedules(config)
    timetables = {name: schedule.timetable() for name, schedule in schedules.items()}
    zones = {name: ZoneInfo(schedule.timezone) for name, schedule in schedules.items()}
    longest = {name: run_time(project, config, schedule) for name, schedule in schedules.items()}
    before = {name: timetable.previous(now) for name, timetable in timetables.items()}
    pauses = {name: each.paused_timetable() for name, each in schedules.items()}
    counted_from_now = {
        name
        for name, each in timetables.items()
        if isinstance(each.expression, Rate) and each.start is None
    }
    suspended = merge({name: each for name, each in pauses.items() if each}, now, until)
    coming = ((*row, False) for row in merge(timetables, now, until))
    for time, name, paused in heapq.merge(coming, ((*row, True) for row in suspended)):
        local = time.astimezone(zones[name])
        run_id = str(RunId(name, time))
        if paused:
            yield PlannedFiring(run_id, name, time, local, pause=schedules[name].pause)
            continue
        previous, before[name] = before[name], time
        window = schedules[name].flexible_window
        left = longest[name] + window - (time - previous) if previous else timedelta()
        overlap = left if left > timedelta() else None
        yield PlannedFiring(
            run_id,
            name,
            time,
            local,
            overlap,
            window,
            skipped=overlap is not None and schedules[name].overlap == OverlapPolicy.SKIP,
            assumed=name in counted_from_now,
        )


def run_time(project: Project, config: Config, schedule: Schedule) -> timedelta:
    """How long one run of a schedule may take."""
    env = config.environment_of(schedule.workload, schedule.env)
    workload = config.sized(project.catalog.workload(schedule.workload))
    return timedelta(seconds=workload.run_seconds(env))
