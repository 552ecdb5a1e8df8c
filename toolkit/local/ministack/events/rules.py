"""EventBridge: the services' own events, array elements in paths, log groups as targets of a rule.

ministack delivers to SNS, SQS, Lambda and Step Functions. A log group is a target too, if the log
group's resource policy lets EventBridge in; without that policy AWS drops the event in silence:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
"""

import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import cloudwatch_logs, eventbridge

from toolkit.local.ministack.iam import access
from toolkit.local.ministack.replacing.calls import ask
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.stores import log_events

_log = logging.getLogger("toolkit.events")
_SERVICES = ("events.amazonaws.com", "delivery.logs.amazonaws.com")


def publish(source: str, detail_type: str, resources: list[str], detail: dict[str, Any]) -> None:
    """Put one event of a service on the default bus."""
    entry = {
        "Source": source,
        "DetailType": detail_type,
        "Resources": resources,
        "Detail": json.dumps(detail),
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


@replaces("services.eventbridge._events_log_list")
def _events_of_the_past(_original: Any) -> list[Any]:
    """Nobody can ask a bus for them, so none is kept."""
    return []


class _Indexed(dict[str, Any]):
    """An object of an event in which a path may name an element of an array: ``containers[0]``."""

    def __missing__(self, key: str) -> Any:
        name, bracket, index = key.removesuffix("]").partition("[")
        if not bracket or not index.isdigit():
            raise KeyError(key)
        return self[name][int(index)]


@replaces("services.eventbridge._apply_input_transformer")
def _transform(original: Any, transformer: Any, rule: Any, view: Any) -> Any:
    event = json.loads(json.dumps(view.event_with_detail()), object_hook=_Indexed)
    indexed = SimpleNamespace(event_with_detail=lambda: event, envelope=view.envelope)
    return original(transformer, rule, indexed)


@replaces("services.eventbridge._invoke_target")
def _invoke(original: Any, target: Any, event: Any, rule: Any, view: Any) -> None:
    parts = target.get("Arn", "").split(":", 6)
    if parts[2:3] != ["logs"] or len(parts) < 7:
        snapshots.touch()
        original(target, event, rule, view)
        return
    group = parts[6].removesuffix(":*")
    _deliver(group, _payload(target, rule, view), rule.get("Arn", ""))


def _payload(target: Any, rule: Any, view: Any) -> str:
    if target.get("InputTransformer"):
        return str(eventbridge._apply_input_transformer(target["InputTransformer"], rule, view))
    if target.get("Input"):
        return str(target["Input"])
    return json.dumps(view.event_with_detail())


def _deliver(group: str, message: str, rule_arn: str) -> None:
    record = cloudwatch_logs._log_groups.get(group)
    if record is None or not _let_in(record["arn"], rule_arn):
        _log.warning("event not delivered to log group %s: it is missing or closed", group)
        return
    log_events.deliver(group, new_uuid(), message)


def _let_in(group_arn: str, rule_arn: str) -> bool:
    resource = f"{group_arn.removesuffix(':*')}:log-stream:*"
    return all(
        any(
            access.allowed_by_policy(document, service, f"logs:{action}", resource, rule_arn)
            for document in _policies()
            for service in _SERVICES
        )
        for action in ("CreateLogStream", "PutLogEvents")
    )


def _policies() -> Iterator[str]:
    """The resource policies of this region's log groups, those of single groups last."""
    for scope in ("ACCOUNT", "RESOURCE"):
        _status, _headers, content = ask("logs", "DescribeResourcePolicies", {"policyScope": scope})
        for policy in json.loads(content)["resourcePolicies"]:
            yield policy["policyDocument"]
