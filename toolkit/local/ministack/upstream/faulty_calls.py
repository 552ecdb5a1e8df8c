"""A call that goes wrong: throttled, refused, late, or done with the answer lost.

- https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
- https://docs.aws.amazon.com/AmazonECS/latest/APIReference/CommonErrors.html
- https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping
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
    if fault["kind"] == "slow":
        await asyncio.sleep(fault["value"])
        await ask(receive, send)
        return
    await (ask(receive, _swallow) if fault["kind"] == "lost-answer" else read(receive))
    await _answer(service, "throttling" if fault["kind"] == "throttling" else "error", send)


async def refuse(service: str, words: str, receive: Receive, send: Send) -> None:
    """Answer a call with an internal error that says why."""
    await read(receive)
    await _answer(service, "error", send, words)


async def _swallow(_message: Message) -> None:
    """What the service answers, nobody hears."""


async def read(receive: Receive) -> bytes:
    """The whole body of a request."""
    content, more = b"", True
    while more:
        message = await receive()
        content += message.get("body", b"")
        more = message.get("more_body", False)
    return content


async def answer(send: Send, status: int, headers: Mapping[str, str], content: bytes) -> None:
    """Send a whole answer."""
    lines = {**headers, "content-length": str(len(content))}.items()
    rows = [(name.lower().encode(), value.encode()) for name, value in lines]
    await send({"type": "http.response.start", "status": status, "headers": rows})
    await send({"type": "http.response.body", "body": content})


async def _answer(service: str, kind: str, send: Send, because: str = "") -> None:
    known = {"s3": _S3, **dict.fromkeys(_OF_QUERIES, _QUERIES)}.get(service, _OTHERS)
    status, code, words = known[kind]
    error = f"<Code>{code}</Code><Message>{because or words}</Message>"
    if service in _OF_QUERIES:
        media, text = "text/xml", f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    elif service == "s3":
        media, text = "application/xml", f"<Error>{error}</Error>"
    else:
        text = json.dumps({"__type": code, "message": because or words})
        media = "application/x-amz-json-1.1"
    identity = {"x-amzn-errortype": code, "x-amzn-requestid": str(uuid.uuid4())}
    await answer(send, status, {"content-type": media, **identity}, text.encode())
