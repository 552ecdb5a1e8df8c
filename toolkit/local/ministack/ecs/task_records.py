"""ECS tasks on disk as they change: one small file per task, for as long as ECS remembers it."""

import json
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ecs

from toolkit.local.ministack.state import snapshots

Json = dict[str, Any]
_HOME = snapshots.DIRECTORY / "tasks"


@snapshots.saves("ecs")
def _state() -> Json:
    return {**ecs.get_state(), "tasks": AccountRegionScopedDict()}


def wipe() -> None:
    """Forget everything."""
    for path in _HOME.glob("*"):
        path.unlink()


def keep(task: Json) -> None:
    """Write a task down as it is now; nobody has been told of it yet."""
    _HOME.mkdir(parents=True, exist_ok=True)
    path = _HOME / _name(task)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps([get_account_id(), get_region(), task]))
    draft.replace(path)


def forget(task: Json) -> None:
    """ECS has forgotten a task."""
    (_HOME / _name(task)).unlink(missing_ok=True)


def _name(task: Json) -> str:
    return f"{task['taskArn'].rsplit('/', 1)[-1]}.json"


def restore() -> None:
    """Give ECS its tasks back."""
    for path in _HOME.glob("*.new"):  # a kill came between
        path.unlink()
    for path in _HOME.glob("*.json"):
        account, region, task = json.loads(path.read_text())
        ecs._tasks.set_scoped(account, region, task["taskArn"], task)
        if task["lastStatus"] != "STOPPED":
            # Nobody carries it on. `tasks.live_tasks` ends it, once it is known what time it is.
            task["lastStatus"] = "STOPPED"
        if task["tags"]:
            ecs._tags.set_scoped(account, region, task["taskArn"], list(task["tags"]))
