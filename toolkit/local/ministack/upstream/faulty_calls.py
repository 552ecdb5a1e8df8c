"""A call that goes wrong: throttled, refused, late, or done with the answer lost.

- https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Serve = Callable[[Receive, Send], Awaitable[None]]

_S3 = {
    "throttling": (503, "SlowDown", "Please reduce your request rate."),
    "error": (500, "InternalError", "We encountered an internal error. Please try again."),
}
# The services of AWS's query protocol, which answer in XML.
# https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
_OF_QUERIES = frozenset({"cloudformation", "iam", "sns", "sts"})
_QUERIES = {
    "throttling": (400, "Throttling", "Rate exceeded"),
    "error": (500, "InternalFailure", "An internal error occurred"),
}
_OTHERS = {
    "throttling": (400, "ThrottlingException", "Rate exceeded"),
    "error": (500, "InternalServerException", "An internal error occurred"),
}


async def serve(fault: Message, service: str, ask: Serve, receive: Receive, send: Send) -> None:
    """Let one call suffer its fault; ``ask`` is what would have served it."""
    kind = fault["kind"]
    if kind == "slow":
        await asyncio.sleep(fault["value"])
        await ask(receive, send)
        return
    if kind == "lost-answer":
        await ask(receive, _swallow)
    else:
        await _read(receive)
    await _answer(service, "throttling" if kind == "throttling" else "error", send)


async def _swallow(_message: Message) -> None:
    """What the service answers, nobody hears."""


async def _read(receive: Receive) -> None:
    while (await receive()).get("more_body"):
        pass


async def refuse(service: str, words: str, receive: Receive, send: Send) -> None:
    """Answer a call with an internal error that says why."""
    await _read(receive)
    await _answer(service, "error", send, words)


async def _answer(service: str, kind: str, send: Send, because: str = "") -> None:
    known = {"s3": _S3, **dict.fromkeys(_OF_QUERIES, _QUERIES)}.get(service, _OTHERS)
    status, code, words = known[kind]
    words = because or words
    if service in _OF_QUERIES:
        content = (
            "<ErrorResponse><Error><Type>Sender</Type>"
            f"<Code>{code}</Code><Message>{words}</Message></Error></ErrorResponse>"
        ).encode()
        media_type = b"text/xml"
    elif service == "s3":
        content = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{code}</Code><Message>{words}</Message></Error>"
        ).encode()
        media_type = b"application/xml"
    else:
        content = json.dumps({"__type": code, "message": words}).encode()
        media_type = b"application/x-amz-json-1.1"
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(content)).encode()),
        (b"x-amzn-errortype", code.encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
