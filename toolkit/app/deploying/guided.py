"""The first-time questions of `toolkit deploy --guided`, and where their answers are kept."""

from collections.abc import Callable, Mapping
from typing import Any

import tomlkit
from attrs import frozen
from tomlkit.items import Table

from toolkit.adapters.project import Project
from toolkit.core.deploying.config import DEFAULT, LOCAL
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name

PUBLIC, PRIVATE, EXISTING = "public", "private", "existing"


@frozen
class Question:
    """One question; ``key`` is where the answer goes in an environment's table of toolkit.toml.

    ``asked`` looks at the answers so far; an empty answer to a question leaves its key out.
    """

    key: tuple[str, ...]
    text: str
    default: str = ""
    choices: tuple[str, ...] = ()
    asked: Callable[[Mapping[tuple[str, ...], str]], bool] = lambda _: True


NETWORK = ("network",)
_VPC, _SUBNETS, _MODE = (("platform", name) for name in ("VpcId", "SubnetIds", "NetworkMode"))
QUESTIONS = (
    Question(("app",), "App name (names every stack)", "fargate-runs"),
    Question(("region",), "AWS region", "eu-central-1"),
    Question(("profile",), "Profile of your AWS credentials (empty: the default one)"),
    Question(
        NETWORK,
        "Network: a VPC with internet access, a private one with endpoints, or an existing one",
        PUBLIC,
        (PUBLIC, PRIVATE, EXISTING),
    ),
    Question(_VPC, "VPC id", asked=lambda answers: answers[NETWORK] == EXISTING),
    Question(
        _SUBNETS,
        "Subnet ids, comma-separated",
        asked=lambda answers: answers[NETWORK] == EXISTING,
    ),
    Question(
        _MODE,
        "Do its tasks need a public address (public), or is there NAT or endpoints (private)",
        PRIVATE,
        (PUBLIC, PRIVATE),
        asked=lambda answers: answers[NETWORK] == EXISTING,
    ),
    Question(
        ("workload", "CpuArchitecture"),
        "CPU (ARM64 is a fifth cheaper; the image is built for it)",
        "X86_64",
        ("X86_64", "ARM64"),
    ),
    Question(("platform", "NotificationEmail"), "E-mail for failed runs (empty: nobody)"),
)


def current(project: Project, environment: str) -> dict[tuple[str, ...], str]:
    """The answers that toolkit.toml holds already, as defaults of the questions."""
    document = tomlkit.parse(project.config_text()).unwrap()
    answers: dict[tuple[str, ...], str] = {}
    for table in (document.get(DEFAULT, {}), document.get(environment, {})):
        for question in QUESTIONS:
            value: Any = table
            for part in question.key:
                value = value.get(part, {}) if isinstance(value, Mapping) else {}
            if not isinstance(value, Mapping):
                answers[question.key] = str(value)
    if _VPC in answers:
        answers[NETWORK] = EXISTING
    elif _MODE in answers:
        answers[NETWORK] = answers[_MODE]
    return answers


def save(project: Project, environment: str, answers: Mapping[tuple[str, ...], str]) -> None:
    """Write the answers into an environment's table; comments and everything else stay.

    Raises:
        ConfigError: an answer is not usable; the file is as it was.
    """
    if environment == LOCAL:
        raise ConfigError("--guided is for AWS", hint="the embedded AWS needs no answers")
    check_name("environment", environment)
    check_name("app", answers[("app",)])
    given = dict(answers)
    network = given.pop(NETWORK)
    if network == EXISTING and not (given.get(_VPC) and given.get(_SUBNETS)):
        raise ConfigError("an existing network needs its VPC id and subnet ids")
    if network != EXISTING:
        given |= {_MODE: network, _VPC: "", _SUBNETS: ""}
    document = tomlkit.parse(project.config_text())
    table = document.setdefault(environment, tomlkit.table())
    inherited = document.get(DEFAULT, {}) if environment != DEFAULT else {}
    for key, value in given.items():
        _put(table, inherited, key, value)
    project.write_config(tomlkit.dumps(document))


def _put(table: Table, inherited: Mapping[str, Any], key: tuple[str, ...], value: str) -> None:
    *path, last = key
    for part in path:
        inherited = inherited.get(part, {})
    above = str(inherited.get(last, ""))
    if value == above:
        for part in path:
            table = table.get(part, {})
        table.pop(last, None)
        return
    for part in path:
        table = table.setdefault(part, tomlkit.table())
    table[last] = value
