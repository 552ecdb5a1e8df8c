"""Calls of AWS that this package answers in front of ministack's services, and calls of its own.

Every request that was signed and allowed reaches a service through `app.SERVICE_HANDLERS`, and a
service takes any request through its `handle_request`. Both are public, so what `answers` a call
stands between them, and needs no name inside of the service.
"""

import json
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlencode

from ministack import app
from ministack.core import iam_actions, iam_evaluator

from toolkit.local.ministack.upstream import api_requests

Json = dict[str, Any]
Answer = Any  # as ministack's services give it: status, headers and content
Handler = Callable[..., Coroutine[Any, Any, Answer]]

_services: dict[str, Handler] = dict(app.SERVICE_HANDLERS)
_fronts: dict[tuple[str, str], Callable[["Call"], Answer]] = {}
# SQS tells its protocol by the target's prefix; for the others it may be anything.
_TARGETS = {"sqs": "AmazonSQS"}


class Call(NamedTuple):
    """A request as ministack hands it to a service, and its JSON: {} where it has none."""

    service: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, Any]
    data: Json

    def passed_on(self) -> Answer:
        """What the service itself answers."""
        return completed(_services[self.service](*self[1:6]))


Front = TypeVar("Front", bound=Callable[[Call], Answer])


def answers(service: str, *actions: str) -> Callable[[Front], Front]:
    """Register what answers some actions of a service, as `app.SERVICE_HANDLERS` names it."""

    def register(front: Front) -> Front:
        _fronts.update({(service, action): front for action in actions})
        return front

    return register


def install() -> None:
    """Stand between ministack and its services."""
    for service in {service for service, _action in _fronts}:
        app.SERVICE_HANDLERS[service] = partial(_answer, service)


def ask(service: str, action: str, request: Mapping[str, Any]) -> Answer:
    """What a service with a JSON protocol answers to a call that no policy judges."""
    headers = {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"{_TARGETS.get(service, 'AWS')}.{action}",
    }
    return _asked(service, "POST", "/", headers, json.dumps(request).encode(), {})


def ask_form(service: str, form: Mapping[str, str]) -> Answer:
    """What a service with the query protocol answers to a call that no policy judges."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return _asked(service, "POST", "/", headers, urlencode(form).encode(), {})


def ask_rest(service: str, method: str, path: str, body: bytes) -> Answer:
    """What a service with a REST protocol answers to a call that no policy judges."""
    return _asked(service, method, path, {}, body, {})


def _asked(service: str, *request: Any) -> Answer:
    iam_evaluator.pin_request_origin("127.0.0.1", secure_transport=True)  # as the gateway does
    return completed(_answer(service, *request))


async def _answer(
    service: str, method: str, path: str, headers: Any, body: bytes, query: Any
) -> Answer:
    """The answer of what stands in front of the service, or its own."""
    action = iam_actions.extract_iam_action(service, method, path, headers, body, query) or ""
    front = _fronts.get((service, action.partition(":")[2]))
    data = api_requests.document(body) if front else None
    if front is None or (data is None and "x-amz-target" in headers):
        return await _services[service](method, path, headers, body, query)
    return front(Call(service, method, path, headers, body, query, data or {}))


def completed(answering: Coroutine[Any, Any, Answer]) -> Answer:
    """What a service answers that waits for nothing meanwhile, as most of ministack's do."""
    try:
        answering.send(None)
    except StopIteration as done:
        return done.value
    answering.close()
    raise RuntimeError("a service that waits cannot be asked here")
