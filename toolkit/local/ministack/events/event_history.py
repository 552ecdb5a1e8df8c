"""CloudTrail's event history of the calls that ministack answered (`upstream/event_history.py`).

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, unquote

from ministack.core import iam_actions, iam_evaluator, router
from ministack.core.responses import error_response_json, get_account_id, get_region, new_uuid
from ministack.services import sts
from ministack.services.cloudformation import provisioners

from toolkit.local.ministack.iam import access
from toolkit.local.ministack.replacing.calls import Answer, Call, answers
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import shifted_time
from toolkit.local.ministack.upstream.event_history import (
    EventFiles,
    RefusedLookupError,
    is_kept,
    outcome,
    shown,
)

Json = dict[str, Any]

_HOME = snapshots.DIRECTORY / "event-history"
_SOURCES = {"cloudwatch": "monitoring"}
_history = EventFiles(_HOME)
_log = logging.getLogger("toolkit.history")


def install() -> None:
    """Keep what stacks do to schedules."""
    for kind in ("Schedule", "ScheduleGroup"):
        handlers = provisioners._RESOURCE_HANDLERS[f"AWS::Scheduler::{kind}"]
        for verb in ("create", "update", "delete"):
            handlers[verb] = partial(_by_stack, f"{verb.title()}{kind}", handlers[verb])


def wipe() -> None:
    """Forget everything."""
    shutil.rmtree(_HOME, ignore_errors=True)


@answers("cloudtrail", "LookupEvents")
def _lookup(call: Call) -> Answer:
    try:
        answer = _history.lookup(_place(), call.data, shifted_time.now())
    except RefusedLookupError as refusal:
        return error_response_json(refusal.code, str(refusal), 400)
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


@replaces("app._dispatch_service_request")
async def _dispatch(
    original: Any, method: str, path: str, headers: Json, body: bytes, query: Json, request_id: str
) -> Any:
    answer = await original(method, path, headers, body, query, request_id)
    if method not in ("GET", "HEAD") and not access.is_engine():
        with _best_effort():
            _note(answer, method, path, headers, body, query)
    return answer


def _note(answer: Any, method: str, path: str, headers: Json, body: bytes, query: Json) -> None:
    is_form = headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    given = {**(parse_qs(body.decode()) if is_form else {}), **query}
    service = router.detect_service(method, path, headers, given)
    if service == "s3" and "/" in path.strip("/"):  # calls on objects are no management events
        return
    ask = (service, method, path, headers, body, given)
    action = iam_actions.extract_iam_action(*ask)
    if action and is_kept(action):
        arn = iam_actions.extract_resource_arn(*ask, get_region(), get_account_id())
        status, sent, content = answer
        text = content.encode() if isinstance(content, str) else content
        parameters = _parameters(service, path, body, given)
        _keep(action, parameters, outcome(status, sent, text), arn)


def _parameters(service: str, path: str, body: bytes, given: Json) -> Json:
    """What was asked for, as far as the protocol tells it without the service's model."""
    if service == "s3":
        return {"bucketName": path.strip("/")}
    document: Json = {name: "".join(value) for name, value in given.items()}
    if service == "scheduler":
        document["name"] = unquote(path.rpartition("/")[2])
    if body[:1] == b"{":
        document.update(json.loads(body))
    return {name: value for name, value in document.items() if name not in ("Action", "Version")}


def _by_stack(action: str, original: Any, *args: Any, **named: Any) -> Any:
    """Let CloudFormation change a schedule or a group, for whoever called it."""
    result = original(*args, **named)
    with _best_effort():
        properties = next(row for row in reversed(args) if isinstance(row, dict))
        name = args[0] if action.startswith("Delete") else result[0]
        parameters = {**properties, "Name": name.rpartition("/")[2]}
        _keep(f"scheduler:{action}", parameters, {}, "*", "cloudformation.amazonaws.com")
    return result


def _keep(action: str, parameters: Json, answered: Json, arn: str, caller: str = "") -> None:
    at, place = shifted_time.now(), _place()
    service, _, name = action.partition(":")
    who = _identity(caller)
    event = {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{_SOURCES.get(service, service)}.amazonaws.com",
        "eventName": name,
        "awsRegion": get_region(),
        "sourceIPAddress": who.get("invokedBy", "127.0.0.1"),
        "requestParameters": shown(parameters),
        **answered,
        "eventID": new_uuid(),
        "readOnly": False,
        "resources": [{"ARN": arn, "accountId": get_account_id()}] if ":" in arn else [],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": get_account_id(),
        "eventCategory": "Management",
    }
    _history.add(place, at, event)


@contextmanager
def _best_effort() -> Iterator[None]:
    """The history never fails a call; AWS delivers its events as well as it can."""
    try:
        yield
    except (OSError, LookupError, TypeError, ValueError):
        _log.exception("a call is not in the event history")


def _identity(caller: str) -> Json:
    """Who called, and which service for them.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
    """
    key = access.request_key()
    found = iam_evaluator.resolve_credential(key, get_account_id())
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return {"type": "Unknown", "arn": "", "accessKeyId": key}
    kind = {"User": "IAMUser"}.get(found.principal_type, found.principal_type)
    who = {"type": kind, "principalId": found.principal_id, "arn": found.principal_arn}
    who |= {"accountId": found.account_id, "accessKeyId": key}
    if found.principal_name:
        who["userName"] = found.principal_name
    service = caller or str(sts._sessions.get(key, {}).get("SourcePrincipalArn", ""))
    if service.endswith(".amazonaws.com") and not service.startswith("ecs-tasks"):
        who["invokedBy"] = service
    return who


def _place() -> str:
    return f"{get_account_id()}-{get_region()}"
