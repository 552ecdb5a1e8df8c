"""The control messages of a connection: SUBSCRIBE and its relatives, with Binance's answers.

https://github.com/binance/binance-spot-api-docs/blob/master/web-socket-streams.md
"""

import json
from collections import deque
from typing import Any

from attrs import define, field

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


class Refused(Exception):  # noqa: N818 - an answer of the protocol, not a fault of this program
    """A request that the exchange answers with a code and a message."""

    def __init__(self, code: int, message: str, request_id: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.request_id = request_id

    def answer(self) -> str:
        """The error message as the exchange sends it."""
        body: dict[str, object] = {"code": self.code, "msg": str(self)}
        if self.request_id is not None:
            body["id"] = self.request_id
        return _dump(body)


@define
class Subscriptions:
    """The streams of one connection, and the form in which their messages go out."""

    streams: dict[str, None] = field(factory=dict)  # an ordered set
    combined: bool = False
    max_streams: int = 1024

    def handle(self, message: str | bytes) -> str:
        """Apply one control message; returns the answer, an error included."""
        try:
            request = _parse(message)
            return _dump({"result": self._apply(request), "id": request.get("id")})
        except Refused as refusal:
            return refusal.answer()

    def subscribe(self, streams: list[str]) -> None:
        """Add streams; raises Refused above the limit of streams a connection."""
        wanted = self.streams | dict.fromkeys(streams)
        if len(wanted) > self.max_streams:
            raise Refused(2, f"Invalid request: more than {self.max_streams} streams")
        self.streams = wanted

    def _apply(self, request: dict[str, Any]) -> object:
        method = request["method"]
        if method == "LIST_SUBSCRIPTIONS":
            return list(self.streams)
        params = request.get("params")
        if not isinstance(params, list) or not params:
            raise Refused(2, "Invalid request: missing field `params`", request.get("id"))
        if method == "SUBSCRIBE":
            self.subscribe([str(stream) for stream in params])
        elif method == "UNSUBSCRIBE":
            for stream in params:
                self.streams.pop(str(stream), None)
        else:
            return self._property(method, params, request.get("id"))
        return None

    def _property(self, method: str, params: list[object], request_id: object) -> object:
        if params[0] != "combined":
            raise Refused(0, "Unknown property", request_id)
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise Refused(1, "Invalid value type: expected Boolean", request_id)
        self.combined = params[1]
        return None


@define
class RateLimit:
    """At most ``limit`` incoming messages in any second."""

    limit: int = 5
    _times: deque[float] = field(factory=deque)

    def exceeded(self, now: float) -> bool:
        """Count one message at ``now`` (seconds); whether it is one too many."""
        self._times.append(now)
        while now - self._times[0] >= 1.0:
            self._times.popleft()
        return len(self._times) > self.limit


def _parse(message: str | bytes) -> dict[str, Any]:
    try:
        request = json.loads(message)
    except ValueError as error:
        raise Refused(3, f"Invalid JSON: {error}") from error
    if not isinstance(request, dict) or "method" not in request:
        raise Refused(2, "Invalid request: missing field `method`")
    request_id = request.get("id")
    if request_id is not None and not isinstance(request_id, (int, str)):
        raise Refused(2, "Invalid request: request ID must be an unsigned integer")
    if request["method"] not in _METHODS:
        known = ", ".join(f"`{method}`" for method in _METHODS)
        raise Refused(
            2,
            f"Invalid request: unknown variant {request['method']}, expected one of {known}",
            request_id,
        )
    return request


def _dump(document: object) -> str:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
