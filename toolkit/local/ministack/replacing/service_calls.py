"""Calls of services: answered by functions of ours, or made from inside.

A function that `answers` an action gets the service's own call and the request's document. This
works for services whose calls never wait; those of ECS have a table of their own (`ecs/tasks.py`).
"""

import json
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from .replacements import replaces

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
Ask = Callable[[Json], Response]
Answer = Callable[[Ask, Json], Response]

_answers: dict[tuple[str, str], Answer] = {}


def answers(service: str, action: str) -> Callable[[Answer], Answer]:
    """Register a function for an action of a service with a JSON protocol."""

    def register(function: Answer) -> Answer:
        _answers[service, action] = function
        return function

    return register


def call(service: Any, action: str, document: Json) -> tuple[int, Json]:
    """Make a call of a service with a JSON protocol, as if a client made it."""
    status, _headers, content = at_once(
        service.handle_request("POST", "/", _target(action), json.dumps(document).encode(), {})
    )
    return status, json.loads(content or b"{}")


def at_once(coroutine: Coroutine[Any, Any, Any]) -> Response:
    """What a call answers that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        response: Response = done.value
        return response
    raise RuntimeError("the service waits for something")


def _target(action: str) -> dict[str, str]:
    return {"x-amz-target": f"Embedded.{action}", "content-type": "application/x-amz-json-1.1"}


async def _handle(
    service: str, original: Any, method: str, path: str, headers: Any, body: bytes, query: Any
) -> Response:
    answer = _answers.get((service, headers.get("x-amz-target", "").rpartition(".")[2]))
    if answer is None:
        response: Response = await original(method, path, headers, body, query)
        return response
    return answer(
        lambda document: at_once(
            original(method, path, headers, json.dumps(document).encode(), query)
        ),
        json.loads(body or b"{}"),
    )


replaces("services.cloudwatch_logs.handle_request")(partial(_handle, "logs"))
replaces("services.ecr.handle_request")(partial(_handle, "ecr"))
