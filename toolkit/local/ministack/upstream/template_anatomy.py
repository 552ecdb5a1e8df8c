"""What CloudFormation refuses of a template's form, before it looks at what the template says.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Template = Mapping[str, Any]

_VERSION = "2010-09-09"
_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/resources-section-structure.html
_OF_A_RESOURCE = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
_OF_A_PARAMETER = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
_TYPES = re.compile(
    r"String|Number|CommaDelimitedList|List<(Number|String)>"
    r"|(List<)?AWS::EC2::[A-Za-z0-9:]+>?|(List<)?AWS::Route53::HostedZone::Id>?"
    r"|AWS::SSM::Parameter::(Name|Value<.+>)"
)
_DELETION = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
_REPLACEMENT = frozenset({"Delete", "Retain", "Snapshot"})


def check(template: Template) -> None:
    """Raises ValueError with CloudFormation's words. What has a transform may have any form."""
    if template.get("Transform"):
        return
    if unknown := sorted(template.keys() - _SECTIONS):
        raise ValueError(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = str(template.get("AWSTemplateFormatVersion") or _VERSION)
    if version != _VERSION:
        raise _error(f"{version} is not a supported value for AWSTemplateFormatVersion.")
    if not template.get("Resources"):
        raise _error("At least one Resources member must be defined.")
    for _, parameter in _members(template, "Parameters"):
        _check_parameter(parameter)
    for name, resource in _members(template, "Resources"):
        _check_resource(name, resource)
    for _, output in _members(template, "Outputs"):
        if "Value" not in output:
            raise _error("Every Outputs member must contain a Value object")


def _members(template: Template, section: str) -> Iterable[tuple[str, Template]]:
    """The members of a section, whose names are letters and digits."""
    members = template.get(section) or {}
    if not isinstance(members, Mapping):
        raise _error(f"[/{section}] is not an object.")
    for name, member in members.items():
        if not re.fullmatch(r"[A-Za-z0-9]+", str(name)):
            kind = "Resource" if section == "Resources" else section.removesuffix("s")
            raise _error(f"{kind} name {name} is non alphanumeric.")
        if not isinstance(member, Mapping):
            raise _error(f"[/{section}/{name}] is not an object.")
        yield str(name), member


def _check_parameter(parameter: Template) -> None:
    if unknown := sorted(parameter.keys() - _OF_A_PARAMETER):
        raise ValueError(f"Invalid template parameter property '{unknown[0]}'")
    if "Type" not in parameter:
        raise _error("Every Parameters object must contain a Type member.")
    if not _TYPES.fullmatch(str(parameter["Type"])):
        raise _error(f"Unrecognized parameter type: {parameter['Type']}")


def _check_resource(name: str, resource: Template) -> None:
    if unknown := sorted(resource.keys() - _OF_A_RESOURCE):
        raise ValueError(f"Invalid template resource property '{unknown[0]}'")
    for attribute, known in (("DeletionPolicy", _DELETION), ("UpdateReplacePolicy", _REPLACEMENT)):
        value = resource.get(attribute, "Delete")
        if isinstance(value, str) and value not in known:
            raise _error(f"Unrecognized {attribute} {value} for resource {name}")
    wanted = resource.get("DependsOn") or ()
    if name in ((wanted,) if isinstance(wanted, str) else wanted):
        raise ValueError(f"Circular dependency between resources: [{name}]")


def _error(words: str) -> ValueError:
    return ValueError(f"Template format error: {words}")
