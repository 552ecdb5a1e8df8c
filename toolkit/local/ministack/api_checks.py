"""Requests that the model of a service's API forbids are refused (`upstream/api_models.py`).

So are tokens of pages that nobody gave out (`upstream/page_tokens.py`). Both are checked where
ministack hands a request to the service: signed, and allowed by IAM. What stacks make does not pass
here, except task definitions (`ecs/task_definition.py`) and schedules (`events/scheduler.py`).
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ministack import app
from ministack.core import iam_actions
from ministack.core.responses import error_response_json, new_uuid
from ministack.services import ecs

from .iam import policies
from .upstream import api_models, api_requests, page_tokens
from .upstream.resource_names import problem

Json = dict[str, Any]

# Service → what it calls a request that its model forbids.
_CODES = {
    "cloudformation": "ValidationError",
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "events": "ValidationException",
    "iam": "ValidationError",
    "kms": "ValidationException",
    "logs": "InvalidParameterException",
    "monitoring": "ValidationError",
    "secretsmanager": "ValidationException",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "ssm": "ValidationException",
    "sts": "ValidationError",
}
_BOTOCORE = {"monitoring": "cloudwatch"}  # where it has another name for a service
# Ten thousand lines a second are not looked at one by one, nor is what the engine says itself.
_PASSED_OVER = ("PutLogEvents", "SubmitTaskStateChange")
_tokens = page_tokens.PageTokens()


def install() -> None:
    """Check requests before the services get them; names of clusters stand in no model."""
    for service in (*_CODES, "scheduler"):
        check = partial(_checked, service, app.SERVICE_HANDLERS[service])
        app.SERVICE_HANDLERS[service] = check
    app.SERVICE_HANDLERS["s3"] = partial(_checked_by_s3, app.SERVICE_HANDLERS["s3"])
    ecs._ACTION_MAP["CreateCluster"] = partial(_create_cluster, ecs._ACTION_MAP["CreateCluster"])


async def _checked(service: str, handler: Any, *request: Any) -> Any:
    method, path, headers, body, query = request
    if headers.get("x-amz-target", "").endswith(_PASSED_OVER):
        return await handler(*request)
    known = _BOTOCORE.get(service, service)
    operation, members = api_requests.read(known, method, path, headers, body, query)
    complaint = api_models.problem(known, operation, members) if service in _CODES else None
    if complaint:
        code = _CODES[service]
        if service == "sqs" and "at 'attribute" in complaint:
            code = "InvalidAttributeName"
        return _refusal(service, code, complaint, headers)
    refused = policies.of_a_request(service, operation, members, b"")
    if refused:
        return _refusal(service, *refused, headers)
    return await _paged(service, known, operation, members, handler, request)


async def _checked_by_s3(handler: Any, *request: Any) -> Any:
    """S3, of whose requests pages and policies are looked at."""
    method, path, headers, body, query = request
    if method == "PUT" and "policy" in query:
        refused = policies.of_a_request("s3", "PutBucketPolicy", {}, body)
        if refused:
            return _refusal("s3", *refused, headers)
    operation = "ListObjectsV2" if "list-type" in query else "ListBuckets" if path == "/" else ""
    members = {name: "".join(values[:1]) for name, values in query.items()} if operation else {}
    return await _paged("s3", "s3", operation, members, handler, request)


async def _paged(
    service: str, known: str, operation: str, members: Json, handler: Any, request: Any
) -> Any:
    """Let a service answer, unless a page is asked for by a token that it did not give out."""
    if not operation:
        return await handler(*request)
    token = _tokens.unknown(known, operation, members)
    if token is not None:
        code = page_tokens.code(known, operation) or _CODES.get(service, "InvalidArgument")
        return _refusal(service, code, f"The page token '{token}' is invalid.", request[2])
    status, headers, content = await handler(*request)
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, bytes):
        _tokens.note(known, operation, content)
    return status, headers, content


def _refusal(service: str, code: str, message: str, headers: Mapping[str, str]) -> Any:
    """HTTP 400, in the protocol of the request."""
    _status, lines, content = iam_actions.access_denied_response(
        service, "", "", new_uuid(), error_code=code, message=message, headers=dict(headers)
    )
    return 400, lines, content


def _create_cluster(original: Any, data: Json) -> Any:
    complaint = problem(data["clusterName"], "clusterName") if data.get("clusterName") else None
    if complaint:
        return error_response_json("InvalidParameterException", complaint, 400)
    return original(data)
