"""Policies that IAM does not take are refused, of calls and of stacks (`policy_documents.py`).

So are those for resources that S3, SQS, SNS or CloudWatch Logs do not take.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
"""

import json
from functools import partial
from typing import Any

from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.upstream import resource_policies
from toolkit.local.ministack.upstream.policy_documents import PolicyKind, problem

Json = dict[str, Any]


@replaces("core.iam_evaluator.validate_policy_document")
def _of_an_identity(original: Any, document: str | Json) -> str | None:
    return problem(_text(document), PolicyKind.IDENTITY) or original(document)


@replaces("services.iam._trust_policy_not_principal_error")
def _of_trust(original: Any, document: str | Json) -> str | None:
    return problem(_text(document), PolicyKind.TRUST) or original(document)


@replaces("services.cloudformation.provisioners._validate_iam_role_trust_policy")
def _of_a_role(original: Any, props: Json) -> None:
    original(props)
    for policy in props.get("Policies") or ():
        complaint = problem(_text(policy.get("PolicyDocument")), PolicyKind.IDENTITY)
        if complaint:
            raise ValueError(f"{complaint} (Service: Iam, Status Code: 400)")


# Services whose resources have policies → what they call one that they do not take.
_OF_RESOURCES = {
    "logs": "InvalidParameterException",
    "s3": "MalformedPolicy",
    "sns": "InvalidParameter",
    "sqs": "InvalidAttributeValue",
}
_TYPES = {
    "AWS::Logs::ResourcePolicy": "logs",
    "AWS::S3::BucketPolicy": "s3",
    "AWS::SNS::TopicPolicy": "sns",
    "AWS::SQS::QueuePolicy": "sqs",
}


def install() -> None:
    """Look at what stacks make of policies of resources."""
    for kind, service in _TYPES.items():
        handlers = provisioners._RESOURCE_HANDLERS[kind]
        for verb in ("create", "update"):
            if handlers.get(verb):
                handlers[verb] = partial(_by_stack, service, handlers[verb])


def of_a_request(
    service: str, operation: str, members: Json, body: bytes
) -> tuple[str, str] | None:
    """Code and message for a request with a policy that the service does not take, or None."""
    if service not in _OF_RESOURCES:
        return None
    attributes = members.get("Attributes") or members.get("attributes") or {}
    name = members.get("AttributeName")
    text = {
        "PutBucketPolicy": body.decode("utf-8", "replace"),
        "PutResourcePolicy": members.get("policyDocument"),
        "SetTopicAttributes": members.get("AttributeValue") if name == "Policy" else None,
    }.get(operation, attributes.get("Policy") if isinstance(attributes, dict) else None)
    complaint = resource_policies.problem(str(text), service) if text else None
    return (_OF_RESOURCES[service], complaint) if complaint else None


def _by_stack(service: str, original: Any, *args: Any, **named: Any) -> Any:
    properties = next(row for row in reversed(args) if isinstance(row, dict))
    complaint = resource_policies.problem(_text(properties.get("PolicyDocument")), service)
    if complaint:
        raise ValueError(f"{complaint} (Service: {service.title()}, Status Code: 400)")
    return original(*args, **named)


def _text(document: Any) -> str:
    """A document as a call has it; a template's version may be a date."""
    return document if isinstance(document, str) else json.dumps(document, default=str)
