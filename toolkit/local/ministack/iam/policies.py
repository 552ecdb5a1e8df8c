"""Policies that IAM does not take are refused, of calls and of stacks (`policy_documents.py`).

https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
"""

import json
from typing import Any

from toolkit.local.ministack.replacing.replacements import replaces
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


def _text(document: Any) -> str:
    """A document as a call has it; a template's version may be a date."""
    return document if isinstance(document, str) else json.dumps(document, default=str)
