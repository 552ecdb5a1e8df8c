"""CloudFormation refuses parameters that a template does not have, and makes what conditions say.

- https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
- https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/conditions-section-structure.html
"""

from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers

Json = dict[str, Any]


def install() -> None:
    """Mend the reading of parameters wherever it was imported, and the contents of change sets."""
    resolve, diff = engine._resolve_parameters, changesets._resolve_props_for_diff

    def resolve_known(template: Json, provided: list[Json], *rest: Any, **more: Any) -> Any:
        _refuse_unknown(template, provided)
        return resolve(template, provided, *rest, **more)

    for module in (engine, changesets, handlers):
        module._resolve_parameters = resolve_known
    changesets._resolve_props_for_diff = lambda template, params, *rest: _made(
        diff(template, params, *rest), template, params
    )


def _refuse_unknown(template: Json, provided: list[Json]) -> None:
    known = template.get("Parameters") or {}
    unknown = [row["Key"] for row in provided if row.get("Key") and row["Key"] not in known]
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")


def _made(resolved: Json, template: Json, params: Json) -> Json:
    """What a change set compares, without the resources whose condition is false."""
    if not template:
        return resolved
    conditions = engine._evaluate_conditions(template, params)
    resources = {
        name: row
        for name, row in resolved.get("Resources", {}).items()
        if row.get("Condition") is None or conditions.get(row["Condition"], True)
    }
    return {**resolved, "Resources": resources}
