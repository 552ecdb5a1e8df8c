"""Live schedules as the files that would make them."""

from collections.abc import Mapping
from typing import Any

from toolkit.core.deploying.config import Config
from toolkit.core.names import workload_of
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.target import own_environment
from toolkit.runtime.catalog import Catalog

_OPTIONAL = ("start", "end", "description")


def file_changes(
    live: Schedule, before: Schedule | None, config: Config, catalog: Catalog
) -> dict[str, Any]:
    """What to change in a schedule's file so that it makes what is live; None removes a key.

    The task definition names the workload. Settings that `toolkit.toml` gives anyway, the
    contract's own variables and the description that the template writes by itself are left out.
    """
    workload = _workload(live, config, catalog)
    wanted: dict[str, Any] = {
        "workload": workload or (before.workload if before else None),
        "expression": live.expression,
        "timezone": live.timezone,
        "state": live.state,
        **{key: getattr(live, key) or None for key in _OPTIONAL},
        "overlap": live.overlap if before or live.overlap != "allow" else None,
        **_launch(live, before, config),
    }
    if live.description == f"{live.name} of {config.app.name}":
        wanted["description"] = None
    known = _known(before, wanted) if before else {}
    changes = {key: value for key, value in wanted.items() if known.get(key) != value}
    own = _own(live, before, config.env.get(workload, {}))
    return {**changes, "env": own} if own else changes


def _workload(live: Schedule, config: Config, catalog: Catalog) -> str:
    """The workload whose task definition a schedule runs, or else the one that its name fits."""
    revision = live.launch.get("TaskDefinitionArn", "").rpartition("/")[2]
    family = revision.partition(":")[0]
    named = family.removeprefix(f"{config.app.name}-")
    if named in catalog.workloads and family == config.app.family(named):
        return named
    return workload_of(live.name, catalog.workloads) or ""


def _launch(live: Schedule, before: Schedule | None, config: Config) -> dict[str, Any]:
    """How its firings become tasks, where nothing else says so already."""
    given = before.launch if before else config.schedule
    usual = Schedule("", "", "", launch=given).launch_words
    words = live.launch_words.items()
    return {
        key: int(text) if text.isdecimal() else text for key, text in words if usual[key] != text
    }


def _known(before: Schedule, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What is set before, by the keys of the file; a launch key stands there only to differ."""
    return {key: getattr(before, key, None) or None for key in wanted}


def _own(
    live: Schedule, before: Schedule | None, given: Mapping[str, str]
) -> dict[str, str | None]:
    """The variables to set, and as None those to take out."""
    found = own_environment(live.input)
    env = before.env if before else {}
    wanted: dict[str, str | None] = {
        name: value for name, value in found.items() if name in env or given.get(name) != value
    }
    wanted |= dict.fromkeys(env.keys() - found.keys())
    return {name: value for name, value in sorted(wanted.items()) if env.get(name) != value}
