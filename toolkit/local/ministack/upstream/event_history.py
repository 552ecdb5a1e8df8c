"""CloudTrail's event history: the calls that change something, for 90 days.

A file a day for each account and region is appended to before a call is answered: memory stays
flat, and a kill loses nothing that was answered.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_DAYS, _PAGE = 90, 50
_KEYS = frozenset(
    {"AccessKeyId", "EventId", "EventName", "EventSource", "ReadOnly", "ResourceName", "Username"}
)
_READS = ("BatchCheck", "BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup")
# Calls on data are no management events.
_ON_DATA = frozenset(
    {
        "cloudwatch:PutMetricData",
        "events:PutEvents",
        "logs:PutLogEvents",
        "s3:DeleteObject",
        "s3:PutObject",
        "sns:Publish",
        "sns:PublishBatch",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:DeleteMessageBatch",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "sqs:SendMessageBatch",
    }
)
_HIDDEN = frozenset(
    {"environment", "input", "plaintext", "secretBinary", "secretString", "templateBody"}
)
_XML_ERROR = re.compile(rb"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")


class RefusedLookupError(Exception):
    """What CloudTrail answers to a request that it does not take: a code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def is_kept(action: str) -> bool:
    """Whether a call (``service:Action``) is a management event that does more than read."""
    return action not in _ON_DATA and not action.partition(":")[2].startswith(_READS)


def shown(value: Any, also_hidden: frozenset[str] = frozenset({"value"})) -> Any:
    """A document as CloudTrail shows it: names begin small, what may be secret is hidden."""
    if isinstance(value, list):
        return [shown(item, frozenset()) for item in value]
    if not isinstance(value, dict):
        return value
    hidden = _HIDDEN | also_hidden
    rows = ((name[:1].lower() + name[1:], item) for name, item in value.items())
    return {
        name: "HIDDEN_DUE_TO_SECURITY_REASONS" if name in hidden else shown(item, frozenset())
        for name, item in rows
    }


def outcome(status: int, headers: Mapping[str, str], content: bytes) -> Json:
    """The part of an event that tells what a call was answered."""
    document = json.loads(content) if content[:1] == b"{" else {}
    if status < 400:
        return {"responseElements": shown(document) or None}
    found = _XML_ERROR.search(content)
    code, message = (part.decode() for part in found.groups()) if found else ("", "")
    code = headers.get("x-amzn-errortype") or document.get("__type") or code
    message = document.get("message") or document.get("Message") or message
    return {"errorCode": code.split("#")[-1], "errorMessage": message, "responseElements": None}


class EventFiles:
    """Files of events below a directory, of which each line is a row of LookupEvents."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def add(self, place: str, at: float, event: Json) -> None:
        """Keep an event of a place (account and region) that happened at that time."""
        who = event["userIdentity"]
        row = {
            "EventId": event["eventID"],
            "EventName": event["eventName"],
            "ReadOnly": "false",
            "AccessKeyId": who.get("accessKeyId", ""),
            "EventTime": int(at),
            "EventSource": event["eventSource"],
            "Username": who.get("userName") or who["arn"].replace(":root", "/root").split("/")[-1],
            "Resources": [{"ResourceName": row["ARN"]} for row in event.get("resources", [])],
            "CloudTrailEvent": json.dumps(event),
        }
        path = self._directory / place / f"{_day(at)}.jsonl"
        if not path.exists():
            self._begin(path, at)
        with path.open("ab", buffering=0) as file:
            file.write(json.dumps(row).encode() + b"\n")

    def _begin(self, path: Path, at: float) -> None:
        """Make a place for a day's events, and forget those of 90 days before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        oldest = _day(at - _DAYS * 86_400)
        for old in path.parent.glob("*.jsonl"):
            if old.stem < oldest:
                old.unlink()

    def lookup(self, place: str, request: Json, now: float) -> Json:
        """The answer to LookupEvents: newest first, in pages; raises RefusedLookupError."""
        first, last, key, value = _checked(request, now)
        asked = [value, key, request.get("StartTime"), request.get("EndTime")]
        before = _position(request.get("NextToken"), asked)
        if before is not None:  # newer days need not be read again
            last = min(last, before[0])
        rows = (
            (position, row)
            for position, row in self._newest_first(place, first, last, value)
            if (before is None or position < before) and _has(row, key, value)
        )
        size = request.get("MaxResults", _PAGE)
        page = list(islice(rows, size + 1))
        answer: Json = {"Events": [row for _position, row in page[:size]]}
        if len(page) > size:
            token = json.dumps([asked, page[size - 1][0]]).encode()
            answer["NextToken"] = base64.b64encode(token).decode()
        return answer

    def _newest_first(
        self, place: str, first: float, last: float, value: str
    ) -> Iterator[tuple[tuple[int, int], Json]]:
        """Events of a time with their positions, of those lines only that may be asked for."""
        needle = json.dumps(value)[1:-1].encode()
        for path in sorted((self._directory / place).glob("*.jsonl"), reverse=True):
            if not _day(first) <= path.stem <= _day(last):
                continue
            found = []
            for number, line in enumerate(path.read_bytes().splitlines()):
                row = _row(line) if needle in line else None
                if row is not None:
                    found.append(((row["EventTime"], number), row))
            for position, row in sorted(found, key=lambda pair: pair[0], reverse=True):
                if first <= row["EventTime"] <= last:
                    yield position, row


def _row(line: bytes) -> Json | None:
    """A line as a row, or None: a kill may have cut it, and a disk may have damaged it."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_row = isinstance(row, dict) and isinstance(row.get("EventTime"), int)
    return row if is_row and isinstance(row.get("Resources"), list) else None


def _day(at: float) -> str:
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=at)).strftime("%Y-%m-%d")


def _checked(request: Json, now: float) -> tuple[float, float, str, str]:
    """From when, until when, and the one attribute and its value, or empty strings."""
    rows = request.get("LookupAttributes") or []
    keys = [row.get("AttributeKey") for row in rows]
    if len(rows) > 1 or not _KEYS.issuperset(keys):
        raise RefusedLookupError("InvalidLookupAttributesException", "Give one lookup attribute.")
    if not 1 <= request.get("MaxResults", _PAGE) <= _PAGE:
        raise RefusedLookupError("InvalidMaxResultsException", f"MaxResults is 1 to {_PAGE}.")
    first, last = request.get("StartTime", 0.0), request.get("EndTime", now)
    if first > last:
        raise RefusedLookupError(
            "InvalidTimeRangeException", "The start time is after the end time."
        )
    value = rows[0].get("AttributeValue", "") if rows else ""
    return max(first, now - _DAYS * 86_400), last, "".join(keys), value


def _position(token: str | None, asked: list[Any]) -> tuple[int, int] | None:
    """Where the page before ended; a token belongs to its request."""
    if token is None:
        return None
    try:
        made_for, (at, number) = json.loads(base64.b64decode(token, validate=True))
        if made_for == asked:
            return int(at), int(number)
    except (ValueError, TypeError):
        pass
    raise RefusedLookupError("InvalidNextTokenException", "The token is not of this request.")


def _has(row: Json, key: str, value: str) -> bool:
    if key == "ResourceName":
        return any(f":{one[key]}".endswith((f":{value}", f"/{value}")) for one in row["Resources"])
    return not key or row[key] == value
