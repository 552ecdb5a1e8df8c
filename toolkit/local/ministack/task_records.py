"""ECS tasks on disk as they change: one small file per task, for as long as ECS remembers it."""

import json
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ecs

from . import snapshots

Json = dict[str, Any]
_HOME = snapshots.DIRECTORY / "tasks"


def install() -> None:
    """Take the tasks out of ministack's state, and into files of their own."""
    state, load, reset = ecs.get_state, ecs.load_persisted_state, ecs.reset

    def load_and_restore(saved: Any) -> None:
        load(saved)
        _restore()

    def reset_and_wipe() -> None:
        reset()
        for path in _HOME.glob("*"):
            path.unlink()

    ecs.get_state = lambda: {**state(), "tasks": AccountRegionScopedDict()}
    ecs.load_persisted_state = load_and_restore
    ecs.reset = reset_and_wipe


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


def _restore() -> None:
    for path in _HOME.glob("*.new"):  # a kill came between
        path.unlink()
    for path in _HOME.glob("*.json"):
        account, region, task = json.loads(path.read_text())
        ecs._tasks.set_scoped(account, region, task["taskArn"], task)
        if task["lastStatus"] != "STOPPED":
            # Nobody carries it on. `ecs.live_tasks` ends it, once it is known what time it is.
            task["lastStatus"] = "STOPPED"
        if task["tags"]:
            ecs._tags.set_scoped(account, region, task["taskArn"], list(task["tags"]))
