"""Template parameters that `toolkit.toml` gives: some of the template's, and none of the toolkit's.

CloudFormation refuses others when the change set is made, layers after the deployment began.
"""

import re
from collections.abc import Mapping

from toolkit.core.errors import ConfigError, unknown_key

_PARAMETER = re.compile(r"( +)([A-Za-z0-9]+):")
_FILE = (
    "ScheduleName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "State",
    "StartDate",
    "EndDate",
    "Description",
    "Input",
)
# What decides each of these instead.
_OWN = {
    "platform": {"AppName": "app"},
    "workload": {"AppName": "app", "WorkloadName": "the catalog", "ImageUri": "image"},
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
    where, known = f"toolkit.toml [{environment}.{noun}]", declared(template)
    own = _OWN[noun]
    for name in given:
        if name in own:
            raise ConfigError(f"{where}: {name} is not set here; {own[name]} decides it")
        if known and name not in known:
            raise unknown_key(where, name, [n for n in known if n not in own])
