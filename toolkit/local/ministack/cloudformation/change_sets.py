"""Change sets are validated when they are made, as stacks are.

One that would fail ends FAILED, and DescribeEvents tells why by its ARN:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
"""

import re
from functools import partial
from typing import Any
from urllib.parse import urlencode

from ministack.core.responses import new_uuid
from ministack.services import cloudformation
from ministack.services.cloudformation import engine, stacks

from toolkit.local.ministack.replacing.calls import Answer, Call, answers
from toolkit.local.ministack.upstream import api_requests

Json = dict[str, Any]

# The words of the reason were heard from AWS: https://github.com/aws/aws-cdk-cli/issues/1000
_REASON = (
    "The following hook(s)/validation failed: [{names}]. To troubleshoot Early Validation errors, "
    "use the DescribeEvents API for detailed failure information."
)
_CHECKS = {
    "NAME_CONFLICT_VALIDATION": "AWS::EarlyValidation::ResourceExistenceCheck",
    "PROPERTY_VALIDATION": "AWS::EarlyValidation::PropertyValidation",
}


@answers("cloudformation", "CreateChangeSet")
def _create(call: Call) -> Answer:
    response = call.passed_on()
    made = re.search(rb"<Id>([^<]+)</Id>", response[2])
    if made is not None:
        _validate(cloudformation._change_sets[made[1].decode()])
    return response


def _validate(change_set: Json) -> None:
    """Put a change set that its stack would refuse into FAILED; the stack keeps the events."""
    if change_set["ExecutionStatus"] != "AVAILABLE" or change_set["_disable_validation"]:
        return
    errors = _errors(change_set)
    if not errors:
        return
    names = sorted({_CHECKS[validation] for _, _, validation, _, _ in errors})
    operation = new_uuid()
    event = partial(stacks._operation_event, change_set["StackId"], operation, "VALIDATION_ERROR")
    change_set.update(
        Status="FAILED",
        ExecutionStatus="UNAVAILABLE",
        StatusReason=_REASON.format(names=", ".join(names)),
        Changes=[],
        _operation=operation,
    )
    stack = cloudformation._stacks[change_set["StackName"]]
    stack["_operation_events"] = [
        event(
            "CREATE_CHANGESET",
            LogicalResourceId=logical_id,
            ResourceType=kind,
            ValidationFailureMode="FAIL",
            ValidationName=validation,
            ValidationStatus="FAILED",
            ValidationStatusReason=reason,
            ValidationPath=path,
        )
        for logical_id, kind, validation, path, reason in errors
    ]


def _errors(change_set: Json) -> list[tuple[str, ...]]:
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    resources, name = template["Resources"], change_set["StackName"]
    conditions = engine._evaluate_conditions(template, parameters)
    context = (parameters, conditions, template.get("Mappings", {}), name, change_set["StackId"])
    made = cloudformation._stacks[name].get("_resources", {}).values()
    owned = frozenset(row.get("PhysicalResourceId") for row in made)
    errors: list[tuple[str, ...]] = stacks._validation_errors(
        resources, list(resources), *context, owned
    )
    return errors


@answers("cloudformation", "DescribeEvents")
def _describe_events(call: Call) -> Answer:
    """Of a change set, by its ARN, the events of the operation that made it."""
    form = {**api_requests.form(call.headers, call.body), **call.query}
    change_set = cloudformation._change_sets.get("".join(form.pop("ChangeSetName", ())))
    if change_set is None or "_operation" not in change_set:
        return call.passed_on()
    form["OperationId"] = [change_set["_operation"]]
    return call._replace(body=urlencode(form, doseq=True).encode(), query={}).passed_on()
