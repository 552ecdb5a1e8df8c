"""CloudWatch Logs: a task's lines, and the state-change records of the cluster."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.adapters.session import Aws, translated

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_MISSING = "ResourceNotFoundException"


@frozen
class Line:
    """One log event; ``timestamp`` is in milliseconds since 1970, UTC."""

    timestamp: int
    message: str


class Logs:
    """Read log groups."""

    def __init__(self, aws: Aws) -> None:
        self._client: CloudWatchLogsClient = aws.client("logs")

    def lines(self, group: str, stream: str) -> list[Line] | None:
        """All lines of a stream from its start; None when the stream does not exist."""
        page = self.page(group, stream, None)
        if page is None:
            return None
        lines, token = page
        while True:
            following = self.page(group, stream, token)
            # GetLogEvents is at its end when the token repeats, not when a page is empty.
            if following is None or following[1] == token:
                return lines
            lines += following[0]
            token = following[1]

    def page(self, group: str, stream: str, token: str | None) -> tuple[list[Line], str] | None:
        """The lines after ``token`` and the next token; None when there is no stream yet."""
        from botocore.exceptions import ClientError

        arguments: dict[str, Any] = {"nextToken": token} if token else {}
        with translated(f"log stream {group} {stream}"):
            try:
                answer = self._client.get_log_events(
                    logGroupName=group, logStreamName=stream, startFromHead=True, **arguments
                )
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == _MISSING:
                    return None
                raise
        lines = [Line(event["timestamp"], event["message"]) for event in answer["events"]]
        return lines, answer["nextForwardToken"]

    def records(
        self, group: str, terms: list[str], start: int, end: int
    ) -> Iterator[dict[str, Any]]:
        """The ``detail`` of state-change records that hold all ``terms``; times in milliseconds."""
        for message in self.search(group, terms, start, end):
            detail = _detail(message)
            if detail is not None:
                yield detail

    def search(self, group: str, terms: list[str], start: int, end: int) -> Iterator[str]:
        """The messages of a group that hold all ``terms``.

        Pages may be empty and still have a successor, so the token decides.
        """
        pattern = " ".join(f'"{term}"' for term in terms)
        with translated(f"log group {group}"):
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=start, endTime=end
            )
            for page in pages:
                for event in page.get("events", ()):
                    yield event["message"]

    def groups(self, prefix: str) -> list[str]:
        """The log groups whose name begins so."""
        with translated(f"log groups {prefix}"):
            pages = self._client.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=prefix
            )
            return [row["logGroupName"] for page in pages for row in page["logGroups"]]


def _detail(message: str) -> dict[str, Any] | None:
    try:
        detail = json.loads(message)["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    return detail if isinstance(detail, dict) and "taskArn" in detail else None
