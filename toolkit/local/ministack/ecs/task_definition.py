"""Task definitions: those that Fargate refuses, and how others find one."""

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import ecs

from toolkit.core.fargate import SIZES
from toolkit.local.ministack.upstream import fargate_definitions

Json = dict[str, Any]
_register = ecs._ACTION_MAP["RegisterTaskDefinition"]


def register(data: Json) -> Any:
    """Answer RegisterTaskDefinition, also for CloudFormation."""
    data = fargate_definitions.in_units(data)
    for complaint in fargate_definitions.complaints(data, SIZES):
        return error_response_json("ClientException", complaint, 400)
    return _register(data)


def described(reference: str) -> Json | None:
    """The task definition behind an ARN, a family or a revision; None if there is none."""
    request = {"taskDefinition": reference}
    status, _headers, content = ecs._ACTION_MAP["DescribeTaskDefinition"](request)
    found: Json | None = json.loads(content)["taskDefinition"] if status == 200 else None
    return found
