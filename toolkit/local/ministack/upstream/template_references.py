"""What a template refers to must be in it; CloudFormation refuses the template otherwise.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
"""

from collections.abc import Callable, Iterable
from typing import Any

Template = dict[str, Any]
References = Callable[[Any], Iterable[tuple[str, Any]]]


def check(template: Template, references: References) -> None:
    """Raises ValueError, with CloudFormation's words, for what the template does not define.

    A template with a transform is left alone: a macro may add anything.

    Args:
        template: as it was parsed.
        references: what finds the names behind Ref, Fn::GetAtt and Fn::Sub, each with an attribute.
    """
    if template.get("Transform"):
        return
    resources, conditions = template.get("Resources") or {}, template.get("Conditions") or {}
    known = {*resources, *(template.get("Parameters") or {})}
    for block in ("Conditions", "Resources", "Outputs"):
        found = template.get(block) or {}
        names = {name for name, _ in references(found) if not name.startswith("AWS::")}
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
