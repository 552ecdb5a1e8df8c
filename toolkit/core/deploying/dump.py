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

    Settings that `toolkit.toml` gives anyway, the contract's own variables and the description that
    the template writes by itself are left out.
    """
    workload = workload_of(live.name, catalog.workloads) or ""
    wanted: dict[str, Any] = {
        "workload": before.workload if before else workload or None,
        "expression": live.expression,
        "timezone": live.timezone,
        "state": live.state,
        **{key: getattr(live, key) or None for key in _OPTIONAL},
        "overlap": live.overlap if before or live.overlap != "allow" else None,
    }
    if live.description == f"{live.name} of {config.app.name}":
        wanted["description"] = None
    known = {key: getattr(before, key) or None for key in wanted} if before else {}
    changes = {key: value for key, value in wanted.items() if known.get(key) != value}
    own = _own(live, before, config.env.get(workload, {}))
    return {**changes, "env": own} if own else changes


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
