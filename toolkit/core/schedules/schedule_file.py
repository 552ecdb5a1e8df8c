"""The table of `schedules/<name>.toml`, checked key by key.

An environment may have a table of the same keys in `toolkit.toml`, ``[ENV.schedules.NAME]``; what
it holds goes before the file's.
"""

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.core.errors import ConfigError, unknown_key
from toolkit.core.names import AUDIT, check_name, workload_of
from toolkit.core.schedules.timing import Pause
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import ContractError, OverlapPolicy, parse_time

_TEXTS = ("expression", "timezone", "state", "start", "end", "description")
# How a firing becomes a task, by the words of the file: parameters of templates/schedule.yaml.
LAUNCH = {
    "flexible_window_minutes": "FlexibleWindowMinutes",
    "retry_attempts": "MaximumRetryAttempts",
    "event_age_seconds": "MaximumEventAgeInSeconds",
    "capacity_provider": "CapacityProvider",
}
# What the template has for each of them.
LAUNCH_DEFAULTS = {
    "flexible_window_minutes": "0",
    "retry_attempts": "0",
    "event_age_seconds": "900",
    "capacity_provider": "FARGATE",
}
OVERLAPS = tuple(str(policy) for policy in OverlapPolicy)
_KEYS = ("workload", *_TEXTS, *LAUNCH, "overlap", "pause", "env")
# What each key holds (see deploying/toml_text.check_shape).
SHAPE: Mapping[str, Any] = {
    **dict.fromkeys(("workload", "expression", "timezone", "state", "description"), "text"),
    **dict.fromkeys(("start", "end"), "time"),
    **dict.fromkeys(LAUNCH, "a whole number"),
    "capacity_provider": "text",
    "overlap": "text",
    "pause": ({"until": "time", "who": "text", "why": "text"}, False),
    "env": {"*": "setting"},
}
# An environment's table cannot choose another workload: the schedule's name is a permission.
ENVIRONMENT_SHAPE = {key: kind for key, kind in SHAPE.items() if key != "workload"}
_STATES = ("ENABLED", "DISABLED")
_PROVIDERS = ("FARGATE", "FARGATE_SPOT")
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_RetryPolicy.html
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_FlexibleTimeWindow.html
_RANGES = {
    "flexible_window_minutes": (0, 1440),
    "retry_attempts": (0, 185),
    "event_age_seconds": (60, 86_400),
}
_LONGEST_DESCRIPTION = 512


def audit_table(expression: str) -> dict[str, Any]:
    """The schedule of the audit, which has no file: `toolkit.toml` says how often."""
    return {
        "workload": AUDIT,
        "expression": expression,
        "description": "Looks at all other runs, and tells what changed",
    }


def read(
    name: str, table: Mapping[str, Any], catalog: Catalog, where: str | None = None
) -> dict[str, Any]:
    """The fields of a Schedule; raises ConfigError naming file and key.

    ``where`` is what messages call the table, if it is not the file alone.
    """
    where = where or f"schedules/{name}.toml"
    check_name("schedule", name)
    for key in table:
        if key not in _KEYS:
            raise unknown_key(where, key, _KEYS)
    if "expression" not in table:
        raise ConfigError(f"{where}: 'expression' is missing", hint='e.g. "cron(0 6 * * ? *)"')
    workload = _workload(name, table, catalog)
    env = _environment(where, table.get("env", {}))
    texts = {key: str(table[key]) for key in _TEXTS if key in table}
    for key in ("start", "end"):
        texts[key] = _utc(where, key, texts.get(key, ""))
    if texts.get("state", "ENABLED") not in _STATES:
        raise ConfigError(f"{where}: state {texts['state']!r} is neither ENABLED nor DISABLED")
    overlap = table.get("overlap", OVERLAPS[0])
    if overlap not in OVERLAPS:
        raise ConfigError(f"{where}: overlap {overlap!r} is neither {' nor '.join(OVERLAPS)}")
    if len(texts.get("description", "")) > _LONGEST_DESCRIPTION:
        raise ConfigError(f"{where}: the description has more than {_LONGEST_DESCRIPTION} letters")
    check_environment(where, workload, env)
    pause = _pause(where, table.get("pause"), texts["start"])
    if pause is not None:
        texts["start"] = max(texts["start"], pause.until)
    fields = {
        "name": name,
        "pause": pause,
        "workload": workload.name,
        "env": env,
        "overlap": overlap,
        **texts,
    }
    return {**fields, "launch": _launch(where, table), "zone_given": "timezone" in table}


def _pause(where: str, table: object, start: str) -> Pause | None:
    if table is None or table is False:
        return None
    if not isinstance(table, Mapping) or not table.get("until"):
        raise ConfigError(
            f"{where}: the pause does not say until when",
            hint='pause = { until = "2026-12-01T00:00:00Z", who = "…", why = "…" }',
        )
    until = _utc(where, "until", str(table["until"]))
    return Pause(until, str(table.get("who", "")), str(table.get("why", "")), start)


def merged(file: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """A file's table with an environment's over it; their settings are merged one by one.

    The file's pause is not that of an environment which fires once instead: a one-time schedule
    cannot be paused, and pausing all schedules leaves those out, too.
    """
    env = {**file.get("env", {}), **environment.get("env", {})}
    whole = {**file, **environment, **({"env": env} if env else {})}
    once = str(environment.get("expression", "")).startswith("at(")
    if once and "pause" not in environment:
        whole.pop("pause", None)
    return whole


def _launch(where: str, table: Mapping[str, Any]) -> dict[str, str]:
    """The template's parameters that the file sets."""
    for key, (least, most) in _RANGES.items():
        value = table.get(key, least)
        if type(value) is not int or not least <= value <= most:
            raise ConfigError(
                f"{where}: {key} = {value!r} is not a whole number from {least} to {most}"
            )
    provider = table.get("capacity_provider", _PROVIDERS[0])
    if provider not in _PROVIDERS:
        known = " nor ".join(_PROVIDERS)
        raise ConfigError(f"{where}: capacity_provider {provider!r} is neither {known}")
    return {parameter: str(table[key]) for key, parameter in LAUNCH.items() if key in table}


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
            f"schedules/{name}.toml: 'workload' is missing, and none is named like the schedule",
            hint=f"name it <workload>-{name}; the workloads are {', '.join(catalog.workloads)}",
        )
    wanted = str(table.get("workload", fitting))
    try:
        workload = catalog.workload(wanted)
    except ContractError as error:
        hint = f'write workload = "{fitting}"' if fitting else None
        raise ConfigError(f"schedules/{name}.toml: {error}", hint=hint) from error
    if workload_of(name, [workload.name]) is None:
        raise ConfigError(
            f"schedule {name!r} cannot run workload {workload.name}: its task role may write only "
            f"below runs/{workload.name} and runs/{workload.name}-*",
            hint=f"name the schedule {workload.name}-{name}",
        )
    return workload


def _environment(where: str, rows: object) -> dict[str, str]:
    if not isinstance(rows, Mapping):
        raise ConfigError(f"{where}: env is not a table", hint='[env] with lines NAME = "value"')
    return {key: _env_text(where, key, value) for key, value in rows.items()}


def _env_text(where: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise ConfigError(f"{where}: env {key} is a {type(value).__name__}", hint="write it as text")
