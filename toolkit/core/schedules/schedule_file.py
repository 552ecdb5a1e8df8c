"""The table of `schedules/<name>.toml`, checked key by key."""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.core.errors import ConfigError, unknown_key
from toolkit.core.names import check_name, workload_of
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import ContractError, parse_time

_KEYS = ("workload", "expression", "timezone", "state", "start", "end", "description", "env")
# What each key holds (see deploying/toml_text.check_shape).
SHAPE = {
    **dict.fromkeys(("workload", "expression", "timezone", "state", "description"), "text"),
    **dict.fromkeys(("start", "end"), "time"),
    "env": {"*": "setting"},
}
_STATES = ("ENABLED", "DISABLED")


def read(name: str, table: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    """The fields of a Schedule; raises ConfigError naming file and key."""
    where = f"schedules/{name}.toml"
    check_name("schedule", name)
    for key in table:
        if key not in _KEYS:
            raise unknown_key(where, key, _KEYS)
    if "expression" not in table:
        raise ConfigError(f"{where}: 'expression' is missing", hint='e.g. "cron(0 6 * * ? *)"')
    workload = _workload(name, table, catalog)
    env = _environment(where, table.get("env", {}))
    texts = {key: str(table[key]) for key in _KEYS[1:-1] if key in table}
    for key in ("start", "end"):
        texts[key] = _utc(where, key, texts.get(key, ""))
    if texts.get("state", "ENABLED") not in _STATES:
        raise ConfigError(f"{where}: state {texts['state']!r}", hint="ENABLED or DISABLED")
    check_environment(where, workload, env)
    fields = {"name": name, "workload": workload.name, "env": env, **texts}
    return {**fields, "zone_given": "timezone" in table}


def check_environment(where: str, workload: Workload, env: Mapping[str, str]) -> None:
    """Refuse names and values that the workload would refuse; ``env`` may be part of the whole."""
    _refuse(where, workload, lambda: workload.check_environment(env))


def check_settings(where: str, workload: Workload, env: Mapping[str, str]) -> None:
    """Refuse what a run would refuse, contradictions included, before anything is deployed.

    ``env`` is all that the run would be given: the environment's settings, the schedule's over
    them, and those of the call.
    """
    _refuse(where, workload, lambda: workload.settings(env))


def _refuse(where: str, workload: Workload, check: Callable[[], object]) -> None:
    try:
        check()
    except ContractError as error:
        problems = str(error).replace("\n", "\n  ")
        raise ConfigError(
            f"{where}: the environment does not fit workload {workload.name}\n  {problems}",
            hint=f"its settings stand in workloads/catalog.toml under workloads.{workload.name}",
        ) from error


def _utc(where: str, key: str, text: str) -> str:
    """A time as the template takes it, whatever its offset; empty stays empty."""
    if not text:
        return ""
    try:
        return parse_time(text).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ContractError, OverflowError) as error:
        raise ConfigError(
            f"{where}: {key} {text!r} is not a time with its zone",
            hint=f'e.g. {key} = "2026-12-01T00:00:00Z", or "2026-12-01T00:00:00+01:00"',
        ) from error


def _workload(name: str, table: Mapping[str, Any], catalog: Catalog) -> Workload:
    fitting = workload_of(name, catalog.workloads)
    if fitting is None and "workload" not in table:
        raise ConfigError(
            f"schedule {name!r} does not say which workload it runs",
            hint=f"name it <workload>-{name}; the workloads are {', '.join(catalog.workloads)}",
        )
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


def _environment(where: str, rows: object) -> dict[str, str]:
    if not isinstance(rows, Mapping):
        raise ConfigError(f"{where}: env is no table", hint='[env] with lines NAME = "value"')
    return {key: _env_text(where, key, value) for key, value in rows.items()}


def _env_text(where: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ConfigError(f"{where}: env {key} is a {type(value).__name__}", hint="write it as text")
