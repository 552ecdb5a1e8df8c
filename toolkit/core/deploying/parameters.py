"""Template parameters that `toolkit.toml` gives: some of the template's, and none of the toolkit's.

CloudFormation refuses others when the change set is made, layers after the deployment began.
"""

import re
from collections.abc import Mapping

from toolkit.core.errors import ConfigError, unknown_key

_PARAMETER = re.compile(r"( +)([A-Za-z0-9]+):")
# What the schedule's file decides, with the key that does.
_FILE = {
    "ScheduleName": None,
    "ScheduleExpression": "expression",
    "ScheduleExpressionTimezone": "timezone",
    "State": "state",
    "StartDate": "start",
    "EndDate": "end",
    "Description": "description",
    "Input": "env",
}
# What decides each of these instead.
_OWN = {
    "platform": {"AppName": "app"},
    "workload": {"AppName": "app", "WorkloadName": "the catalog", "ImageUri": "image"},
    "audit": {
        "AppName": "app",
        "WorkloadName": "the toolkit",
        "ImageUri": "image",
        "CommandFlags": "the environment",
    },
    "schedule": {
        "AppName": "app",
        "ScheduleGroupName": "app",
        "TaskDefinitionArn": "the workload's stack",
        **dict.fromkeys(_FILE, "the schedule's file"),
    },
}


def declared(template: str) -> list[str]:
    """The parameters of a template in YAML's block style; none where it is in another one."""
    names: list[str] = []
    indent, inside = "", False
    for line in template.splitlines():
        if line[:1] not in {"", " ", "#"}:
            inside = line.rstrip() == "Parameters:"
        elif inside and (match := _PARAMETER.match(line)):
            indent = indent or match[1]
            if match[1] == indent:
                names.append(match[2])
    return names


def check(environment: str, noun: str, given: Mapping[str, str], template: str) -> None:
    """Refuse parameters that the template does not have, or that the toolkit sets."""
    check_own(environment, noun, given)
    where, known = f"toolkit.toml [{environment}.{noun}]", declared(template)
    for name in given:
        if known and name not in known:
            raise unknown_key(where, name, [n for n in known if n not in _OWN[noun]])


def check_own(environment: str, noun: str, given: Mapping[str, str]) -> None:
    """Refuse parameters that the toolkit sets."""
    for name in given:
        if name in _OWN[noun]:
            raise ConfigError(
                f"toolkit.toml [{environment}.{noun}]: {name} is not set here; "
                f"{_OWN[noun][name]} decides it",
                hint=_instead(environment, name) if noun == "schedule" else None,
            )


def _instead(environment: str, name: str) -> str | None:
    key = _FILE.get(name)
    if key is None:
        return None
    return f"for one schedule of this environment: {key} below [{environment}.schedules.NAME]"
