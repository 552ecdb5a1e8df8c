"""Look at every ECS schedule of the account and region that is not this app's own. Read-only."""

from toolkit.adapters.aws import foreign_schedules
from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.roles import PermissionQuestion, role
from toolkit.adapters.side_by_side import side_by_side
from toolkit.app.app import App
from toolkit.core.deploying.adopting import Adoption, ForeignSchedule, adoption
from toolkit.core.deploying.facts import Queue, Role, Unknown

_SERVICES = {"schedule": "scheduler.amazonaws.com", "rule": "events.amazonaws.com"}
_NO_SIMULATION = Unknown("the embedded AWS simulates no role with a path")


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
    """The role of each, asked whether it may run just this task definition."""
    keys = list(
        dict.fromkeys((row.kind, row.role_arn, row.task_definition) for row in rows if row.role_arn)
    )

    def one(key: tuple[str, str, str]) -> Role | Unknown:
        kind, arn, definition = key
        questions = [PermissionQuestion("ecs:RunTask", definition)]
        given = _NO_SIMULATION if app.local else questions
        return asked(lambda: role(app.aws, arn, _SERVICES[kind], given))

    return dict(zip(keys, side_by_side(one, keys), strict=True))


def _queues(app: App, rows: list[ForeignSchedule]) -> dict[str, Queue | Unknown]:
    arns = list(dict.fromkeys(row.dead_letter_arn for row in rows if row.dead_letter_arn))
    found = side_by_side(lambda arn: asked(lambda: foreign_schedules.queue(app.aws, arn)), arns)
    return dict(zip(arns, found, strict=True))
