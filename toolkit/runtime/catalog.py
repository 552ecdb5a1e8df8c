"""The catalog of workloads: what can run, with which settings, and what it must leave behind.

`catalog.toml` declares each workload once, as data. The image reads its settings through it, the
toolkit sizes the task definition, checks a schedule's environment and validates runs with it.
"""

import difflib
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any

from attrs import asdict, frozen

from toolkit.runtime import documents
from toolkit.runtime.command_line import check_command
from toolkit.runtime.contract import CONTRACT_VARIABLES, Artifact, ContractError, Gate, Json
from toolkit.runtime.documents import FORMAT, DocumentError
from toolkit.runtime.rules import Rule
from toolkit.runtime.variable import TYPES, Variable


@frozen
class ExpectedArtifact:
    """An artifact that a successful run leaves behind."""

    name: str
    media_type: str
    min_bytes: int = 1
    min_rows: int | None = None

    def shortfall(self, artifacts: Iterable[Artifact]) -> str | None:
        """How what a run made falls short of it; None where it does not."""
        made = next((each for each in artifacts if each.name == self.name), None)
        if made is None:
            return "the catalog expects it, the run did not make it"
        if made.media_type != self.media_type:
            return f"its media type is {made.media_type}, expected {self.media_type}"
        if made.bytes < self.min_bytes:
            return f"{made.bytes:,} bytes, expected {self.min_bytes:,}"
        if self.min_rows is not None and (made.rows or 0) < self.min_rows:
            return f"{made.rows} rows, expected {self.min_rows:,}"
        return None


@frozen
class Secret:
    """A variable that ECS fills from Secrets Manager or Parameter Store when a task starts.

    ``source`` is ``secretsmanager:NAME``, with ``:KEY`` for one key of its JSON, or ``ssm:NAME``.
    """

    name: str
    source: str


@frozen
class Workload:
    """What can run: its code, its size and what is expected of it.

    ``cpu`` is in CPU units (1024 = 1 vCPU), ``memory`` in MiB, as Fargate takes them:
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
    ``ephemeral_storage_gib`` is the task's disk, image included.
    ``gates`` are names of gates that every successful run has, with ``*`` for any text.
    ``services`` are the AWS clients that it uses, besides S3 and STS, by boto3's names.
    It has an ``entry_point``, a function as ``module:name``, or a ``command``, a program's words.
    ``policies`` are files of the project with statements for its task role.
    """

    name: str
    summary: str
    cpu: int
    memory: int
    max_runtime_seconds: int
    entry_point: str = ""
    command: tuple[str, ...] = ()
    kind: str = "batch"
    variables: tuple[Variable, ...] = ()
    artifacts: tuple[ExpectedArtifact, ...] = ()
    events: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    services: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = ()
    policies: tuple[str, ...] = ()
    ephemeral_storage_gib: int = 20

    def row(self) -> bytes:
        """The workload as the bucket keeps it, below ``catalog/``: what a run is judged by.

        The same workload always gives the same bytes, so their digest names it.
        """
        document = {FORMAT: "catalog/1", **asdict(self)}
        return json.dumps(document, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def from_row(cls, content: bytes) -> "Workload":
        """Read a row; raises ContractError when it is none or of a later format."""
        try:
            return documents.read(cls, documents.load(content, "catalog"), "catalog")
        except DocumentError as error:
            raise ContractError(str(error)) from error

    @property
    def digest(self) -> str:
        """The SHA-256 of the row, in hexadecimal."""
        return hashlib.sha256(self.row()).hexdigest()

    def variable(self, name: str) -> Variable:
        """The variable of that name; raises ContractError with the nearest known name."""
        for variable in self.variables:
            if variable.name == name:
                return variable
        known = [variable.name for variable in self.variables]
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known) or 'none'}"
        raise ContractError(f"workload {self.name} has no setting {name}: {hint}")

    def run_seconds(self, environment: Mapping[str, str]) -> int:
        """How long a run may take: what ``RUN_SECONDS`` asks for, or else the maximum runtime."""
        for variable in self.variables:
            if variable.name == "RUN_SECONDS":
                return int(variable.parse(environment.get(variable.name, variable.default)))
        return self.max_runtime_seconds

    def settings(self, environment: Mapping[str, str]) -> dict[str, Json]:
        """Typed settings from an environment, with every problem in one ContractError.

        Keys are the variables' names in lower case. Variables of the environment that the catalog
        does not know are the container's own business (PATH, AWS_REGION) and are left alone.
        """
        problems: list[str] = []
        values: dict[str, Json] = {}
        texts: dict[str, str] = {}
        for variable in self.variables:
            text = environment.get(variable.name, variable.default)
            texts[variable.name] = str(variable.shown(text))
            try:
                values[variable.name] = variable.parse(text)
            except ContractError as error:
                problems.append(str(error))
        problems += [
            rule.contradiction(texts)
            for rule in self.rules
            # A value that is wrong by itself has been reported already.
            if values.keys() >= {*rule.names} and rule.broken(values)
        ]
        if problems:
            raise ContractError("\n".join(problems))
        return {name.lower(): value for name, value in values.items()}

    def missing_gates(self, gates: Iterable[Gate]) -> list[str]:
        """The names in ``gates`` that no gate of a run has."""
        names = [gate.name for gate in gates]
        return [each for each in self.gates if not any(fnmatchcase(name, each) for name in names)]

    def shortfalls(self, artifacts: Sequence[Artifact], gates: Sequence[Gate]) -> list[str]:
        """What keeps a run with these artifacts and gates from being a success, in words."""
        short = ((each.name, each.shortfall(artifacts)) for each in self.artifacts)
        missing = [f"gate {name}: the run has no such gate" for name in self.missing_gates(gates)]
        return [*(f"{name}: {why}" for name, why in short if why), *missing]

    def check_environment(self, environment: Mapping[str, str]) -> None:
        """Refuse what a schedule must not set: unknown names, the contract's own, bad values.

        Part of a run's environment may be given: contradictions are left to `settings`.
        """
        problems: list[str] = []
        for name, text in environment.items():
            try:
                if name in CONTRACT_VARIABLES:
                    raise ContractError(f"{name} belongs to the execution contract; do not set it")
                self.variable(name).parse(text)
            except ContractError as error:
                problems.append(str(error))
        if problems:
            raise ContractError("\n".join(problems))


@frozen
class Catalog:
    """All workloads by name."""

    workloads: Mapping[str, Workload]

    def workload(self, name: str) -> Workload:
        """The workload of that name; raises ContractError listing the known ones."""
        try:
            return self.workloads[name]
        except KeyError:
            known = ", ".join(sorted(self.workloads))
            raise ContractError(f"no workload {name!r} in the catalog; it has {known}") from None

    @classmethod
    def parse(cls, text: str) -> "Catalog":
        """Read the text of a `catalog.toml`."""
        tables = tomllib.loads(text).get("workloads", {})
        if not isinstance(tables, dict):
            raise ContractError("catalog.toml: workloads is not a table")
        return cls({name: _workload(name, table) for name, table in tables.items()})


@cache
def load() -> Catalog:
    """The catalog of the project's `workloads` package, as it stands in the image."""
    return Catalog.parse(resources.files("workloads").joinpath("catalog.toml").read_text("utf-8"))


def reserved() -> Catalog:
    """The toolkit's own workload, the audit; an image holds it only where it is on."""
    row = resources.files("toolkit").joinpath("audit", "audit.toml")
    return Catalog.parse(row.read_text("utf-8")) if row.is_file() else Catalog({})


def image_catalog() -> Catalog:
    """What can run in this image: the project's workloads, and the audit where it is on."""
    return Catalog({**load().workloads, **reserved().workloads})


def _workload(name: str, declared: Any) -> Workload:
    if not isinstance(declared, dict):
        raise ContractError(f"catalog.toml, workload {name}: write a table [workloads.{name}]")
    table = dict(declared)
    try:
        variables = tuple(
            Variable(name=key, **{**row, "default": _text(row["default"])})
            for key, row in table.pop("variables", {}).items()
        )
        artifacts = tuple(
            ExpectedArtifact(name=key, **row) for key, row in table.pop("artifacts", {}).items()
        )
        rules = tuple(Rule(**row) for row in table.pop("rules", ()))
        lists: dict[str, Any] = {key: tuple(table.pop(key, ())) for key in ("events", "gates")}
        secret_names = set(table.get("secrets", {}))
        taken = sorted(secret_names & {*CONTRACT_VARIABLES, "RUN_ID", "ARTIFACTS", "PATH"})
        if taken:
            raise ContractError(f"secrets: {taken[0]} belongs to the runtime")
        secrets = tuple(Secret(*row) for row in table.pop("secrets", {}).items())
        workload = Workload(
            name=name,
            command=_words(table, "command", '["bin/report", "--all"]'),
            policies=_words(table, "policies", '["policies/sales.json"]'),
            secrets=secrets,
            variables=variables,
            artifacts=artifacts,
            rules=rules,
            services=_words(table, "services", '["dynamodb"]'),
            **lists,
            **table,
        )
        _check_work(workload)
        _check_variables(workload, secret_names)
        for rule in rules:
            for used in rule.names:
                workload.variable(used)
        workload.settings({})  # the defaults, too, must fit
    except (AttributeError, KeyError, TypeError, re.error, ContractError) as error:
        raise ContractError(f"catalog.toml, workload {name}: {error}") from error
    return workload


def _check_variables(workload: Workload, secrets: set[str]) -> None:
    """Raise ContractError for a setting of a bad type, or whose name or value is not its own."""
    for variable in workload.variables:
        name = variable.name
        if variable.secret:
            raise ContractError(
                f"{name}: secret = true would leave the value in schedule, stack "
                f"and file; move it to [workloads.{workload.name}.secrets], "
                f'{name} = "secretsmanager:NAME" or "ssm:/NAME"'
            )
        if name in CONTRACT_VARIABLES:
            raise ContractError(f"{name} belongs to the runtime; give the setting another name")
        if name in secrets:
            raise ContractError(f"{name} is a setting and a secret; keep one of them")
        if variable.type not in TYPES:
            types = ", ".join(TYPES)
            raise ContractError(f"{name}: type {variable.type!r} is none of {types}")


def _check_work(workload: Workload) -> None:
    if not workload.command and not workload.entry_point:
        raise ContractError(
            'it has neither entry_point = "workloads.MODULE:FUNCTION" nor command = ["PROGRAM"]'
        )
    if workload.command and workload.entry_point:
        raise ContractError("it has an entry_point and a command; keep one of them")
    if workload.command:
        if workload.kind != "batch":
            raise ContractError(f"a command is of kind batch, not {workload.kind}")
        check_command(workload.command, [variable.name for variable in workload.variables])


def _words(table: dict[str, Any], key: str, example: str) -> tuple[str, ...]:
    words = table.pop(key, ())
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise ContractError(f"{key}: write a list of texts, such as {example}")
    return tuple(words)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
