"""The first-time questions of `toolkit deploy --guided`, and where their answers are kept."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import tomlkit
from attrs import frozen
from tomlkit.items import Table

from toolkit.adapters.project.project import Project
from toolkit.core.deploying.config import DEFAULT, LOCAL
from toolkit.core.errors import ConfigError
from toolkit.core.names import check_name

PUBLIC, PRIVATE, EXISTING = "public", "private", "existing"


@frozen
class Question:
    """One question; ``key`` is where the answer goes in an environment's table of toolkit.toml.

    ``asked`` looks at the answers so far; an empty answer to a question leaves its key out.
    ``check`` raises ConfigError for an answer that cannot be used.
    """

    key: tuple[str, ...]
    text: str
    default: str = ""
    choices: tuple[str, ...] = ()
    asked: Callable[[Mapping[tuple[str, ...], str]], bool] = lambda _: True
    check: Callable[[str], object] = lambda _: None


def check_environment_name(answer: str) -> None:
    """Refuse a name that is no environment of AWS."""
    if answer == LOCAL:
        raise ConfigError("--guided is for AWS", hint="the embedded AWS needs no answers")
    check_name("environment", answer)


def _matches(pattern: str, what: str, example: str) -> Callable[[str], None]:
    def check(answer: str) -> None:
        if re.fullmatch(pattern, answer) is None:
            raise ConfigError(f"{answer!r} is not {what}", hint=f"such as {example}")

    return check


_SUBNET = "subnet-(?:[0-9a-f]{8}|[0-9a-f]{17})"
_check_app = partial(check_name, "app")
_check_region = _matches(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "an AWS region", "eu-central-1")
_check_vpc = _matches("vpc-(?:[0-9a-f]{8}|[0-9a-f]{17})", "a VPC id", "vpc-0123456789abcdef0")
_check_subnets = _matches(
    rf"{_SUBNET}(\s*,\s*{_SUBNET})*",
    "a list of subnet ids",
    "subnet-0123456789abcdef0,subnet-0fedcba9876543210",
)
_check_email = _matches(r"|[^@\s]+@[^@\s.]+(\.[^@\s.]+)+", "an e-mail address", "me@example.com")


NETWORK = ("network",)
_VPC, _SUBNETS, _MODE = (("platform", name) for name in ("VpcId", "SubnetIds", "NetworkMode"))
QUESTIONS = (
    Question(("app",), "App name (names every stack)", "fargate-runs", check=_check_app),
    Question(("region",), "AWS region", "eu-central-1", check=_check_region),
    Question(("profile",), "Profile of your AWS credentials (empty: the default one)"),
    Question(
        NETWORK,
        "Network: a VPC with internet access, a private one with endpoints, or an existing one",
        PUBLIC,
        (PUBLIC, PRIVATE, EXISTING),
    ),
    Question(_VPC, "VPC id", asked=lambda answers: answers[NETWORK] == EXISTING, check=_check_vpc),
    Question(
        _SUBNETS,
        "Subnet ids, comma-separated",
        asked=lambda answers: answers[NETWORK] == EXISTING,
        check=_check_subnets,
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
    Question(
        ("platform", "NotificationEmail"),
        "E-mail for failed runs (empty: nobody)",
        check=_check_email,
    ),
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


def save(
    project: Project,
    environment: str,
    answers: Mapping[tuple[str, ...], str],
    *,
    complete: bool = True,
) -> None:
    """Write the answers into an environment's table; comments and everything else stay.

    Not ``complete`` are those before an interruption: of an existing network, half is left out.

    Raises:
        ConfigError: an answer is not usable; the file is as it was.
    """
    check_environment_name(environment)
    for question in QUESTIONS:
        if question.key in answers:
            question.check(answers[question.key])
    given = dict(answers)
    network = given.pop(NETWORK, None)
    if network == EXISTING and not (given.get(_VPC) and given.get(_SUBNETS)):
        if complete:
            raise ConfigError("an existing network needs its VPC id and subnet ids")
        given = {key: given[key] for key in given if key not in (_VPC, _SUBNETS, _MODE)}
    elif network is not None and network != EXISTING:
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
