"""What a template refers to must be in it; CloudFormation refuses the template otherwise.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

import re
from collections.abc import Iterator
from typing import Any

Template = dict[str, Any]
_SUBSTITUTED = re.compile(r"\$\{([^!${}][^${}]*)\}")


def check(template: Template) -> None:
    """Raises ValueError, with CloudFormation's words, for what the template does not define.

    A template with a transform is left alone: a macro may add anything.
    """
    if template.get("Transform"):
        return
    resources, conditions = template.get("Resources") or {}, template.get("Conditions") or {}
    known = {*resources, *(template.get("Parameters") or {})}
    for block in ("Conditions", "Resources", "Outputs"):
        found = template.get(block) or {}
        names = {name for name in _names(found) if not name.startswith("AWS::")}
        if block == "Resources":
            names |= _depended_upon(resources)
        if missing := sorted(names - known):
            raise ValueError(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
                f"in the {block} block of the template"
            )
        if missing := sorted(_conditions(found) - set(conditions)):
            raise ValueError(
                f"Template format error: Unresolved condition dependency {missing[0]} "
                f"in the {block} block of the template"
            )


def _names(node: Any) -> Iterator[str]:
    """The logical names behind Ref, Fn::GetAtt and Fn::Sub."""
    if isinstance(node, list):
        for item in node:
            yield from _names(item)
    elif isinstance(node, dict):
        if len(node) == 1:
            ((function, argument),) = node.items()
            yield from _names_in_call(function, argument)
        for item in node.values():
            yield from _names(item)


def _names_in_call(function: str, argument: Any) -> Iterator[str]:
    if function == "Ref" and isinstance(argument, str):
        yield argument
    elif function == "Fn::GetAtt":
        first = argument.split(".")[0] if isinstance(argument, str) else argument[0]
        if isinstance(first, str):
            yield first
    elif function == "Fn::Sub":
        text, own = (argument, {}) if isinstance(argument, str) else argument
        for name in _SUBSTITUTED.findall(text):
            if name.strip() not in own:
                yield name.strip().split(".")[0]


def _depended_upon(resources: Template) -> set[str]:
    names: set[str] = set()
    for resource in resources.values():
        wanted = resource.get("DependsOn") or []
        names.update([wanted] if isinstance(wanted, str) else wanted)
    return names


def _conditions(node: Any) -> set[str]:
    """The conditions that Fn::If and Condition name.

    An element of a policy may have the name Condition, too; that one holds an object.
    """
    if isinstance(node, list):
        return {name for item in node for name in _conditions(item)}
    if not isinstance(node, dict):
        return set()
    found = {name for item in node.values() for name in _conditions(item)}
    named = node.get("Condition")
    if isinstance(named, str) and (len(node) == 1 or {"Type", "Value"} & node.keys()):
        found.add(named)
    branches = node.get("Fn::If")
    if isinstance(branches, list) and branches and isinstance(branches[0], str):
        found.add(branches[0])
    return found
