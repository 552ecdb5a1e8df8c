"""CloudFormation refuses parameters that a template does not have, and makes what conditions say.

- https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
- https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from typing import Any

from ministack.services.cloudformation import engine

from toolkit.local.ministack.replacing.replacements import replaces

Json = dict[str, Any]


@replaces("services.cloudformation.engine._resolve_parameters")
def _resolve_known(
    original: Any, template: Json, provided: list[Json], *rest: Any, **more: Any
) -> Any:
    _refuse_unknown(template, provided)
    return original(template, provided, *rest, **more)


def _refuse_unknown(template: Json, provided: list[Json]) -> None:
    known = template.get("Parameters") or {}
    unknown = [row["Key"] for row in provided if row.get("Key") and row["Key"] not in known]
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")


@replaces("services.cloudformation.changesets._resolve_props_for_diff")
def _made(original: Any, template: Json, params: Json, *rest: Any) -> Json:
    """What a change set compares, without the resources whose condition is false."""
    resolved: Json = original(template, params, *rest)
    if not template:
        return resolved
    conditions = engine._evaluate_conditions(template, params)
    resources = {
        name: row
        for name, row in resolved.get("Resources", {}).items()
        if row.get("Condition") is None or conditions.get(row["Condition"], True)
    }
    return {**resolved, "Resources": resources}
