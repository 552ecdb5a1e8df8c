"""The door of the emulator: an ASGI layer in front of ministack.

It turns away who may not come in (`door.py`), puts every request at its caller's time
(`shifted_time.py`) and serves the engine's own routes, all under ``/_toolkit/``:

    GET  /_toolkit/changes?since=N   wait for work; live tasks, regions with schedules
    POST /_toolkit/clock             {"offset": seconds}
    POST /_toolkit/assume-role       a service assumes a role, if its trust policy allows it
    POST /_toolkit/interrupt         the platform stops a task: {"task", "code", "reason"}
    POST /_toolkit/faults            {"add": fault} or {"clear": true}; answers with the list
    POST /_toolkit/strike            use up one fault of a kind, if there is one
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from toolkit.local.ministack import passing
from toolkit.local.ministack.ecs import tasks
from toolkit.local.ministack.events import scheduler
from toolkit.local.ministack.iam import access
from toolkit.local.ministack.state import disk, snapshots, stored
from toolkit.local.ministack.stores import registry_login
from toolkit.local.ministack.upstream import faults, faulty_calls, shifted_time

from . import changes, door

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Answer = tuple[int, dict[str, Any]]

OFFSET_HEADER = b"x-toolkit-offset"
_ENGINE_KEY = os.environ.get("TOOLKIT_ENGINE_KEY", "")
_LONGEST_WAIT = 20.0
_THREADS = 64  # whoever waits for changes holds one


class Gateway:
    """The ASGI application that hypercorn serves.

    ``loaded`` is called at the start, to load the state.
    """

    def __init__(self, app: App, entrance: door.Door, loaded: Callable[[], None]) -> None:
        self._app = app
        self._door = entrance
        self._loaded = loaded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection of ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, _closed_to_pages(send))
        else:  # what ministack does over WebSockets, nobody needs here
            await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        """Load the state before the first request, and save it after the last.

        ministack would do more: look for Docker and for scripts, and fire schedules of its own.
        """
        await receive()
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
        self._loaded()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        snapshots.save()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        query: bytes = scope.get("query_string", b"")
        key, service = door.signer(headers, query)
        refusal = self._door.refusal(scope["path"], query, headers, (key, service))
        if refusal is not None:
            await faulty_calls.answer(send, *refusal)
            return
        region = door.registry_region(scope["path"], headers)
        if region is not None:  # one address serves the registries of all regions
            namespace = f"ns={registry_login.host(region)}".encode()
            scope = {**scope, "query_string": b"&".join(filter(None, [query, namespace]))}
        access.set_request_key(key)
        shifted_time.set_request_offset(_offset(headers, key, service))
        if scope["path"].startswith("/_toolkit/"):
            await self._answer(scope, receive, send)
            return
        if scope["path"] == "/_ministack/reset":
            send = _after("http.response.start", stored.wipe, send)
        # Calls count as made over TLS (``aws:SecureTransport``): they never leave the machine.
        scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        action, receive = await _action(headers, receive)
        if snapshots.is_change(scope["method"], action, scope["path"], service):
            is_image = scope["method"] == "PUT" and "/manifests/" in scope["path"]
            send = _after("http.response.start", partial(_note, at_once=is_image), send)
        if not snapshots.is_read(scope["method"], action) and not _frees(scope, action):
            if disk.is_full(int(headers.get(b"content-length", b"0"))):
                await faulty_calls.refuse(service, disk.MESSAGE, receive, send)
                return
            send = _kept_only(service, send)
        fault = _fault(key, service)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            ask = partial(self._app, scope)
            await faulty_calls.serve(fault, service, ask, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"].removeprefix("/_toolkit/")
        if scope["method"] == "GET" and name == "changes":
            query = parse_qs(scope.get("query_string", b"").decode())
            await _send_json(send, 200, await _changes(int(query.get("since", ["-1"])[0])))
        elif scope["method"] == "POST" and name in _ROUTES:
            status, answer = _ROUTES[name](**json.loads(await faulty_calls.read(receive)))
            await _send_json(send, status, answer)
        else:
            await _send_json(send, 404, {"message": f"no route {name}"})


async def _changes(since: int) -> dict[str, Any]:
    version = await asyncio.to_thread(changes.wait, since, _LONGEST_WAIT)
    return {
        "version": version,
        "schedules": changes.of_schedules(),
        "tasks": tasks.live_tasks(),
        "regions": scheduler.regions(),
    }


def _clock(offset: float) -> Answer:
    passing.catch_up()
    shifted_time.set_engine_offset(offset)
    passing.catch_up()
    return 200, {}


def _faults(add: dict[str, Any] | None = None, *, clear: bool = False) -> Answer:
    if clear:
        faults.clear()
    if add is not None:
        faults.add(**add)
    return 200, {"faults": faults.listed(), "kinds": faults.KINDS}


_ROUTES: dict[str, Callable[..., Answer]] = {
    "clock": _clock,
    "assume-role": access.assume_role,
    "interrupt": lambda **asked: (200, tasks.interrupt(**asked)),
    "faults": _faults,
    "strike": lambda **asked: (200, {"fault": faults.strike(**asked)}),
}


def _fault(key: str, service: str) -> dict[str, Any] | None:
    """What happens to this call; those of the engine itself, and unsigned ones, are spared."""
    if key in ("", _ENGINE_KEY):
        return None
    return faults.for_call(tasks.schedule_of_session(access.session_name(key)), service)


def _offset(headers: dict[bytes, bytes], key: str, service: str) -> float | None:
    """The caller's clock; a queue keeps to the engine's, or it would hide what was sent ahead."""
    if service == "sqs":
        return None
    given = headers.get(OFFSET_HEADER)
    return float(given) if given is not None else access.session_offset(key)


async def _action(headers: dict[bytes, bytes], receive: Receive) -> tuple[str, Receive]:
    """The name of what is asked, which may stand in the body; and the body, to be read again."""
    target = headers.get(b"x-amz-target", b"").decode("latin-1")
    if not headers.get(b"content-type", b"").startswith(b"application/x-www-form-urlencoded"):
        return target.rpartition(".")[2], receive
    content = await faulty_calls.read(receive)
    messages = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def again() -> dict[str, Any]:
        return next(messages, None) or await receive()

    return parse_qs(content.decode("latin-1")).get("Action", [""])[0], again


def _frees(scope: Scope, action: str) -> bool:
    """Whether a request makes room; the engine's own calls need none."""
    return scope["method"] == "DELETE" or action.startswith(("Delete", "Stop", "SubmitTaskState"))


def _kept_only(service: str, send: Send) -> Send:
    """Answer with an error where something could not be written."""
    failures = disk.watch()
    answered = False

    async def send_kept(message: dict[str, Any]) -> None:
        nonlocal answered
        if answered:
            return
        if failures and message["type"] == "http.response.start":
            answered = True
            await faulty_calls.refuse(service, disk.MESSAGE, _nothing, send)
        else:
            await send(message)

    return send_kept


def _after(kind: str, work: Callable[[], None], send: Send) -> Send:
    """Do some work before a message of that kind is passed on."""

    async def send_then(message: dict[str, Any]) -> None:
        if message["type"] == kind:
            work()
        await send(message)

    return send_then


async def _nothing() -> dict[str, Any]:
    return {}


def _note(*, at_once: bool) -> None:
    """Note a change when it is answered; ``at_once`` when it is saved, which an image must be."""
    snapshots.touch()
    if at_once:
        snapshots.settle()


def _closed_to_pages(send: Send) -> Send:
    async def send_closed(message: dict[str, Any]) -> None:
        await send(door.without_cors(message))

    return send_closed


async def _send_json(send: Send, status: int, document: dict[str, Any]) -> None:
    content = json.dumps(document).encode()
    await faulty_calls.answer(send, status, {"Content-Type": "application/json"}, content)
