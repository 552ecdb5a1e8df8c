"""The door of the emulator: an ASGI layer in front of ministack.

It puts every request at its caller's time (`shifted_time.py`) and serves the engine's own routes,
all under ``/_toolkit/`` and only with the token that the engine was started with:

    GET  /_toolkit/changes?since=N   wait for work; live tasks, regions with schedules
    POST /_toolkit/clock             {"offset": seconds}
    POST /_toolkit/assume-role       a service assumes a role, if its trust policy allows it
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from . import access, changes, ecs, scheduler, shifted_time, snapshots

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OFFSET_HEADER = b"x-toolkit-offset"
TOKEN_HEADER = b"x-toolkit-token"
_LONGEST_WAIT = 20.0
_CREDENTIAL = re.compile(rb"Credential=([^/,\s]+)/")


class Gateway:
    """The ASGI application that hypercorn serves."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope.get("headers", ()))
        key = _access_key(headers)
        access.set_request_key(key)
        shifted_time.set_request_offset(_offset(headers, key))
        snapshots.note(scope["method"], headers.get(b"x-amz-target", b"").decode("latin-1"))
        if scope["path"].startswith("/_toolkit/"):
            await self._answer(scope, headers, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        if headers.get(TOKEN_HEADER) != self._token:
            await _send_json(send, 403, {"message": "this door is the engine's own"})
            return
        route = (scope["method"], scope["path"])
        query = parse_qs(scope.get("query_string", b"").decode())
        if route == ("GET", "/_toolkit/changes"):
            status, answer = 200, await _changes(int(query.get("since", ["-1"])[0]))
        elif route == ("POST", "/_toolkit/clock"):
            shifted_time.set_engine_offset(float((await _body(receive))["offset"]))
            status, answer = 200, {}
        elif route == ("POST", "/_toolkit/assume-role"):
            status, answer = access.assume_role(**await _body(receive))
        else:
            status, answer = 404, {"message": f"no route {route[0]} {route[1]}"}
        await _send_json(send, status, answer)


async def _changes(since: int) -> dict[str, Any]:
    version = await asyncio.to_thread(changes.wait, since, _LONGEST_WAIT)
    return {"version": version, "tasks": ecs.live_tasks(), "regions": scheduler.regions()}


def _offset(headers: dict[bytes, bytes], key: str) -> float | None:
    """The caller's clock; a queue keeps to the engine's, or it would hide what was sent ahead."""
    if b"/sqs/aws4_request" in headers.get(b"authorization", b""):
        return None
    given = headers.get(OFFSET_HEADER)
    return float(given) if given is not None else access.session_offset(key)


def _access_key(headers: dict[bytes, bytes]) -> str:
    match = _CREDENTIAL.search(headers.get(b"authorization", b""))
    return match[1].decode() if match else ""


async def _body(receive: Receive) -> dict[str, Any]:
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    document = json.loads(content)
    if not isinstance(document, dict):
        raise TypeError("the engine sends JSON objects")
    return document


async def _send_json(send: Send, status: int, document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(content)).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
