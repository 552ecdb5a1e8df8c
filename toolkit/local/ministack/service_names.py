"""Names that a service does not take are refused (`upstream/resource_names.py`)."""

from functools import partial
from typing import Any
from urllib.parse import parse_qs

from ministack.core.responses import error_response_json, error_response_xml
from ministack.services import ecs

from .replacing.replacements import replaces
from .replacing.service_calls import answers
from .upstream.resource_names import problem

_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


def install() -> None:
    """Check the names of clusters; those of the others are checked by what was replaced."""
    create_cluster = ecs._ACTION_MAP["CreateCluster"]
    ecs._ACTION_MAP["CreateCluster"] = partial(_create, "clusterName", create_cluster)


def _create(member: str, original: Any, data: dict[str, Any]) -> Any:
    complaint = problem(data[member], member) if data.get(member) else None
    if complaint:
        return error_response_json("InvalidParameterException", complaint, 400)
    return original(data)


answers("ecr", "CreateRepository")(partial(_create, "repositoryName"))
answers("logs", "CreateLogGroup")(partial(_create, "logGroupName"))


@replaces("services.iam.handle_request")
async def _handle_iam(original: Any, method: str, path: str, headers: Any, *rest: Any) -> Any:
    body, query = rest
    form = {**query, **parse_qs(body.decode("utf-8", "replace"))}
    if form.get("Action") == ["CreateRole"]:
        complaint = problem("".join(form.get("RoleName", [])), "roleName")
        if complaint:
            return error_response_xml("ValidationError", complaint, 400, _IAM)
    return await original(method, path, headers, *rest)
