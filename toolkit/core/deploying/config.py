"""`toolkit.toml`: the app, and how it differs between environments.

The file has a ``[default]`` table and one table for each other environment, which inherits from
it key by key. ``--local`` reads the environment ``local``.

``[ENV.schedules.NAME]`` goes before the file of that schedule, and ``[ENV.workloads.NAME]`` before
the size in the catalog, key by key.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import evolve, frozen

from toolkit.core.deploying import parameters, sizes, tags
from toolkit.core.deploying.executor import Executor, read_executor
from toolkit.core.deploying.strays import Stray
from toolkit.core.errors import ConfigError, unknown_key
from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.expressions.expression import parse as parse_expression
from toolkit.core.expressions.kinds import Rate
from toolkit.core.names import AppNames, check_name
from toolkit.core.schedules.schedule_file import ENVIRONMENT_SHAPE, check_environment
from toolkit.runtime.catalog import Catalog, Workload
from toolkit.runtime.contract import ContractError

CONFIG = "toolkit.toml"
DEFAULT, LOCAL = "default", "local"
OFF = "off"
_SLOWEST_AUDIT = timedelta(hours=1)
_KEYS = (
    "app",
    "account",
    "region",
    "profile",
    "image",
    "build",
    "executor",
    "audit",
    "audit_parameters",
    "platform",
    "workload",
    "schedule",
    "schedules",
    "workloads",
    "tags",
    "env",
)

_SETTINGS = {"*": "setting"}
# What each key of an environment holds (see toml_text.check_shape).
SHAPE = {
    "*": {
        **dict.fromkeys(("app", "region", "profile", "image", "executor", "audit"), "text"),
        **dict.fromkeys(
            ("build", "platform", "workload", "schedule", "audit_parameters"), _SETTINGS
        ),
        "account": "any",
        "env": {"*": _SETTINGS},
        "schedules": {"*": ENVIRONMENT_SHAPE},
        "workloads": {"*": sizes.SHAPE},
        "tags": {"*": "text"},
    }
}


@frozen
class EnvironmentTable:
    """One table of an environment, as it was read; ``where`` is what messages call it."""

    where: str
    values: Mapping[str, Any]


@frozen
class Config:
    """One environment of `toolkit.toml`.

    ``account`` is the only one that it may be deployed to. ``executor`` is how the embedded AWS is
    to run tasks; None leaves the choice to the deployment. ``platform``, ``workload`` and
    ``schedule`` hold template parameters; ``env`` holds, for each workload, settings that lie below
    those of a schedule. ``schedules`` holds, by name, what goes before a schedule's file, and
    ``workloads`` what goes before a workload's size. ``tags`` are those of every stack.
    ``strays`` are tables, of all environments, for what the project does not have: left out.
    ``audit`` is how often the audit looks, None where it is off; ``local_audit`` is the same for
    the embedded AWS, which has one only where [local] says so. ``embedded`` says that this is
    what the embedded AWS is to hold.
    """

    environment: str
    app: AppNames
    account: str | None = None
    region: str | None = None
    profile: str | None = None
    image: str | None = None
    build: Mapping[str, str] = {}
    executor: Executor | None = None
    platform: Mapping[str, str] = {}
    workload: Mapping[str, str] = {}
    schedule: Mapping[str, str] = {}
    env: Mapping[str, Mapping[str, str]] = {}
    audit: str | None = None
    local_audit: str | None = None
    audit_parameters: Mapping[str, str] = {}
    schedules: Mapping[str, EnvironmentTable] = {}
    workloads: Mapping[str, EnvironmentTable] = {}
    tags: Mapping[str, str] = {}
    strays: tuple[Stray, ...] = ()
    embedded: bool = False

    @property
    def flags(self) -> str:
        """What follows a command of the toolkit that is to find this environment."""
        where = " --local" if self.embedded or self.environment == LOCAL else ""
        named = self.environment not in {DEFAULT, LOCAL}
        return f"{where} --config-env {self.environment}" if named else where

    def names(self, text: str) -> bool:
        """Whether some workload's setting is this text."""
        return any(text in rows.values() for rows in self.env.values())

    def replacing(self, text: str, by: str) -> "Config":
        """The same with every setting that is ``text`` set to ``by``."""
        env = {
            workload: {name: by if value == text else value for name, value in rows.items()}
            for workload, rows in self.env.items()
        }
        return evolve(self, env=env)

    def sized(self, workload: Workload) -> Workload:
        """The workload with its size in this environment; ConfigError for what Fargate refuses."""
        own = self.workloads.get(workload.name)
        if own is not None:
            where = own.where
        elif any(name in self.workload for name in sizes.PARAMETERS.values()):
            where = f"{CONFIG} [{self.environment}.workload], workload {workload.name}"
        else:
            where = f"workloads/catalog.toml [workloads.{workload.name}]"
        return sizes.sized(workload, self.workload, own.values if own else {}, where)

    def workload_parameters(self, name: str) -> dict[str, str]:
        """Parameters of a workload's template: those for all workloads, its own before them."""
        own = self.workloads.get(name)
        values = own.values if own else {}
        return {
            **self.workload,
            **{sizes.ENVIRONMENT_PARAMETERS[key]: str(value) for key, value in values.items()},
        }

    def environment_of(self, workload: str, env: Mapping[str, str]) -> dict[str, str]:
        """The settings of a run: this environment's, then the schedule's own over them."""
        return {**self.env.get(workload, {}), **env}


def parse(document: Mapping[str, Any], environment: str, catalog: Catalog) -> Config:
    """Read one environment; raises ConfigError naming the table and the key."""
    for key, value in document.items():
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"toolkit.toml: {key} is above the first table, where it has no effect",
                hint=f"move it below [{DEFAULT}] or another environment",
            )
    if environment not in document and environment not in {DEFAULT, LOCAL}:
        known = ", ".join(document) or "none"
        raise ConfigError(
            f"toolkit.toml has no environment {environment!r}", hint=f"it has {known}"
        )
    table = _merge(document.get(DEFAULT, {}), document.get(environment, {}))
    for key in table:
        if key not in _KEYS:
            raise unknown_key(f"toolkit.toml [{environment}]", key, _KEYS)
    if "app" not in table:
        raise ConfigError("toolkit.toml: 'app' is missing", hint='e.g. app = "nightly"')
    env = {name: _texts(rows) for name, rows in table.get("env", {}).items()}
    for name, rows in env.items():
        where = f"toolkit.toml [{environment}.env.{name}]"
        try:
            check_environment(where, catalog.workload(name), rows)
        except ContractError as error:
            raise ConfigError(f"{where}: {error}") from error
    return Config(
        environment=environment,
        app=AppNames(check_name("app", str(table["app"]))),
        account=_account(table.get("account")),
        region=table.get("region"),
        profile=table.get("profile"),
        image=table.get("image"),
        build=_texts(table.get("build", {})),
        executor=_executor(table.get("executor")),
        audit=_audit(environment, table),
        local_audit=_audit(LOCAL, document.get(LOCAL, {})),
        audit_parameters=_texts(table.get("audit_parameters", {})),
        platform=_texts(table.get("platform", {})),
        workload=_texts(table.get("workload", {})),
        schedule=_schedule(environment, table),
        env=env,
        schedules=_tables(document, environment, "schedules", table),
        workloads=_tables(document, environment, "workloads", table),
        tags=_tags(environment, table.get("tags", {})),
    )


def _tags(environment: str, rows: Mapping[str, str]) -> Mapping[str, str]:
    tags.check(f"{CONFIG} [{environment}.tags]", rows)
    return rows


def _schedule(environment: str, table: Mapping[str, Any]) -> dict[str, str]:
    """Parameters for all schedules; those that a schedule's own file decides are refused."""
    given = _texts(table.get("schedule", {}))
    parameters.check_own(environment, "schedule", given)
    return given


def _tables(
    document: Mapping[str, Any], environment: str, key: str, table: Mapping[str, Any]
) -> dict[str, EnvironmentTable]:
    own = document.get(environment, {}).get(key, {})
    return {
        name: EnvironmentTable(
            f"toolkit.toml [{environment if name in own else DEFAULT}.{key}.{name}]",
            # A pause is one word: it takes no reason from the pause of [default].
            {**values, **{k: v for k, v in own.get(name, {}).items() if k == "pause"}},
        )
        for name, values in table.get(key, {}).items()
    }


def _audit(environment: str, table: Mapping[str, Any]) -> str | None:
    """How often the audit looks; None where it is off, as it is unless a table says otherwise."""
    text = str(table.get("audit", OFF))
    if text == OFF:
        return None
    where = f"toolkit.toml [{environment}]: audit"
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
    # ECS tells of a stopped task for about an hour, and the alarm waits for two.
    if not isinstance(expression, Rate) or expression.interval > _SLOWEST_AUDIT:
        raise ConfigError(
            f"{where}: {text!r} is not a rate of an hour or less",
            hint='audit = "rate(30 minutes)", or audit = "off"',
        )
    return text


def _account(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch(r"[0-9]{12}", value)):
        return value
    raise ConfigError(
        f"toolkit.toml: account {value!r} is not an AWS account number",
        hint='12 digits as text, e.g. account = "123456789012"',
    )


def _executor(value: Any) -> Executor | None:
    return None if value is None else read_executor("toolkit.toml: executor", str(value))


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(merged.get(key), Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(merged[key], value) if nested else value
    return merged


def _texts(rows: Mapping[str, Any]) -> dict[str, str]:
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in rows.items()
    }
