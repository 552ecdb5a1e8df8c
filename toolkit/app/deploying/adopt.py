"""Look at every ECS schedule of the account and region that is not this app's own. Read-only."""

from toolkit.adapters.aws import foreign_schedules
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.roles import NO_SIMULATION, PermissionQuestion, role, task_roles
from toolkit.adapters.aws.session import Aws
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.deploying.adopting import Adoption, ForeignSchedule, adoption
from toolkit.core.deploying.facts import Queue, Role, Unknown

_SERVICES = {"schedule": "scheduler.amazonaws.com", "rule": "events.amazonaws.com"}


def plan(app: App) -> list[Adoption]:
    """All of them by kind, group and name; those of the app's own schedule group are left out."""
    found = [*foreign_schedules.schedules(app.aws), *foreign_schedules.rules(app.aws)]
    foreign = [row for row in found if row.kind == "rule" or row.group != app.name]
    ordered = sorted(foreign, key=lambda row: (row.kind, row.group, row.timing.name))
    roles = _roles(app, ordered)
    queues = _queues(app, ordered)
    now = app.now()
    return [
        adoption(
            row,
            roles.get((row.kind, row.role_arn, row.task_definition)),
            queues.get(row.dead_letter_arn),
            now,
        )
        for row in ordered
    ]


def _roles(app: App, rows: list[ForeignSchedule]) -> dict[tuple[str, str, str], Role | Unknown]:
    keys = list(
        dict.fromkeys((row.kind, row.role_arn, row.task_definition) for row in rows if row.role_arn)
    )

    def one(key: tuple[str, str, str]) -> Role | Unknown:
        return asked(lambda: launcher(app.aws, *key, simulated=not app.local))

    return dict(zip(keys, side_by_side(one, keys), strict=True))


def launcher(aws: Aws, kind: str, arn: str, task_definition: str, *, simulated: bool) -> Role:
    """The role of a schedule or rule: may it run just this task definition, and pass its roles?

    What it overrides is not looked at.
    """
    found = asked(lambda: task_roles(aws, task_definition)) if simulated else NO_SIMULATION
    if isinstance(found, Unknown):
        return role(aws, arn, _SERVICES[kind], found)
    passed = sorted({found.execution, found.task} - {""})
    questions = [PermissionQuestion("ecs:RunTask", task_definition)]
    questions += map(PermissionQuestion.of_passing, passed)
    return role(aws, arn, _SERVICES[kind], questions)


def _queues(app: App, rows: list[ForeignSchedule]) -> dict[str, Queue | Unknown]:
    arns = list(dict.fromkeys(row.dead_letter_arn for row in rows if row.dead_letter_arn))
    found = side_by_side(lambda arn: asked(lambda: foreign_schedules.queue(app.aws, arn)), arns)
    return dict(zip(arns, found, strict=True))
