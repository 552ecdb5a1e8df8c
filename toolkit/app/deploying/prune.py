"""Delete the stacks of retired schedules and workloads: the project does not have them any more.

Of a workload its log group stays, alone in its stack, so that runs of it can still be judged. It
goes once the retention of its lines is over.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial

from attrs import frozen

from toolkit.adapters.aws.belongings import Belongings
from toolkit.adapters.bucket.lock import DeployLock
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.app.schedules import history
from toolkit.core.deploying.plans import LOG, SCHEDULE, WORKLOAD, log_plan
from toolkit.core.deploying.retired import Retired, outdated_logs, retired
from toolkit.core.names import AUDIT, task_id
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.stack import GOOD, Action

_ORDER = (SCHEDULE, WORKLOAD, LOG)


@frozen
class Pruning:
    """What can go now, and why the rest has to stay for now, by stack."""

    stacks: tuple[Retired, ...] = ()
    held: tuple[tuple[Retired, str], ...] = ()


def listed(app: App) -> list[Retired]:
    """Every stack of a schedule without a file or a workload without a table of the catalog.

    Those of the audit are made by a key of toolkit.toml: they are retired where it is off.
    """
    stacks = list(app.stacks.all.values())
    audit = (AUDIT,) if app.config.audit else ()
    schedules = (*app.project.schedule_names(), *audit)
    found = retired(app.names, stacks, schedules, (*app.project.catalog.workloads, *audit))
    return [*found, *outdated_logs(app.names, stacks, app.now())]


def plan(app: App, nouns: Collection[str] = _ORDER) -> Pruning:
    """What can be deleted; a workload stays while a schedule or a task needs it."""
    found = [row for row in listed(app) if row.noun in nouns]
    going = {row.name for row in found if row.noun == SCHEDULE}
    workloads = [row for row in found if row.noun == WORKLOAD]
    needed = _needed(app, going) if workloads else {}
    why = {row: needed.get(app.names.family(row.name), "") for row in workloads}
    held = [(row, reason) for row, reason in why.items() if reason]
    kept = {row for row, _ in held}
    return Pruning(tuple(row for row in found if row not in kept), tuple(held))


def prune(app: App, stacks: Sequence[Retired]) -> None:
    """Delete stacks, schedules first, under the lock that keeps deployments away.

    Of a workload, all but its log. The revisions of its task definition are deregistered: nothing
    can run them any more.
    """
    with _lock(app):
        for noun in _ORDER:
            names = [row.stack for row in stacks if row.noun == noun]
            remove = _all_but_its_log if noun == WORKLOAD else _whole
            side_by_side(partial(remove, app), names)
            if names and noun == SCHEDULE and app.stacks.platform is not None:
                app.forget_stacks()
                history.record(app)
        belongings = Belongings(app.aws, app.name)
        for row in stacks:
            if row.noun == WORKLOAD:
                for arn in belongings.revisions(app.names.family(row.name)):
                    belongings.deregister(arn)
    app.forget_stacks()


def _whole(app: App, name: str) -> None:
    app.formation.delete(name, app.console.event)


def _all_but_its_log(app: App, name: str) -> None:
    """Bring a workload's stack to `templates/log.yaml`; one without such a log goes whole."""
    stack = app.stacks.all[name]
    if stack.status not in GOOD or "LogGroupName" not in stack.outputs:
        _whole(app, name)
        return
    plan = log_plan(app.config, stack, app.project.template(LOG))
    change_set = app.formation.prepare(plan, say=app.console.say)
    if any(change.action is Action.ADD for change in change_set.changes):
        # The project's own template calls it otherwise.
        app.formation.discard(change_set)
        _whole(app, name)
        return
    app.formation.execute(change_set, app.console.event)


def _lock(app: App) -> AbstractContextManager[None]:
    if app.stacks.platform is None:
        return nullcontext()  # it is kept in the platform's bucket
    return DeployLock(app.aws, app.platform.bucket_name).held_by(app.console.say)


def _needed(app: App, going: Collection[str]) -> dict[str, str]:
    """Who needs a task definition, by its family: schedules that stay, and tasks that run."""
    if app.stacks.platform is None:
        return {}
    deployed = app.stacks.schedules
    unowned = [row.name for row in app.scheduler.listed() if row.name not in deployed]
    schedules: list[Schedule] = [*deployed.values(), *app.scheduler.find_all(unowned).values()]
    needed = {
        _family(schedule.launch.get("TaskDefinitionArn", "")): f"schedule {schedule.name} runs it"
        for schedule in schedules
        if schedule.name not in going
    }
    for task in app.ecs.describe(app.ecs.running()):
        needed[_family(task.task_definition_arn or "")] = f"task {task_id(task.task_arn)} runs"
    return needed


def _family(task_definition: str) -> str:
    """The family of a revision's ARN.

    >>> _family("arn:aws:ecs:eu-central-1:123456789012:task-definition/app-weather:7")
    'app-weather'
    """
    return task_definition.rpartition("/")[2].partition(":")[0]
