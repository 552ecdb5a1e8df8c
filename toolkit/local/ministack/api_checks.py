"""Requests that the model of a service's API forbids are refused (`upstream/api_models.py`).

They are checked where ministack hands them to the service: signed, and allowed by IAM. What stacks
make does not pass here, except task definitions (`ecs/task_definition.py`) and schedules
(`events/scheduler.py`).
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core.responses import error_response_json, error_response_xml
from ministack.services import ecs

from .upstream import api_models
from .upstream.resource_names import problem

Json = dict[str, Any]

# Service with a JSON protocol → what it calls such a request.
_JSON = {
    "ecr": "InvalidParameterException",
    "ecs": "InvalidParameterException",
    "events": "ValidationException",
    "kms": "ValidationException",
    "logs": "InvalidParameterException",
    "secretsmanager": "ValidationException",
    "ssm": "ValidationException",
}
# Service with the query protocol → the namespace of its answers.
_QUERY = {
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
}
# Ten thousand lines a second are not looked at one by one, nor is what the engine says itself.
_PASSED_OVER = frozenset({"PutLogEvents", "SubmitTaskStateChange"})


def install() -> None:
    """Check requests before the services get them; names of clusters stand in no model."""
    for service in (*_JSON, *_QUERY):
        check = partial(_checked, service, app.SERVICE_HANDLERS[service])
        app.SERVICE_HANDLERS[service] = check
    ecs._ACTION_MAP["CreateCluster"] = partial(_create_cluster, ecs._ACTION_MAP["CreateCluster"])


async def _checked(
    service: str, handler: Any, method: str, path: str, headers: Any, body: bytes, query: Any
) -> Any:
    if service in _QUERY:
        form = {**query, **parse_qs(body.decode("utf-8", "replace"))}
        action = "".join(form.get("Action", [])[:1])
        complaint = api_models.problem(service, action, api_models.members(service, action, form))
        if complaint:
            return error_response_xml("ValidationError", complaint, 400, _QUERY[service])
    else:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        complaint = None
        if action not in _PASSED_OVER:
            complaint = api_models.problem(service, action, _document(body))
        if complaint:
            return error_response_json(_JSON[service], complaint, 400)
    return await handler(method, path, headers, body, query)


def _document(body: bytes) -> Mapping[str, Any]:
    """The request; what is none is left to the service."""
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _create_cluster(original: Any, data: Json) -> Any:
    complaint = problem(data["clusterName"], "clusterName") if data.get("clusterName") else None
    if complaint:
        return error_response_json("InvalidParameterException", complaint, 400)
    return original(data)
