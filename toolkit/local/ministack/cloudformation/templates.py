"""Templates: parsed once, checked for what they refer to, and without what conditions leave out.

- https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
- https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

import copy
from functools import lru_cache
from typing import Any

from ministack.services.cloudformation import engine

from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.upstream import template_anatomy, template_references

Json = dict[str, Any]


@lru_cache(32)
def _parse(parse: Any, template_body: str) -> Any:
    return parse(template_body)


@replaces("services.cloudformation.engine._parse_template")
def _parse_once(original: Any, template_body: str) -> Any:
    """A thousand schedules are a thousand stacks of one template, whose YAML takes 0.1 s."""
    return copy.deepcopy(_parse(original, template_body))


@replaces("services.cloudformation.engine._validate_template_statics")
def _check(original: Any, template: Json) -> None:
    template_anatomy.check(template)
    original(template)
    template_references.check(template, engine._intrinsic_references)


@replaces("services.cloudformation.engine._resolve_parameters")
def _resolve_known(
    original: Any, template: Json, provided: list[Json], *rest: Any, **more: Any
) -> Any:
    known = template.get("Parameters") or {}
    unknown = [row["Key"] for row in provided if row.get("Key") and row["Key"] not in known]
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    return original(template, provided, *rest, **more)


@replaces("services.cloudformation.changesets._resolve_props_for_diff")
def _made(original: Any, template: Json, params: Json, *rest: Any) -> Json:
    """What a change set compares, without the resources whose condition is false."""
    resolved: Json = original(template, params, *rest)
    conditions = engine._evaluate_conditions(template, params) if template else {}
    resources = {
        name: row
        for name, row in resolved.get("Resources", {}).items()
        if conditions.get(row.get("Condition"), True)
    }
    return {**resolved, "Resources": resources} if template else resolved
