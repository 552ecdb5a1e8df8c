"""A schedule as its file tells it: when a workload runs, and with which environment."""

import difflib
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name, workload_of
from workloads.catalog import Catalog, Workload
from workloads.contract import ContractError

_KEYS = ("workload", "expression", "timezone", "state", "start", "end", "description", "env")
_STATES = ("ENABLED", "DISABLED")


@frozen
class Schedule:
    """One `schedules/<name>.toml`; ``start`` and ``end`` are ISO times in UTC, or empty."""

    name: str
    workload: str
    expression: str
    timezone: str = "UTC"
    state: str = "ENABLED"
    start: str = ""
    end: str = ""
    description: str = ""
    env: Mapping[str, str] = {}

    @property
    def file(self) -> str:
        """The file that owns this schedule, relative to the project."""
        return f"schedules/{self.name}.toml"


def parse(name: str, table: Mapping[str, Any], catalog: Catalog) -> Schedule:
    """Read the table of `schedules/<name>.toml`; raises ConfigError naming file and key."""
    where = f"schedules/{name}.toml"
    check_name("schedule", name)
    for key in table:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(_KEYS)}"
            raise ConfigError(f"{where}: unknown key {key!r}", hint=hint)
    if "expression" not in table:
        raise ConfigError(f"{where}: 'expression' is missing", hint='e.g. "cron(0 6 * * ? *)"')
    workload = _workload(name, table, catalog)
    env = {key: _env_text(where, key, value) for key, value in table.get("env", {}).items()}
    schedule = Schedule(
        name=name,
        workload=workload.name,
        env=env,
        **{key: str(table[key]) for key in _KEYS[1:-1] if key in table},
    )
    if schedule.state not in _STATES:
        raise ConfigError(f"{where}: state {schedule.state!r}", hint="ENABLED or DISABLED")
    check_environment(where, workload, env)
    return schedule


def check_environment(where: str, workload: Workload, env: Mapping[str, str]) -> None:
    """Refuse an environment that the workload would refuse, before anything is deployed."""
    try:
        workload.check_environment(env)
    except ContractError as error:
        problems = str(error).replace("\n", "\n  ")
        raise ConfigError(
            f"{where}: the environment does not fit workload {workload.name}\n  {problems}",
            hint=f"its settings stand in workloads/catalog.toml under workloads.{workload.name}",
        ) from error


def _workload(name: str, table: Mapping[str, Any], catalog: Catalog) -> Workload:
    fitting = workload_of(name, catalog.workloads)
    wanted = str(table.get("workload", fitting))
    try:
        workload = catalog.workload(wanted)
    except ContractError as error:
        raise ConfigError(
            f"schedules/{name}.toml: {error}", hint=f'write workload = "{fitting or "weather"}"'
        ) from error
    if workload_of(name, [workload.name]) is None:
        raise ConfigError(
            f"schedule {name!r} cannot run workload {workload.name}: its task role may write only "
            f"below runs/{workload.name} and runs/{workload.name}-*",
            hint=f"name the schedule {workload.name}-{name}",
        )
    return workload


def _env_text(where: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ConfigError(f"{where}: env {key} is a {type(value).__name__}", hint="write it as text")
