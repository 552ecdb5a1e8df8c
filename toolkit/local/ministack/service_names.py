"""Names that a service does not take are refused (`upstream/resource_names.py`)."""

from functools import partial
from typing import Any

from ministack.core.responses import error_response_json, error_response_xml
from ministack.services import ecs, iam

from .replacing.replacements import replaces
from .upstream.resource_names import problem

_IAM = "https://iam.amazonaws.com/doc/2010-05-08/"


def install() -> None:
    """Check the names of what ministack makes by tables of its own."""
    ecs._ACTION_MAP["CreateCluster"] = partial(_create, ecs._ACTION_MAP["CreateCluster"])
    iam._IAM_HANDLERS["CreateRole"] = partial(_create_role, iam._IAM_HANDLERS["CreateRole"])


@replaces("services.ecr._create_repository", "services.cloudwatch_logs._create_log_group")
def _create(original: Any, data: dict[str, Any]) -> Any:
    for member in ("clusterName", "logGroupName", "repositoryName"):
        complaint = problem(data[member], member) if data.get(member) else None
        if complaint:
            return error_response_json("InvalidParameterException", complaint, 400)
    return original(data)


def _create_role(original: Any, params: dict[str, Any]) -> Any:
    complaint = problem("".join(params.get("RoleName", ())), "roleName")
    if complaint:
        return error_response_xml("ValidationError", complaint, 400, _IAM)
    return original(params)
