"""What CloudFormation refuses before it makes anything.

What the schema of a type forbids, names that a service does not take, and those that are taken
already. The reasons are those of DescribeEvents.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import cloudformation, cloudwatch_logs, ecr, iam, scheduler
from ministack.services.cloudformation import stacks

from toolkit.local.ministack.ecs import run_task
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.upstream import resource_names, template_properties

Json = dict[str, Any]
Problem = tuple[str, str, str]  # validation, path within the resource, reason

# Whether there is one of that name already.
_EXISTS: dict[str, Callable[[str, Any], bool]] = {
    "AWS::ECR::Repository": lambda name, _: name in ecr._repositories,
    "AWS::ECS::Cluster": lambda name, _: run_task.is_active(name),
    "AWS::IAM::Role": lambda name, _: name in iam._roles,
    "AWS::Logs::LogGroup": lambda name, _: name in cloudwatch_logs._log_groups,
    "AWS::Scheduler::Schedule": lambda name, group: (
        f"{group or 'default'}/{name}" in scheduler._schedules
    ),
    "AWS::Scheduler::ScheduleGroup": lambda name, _: (
        name in scheduler._schedule_groups or name == "default"
    ),
}


@replaces("services.cloudformation.stacks._validation_errors")
def _validate(
    original: Any, resources: Json, ordered: list[str], *context: Any
) -> list[tuple[str, ...]]:
    """Each error: logical id, type, validation, path in the template, reason."""
    _parameters, conditions, _mappings, stack_name, _stack_id = static = context[:5]
    made = cloudformation._stacks[stack_name].get("_resources", {})
    errors: list[tuple[str, ...]] = list(original(resources, ordered, *context))
    for logical_id in ordered:
        resource = resources[logical_id]
        if not conditions.get(resource.get("Condition"), True):
            continue
        properties = resource.get("Properties") or {}
        known = {
            name: stacks._static_property(properties[name], resources, *static)
            for name in ("GroupName", *resource_names.OF_TYPES.get(resource["Type"], ())[:1])
            if name in properties
        }
        problems = [
            *_against_schema(resource["Type"], properties, conditions),
            *_name_problems(resource["Type"], known, made.get(logical_id, {})),
        ]
        for validation, path, reason in problems:
            where = f"/Resources/{logical_id}{path}"
            errors.append((logical_id, resource["Type"], validation, where, reason))
    return errors


def _against_schema(kind: str, properties: Json, conditions: dict[str, bool]) -> Iterator[Problem]:
    for path, name, reason in template_properties.problems(kind, properties, conditions):
        yield "PROPERTY_VALIDATION", f"/Properties{path[1:]}/{name}", reason


def _name_problems(kind: str, known: Json, made: Json) -> Iterator[Problem]:
    """What is wrong with the name that the template gives, where it is known before."""
    name_property, member = resource_names.OF_TYPES.get(kind, ("", ""))
    name = known.get(name_property)
    if not name:
        return
    complaint = resource_names.problem(str(name), member)
    if complaint:
        yield "PROPERTY_VALIDATION", f"/Properties/{name_property}", complaint
    elif name not in _names(made) and _EXISTS[kind](name, known.get("GroupName")):
        reason = f"Resource of type '{kind}' with identifier '{name}' already exists."
        yield "NAME_CONFLICT_VALIDATION", "", reason


def _names(made: Json) -> set[str]:
    """What the resource of the stack that stands already goes by: a name, or an ARN's end."""
    identifier = str(made.get("PhysicalResourceId", ""))
    return {identifier, identifier.rpartition("/")[2]}
