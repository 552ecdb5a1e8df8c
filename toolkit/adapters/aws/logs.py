"""CloudWatch Logs: a task's lines, and the state-change records of the cluster."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from attrs import frozen

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.time_words import EPOCH

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

SEARCHES_AT_ONCE = 4  # CloudWatch Logs allows few searches a second
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
        pages = self.pages(group, stream)
        return None if pages is None else [line for page in pages for line in page]

    def pages(self, group: str, stream: str) -> Iterator[list[Line]] | None:
        """The lines of a stream from its start, a page at a time; None when there is no stream."""
        first = self.page(group, stream, None)
        return None if first is None else self._following(group, stream, first)

    def _following(
        self, group: str, stream: str, page: tuple[list[Line], str]
    ) -> Iterator[list[Line]]:
        while True:
            lines, token = page
            yield lines
            following = self.page(group, stream, token)
            # GetLogEvents is at its end when the token repeats, not when a page is empty.
            if following is None or following[1] == token:
                return
            page = following

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

    def streams(
        self, group: str, streams: Sequence[str], start: datetime, end: datetime
    ) -> Iterator[tuple[str, str]]:
        """Stream and message of each line of up to 100 streams within a time, page by page.

        A stream that does not exist has no lines here. AWS refuses a search that names one, so what
        was refused is halved until the others have been read.
        """
        from botocore.exceptions import ClientError

        events = self._events(group, start, end, logStreamNames=list(streams))
        with translated(f"log group {group}"):
            try:
                yield from ((event["logStreamName"], event["message"]) for event in events)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != _MISSING:
                    raise
                if (half := len(streams) // 2) == 0:
                    return
            else:
                return
        yield from self.streams(group, streams[:half], start, end)
        yield from self.streams(group, streams[half:], start, end)

    def everything(self, group: str, end: datetime) -> Iterator[Line]:
        """Every event of a group up to a time; none where the group is gone."""
        from botocore.exceptions import ClientError

        with translated(f"log group {group}"):
            try:
                for event in self._events(group, EPOCH, end):
                    yield Line(event["timestamp"], event["message"])
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != _MISSING:
                    raise

    def records(
        self, group: str, terms: list[str], start: datetime, end: datetime
    ) -> Iterator[dict[str, Any]]:
        """The ``detail`` of state-change records that hold all ``terms``."""
        for message in self.search(group, terms, start, end):
            detail = _detail(message)
            if detail is not None:
                yield detail

    def ends(self, group: str, start: datetime, end: datetime) -> Iterator[dict[str, Any]]:
        """The ``detail`` of the records of tasks that reached their end, in the order of time."""
        pattern = '{ $.detail.lastStatus = "STOPPED" }'
        with translated(f"log group {group}"):
            events = self._events(group, start, end, filterPattern=pattern)
            details = (_detail(event["message"]) for event in events)
            yield from (detail for detail in details if detail is not None)

    def search(self, group: str, terms: list[str], start: datetime, end: datetime) -> Iterator[str]:
        """The messages of a group that hold all ``terms``."""
        pattern = " ".join(f'"{term}"' for term in terms)
        with translated(f"log group {group}"):
            for event in self._events(group, start, end, filterPattern=pattern):
                yield event["message"]

    def _events(self, group: str, start: datetime, end: datetime, **chosen: Any) -> Iterator[Any]:
        """What FilterLogEvents finds; a page may be empty and have a successor all the same."""
        paginator = self._client.get_paginator("filter_log_events")
        pages = paginator.paginate(
            logGroupName=group, startTime=_ms(start), endTime=_ms(end), **chosen
        )
        return (event for page in pages for event in page.get("events", ()))

    def groups(self, prefix: str) -> dict[str, int | None]:
        """The log groups whose name begins so, and the days that each keeps a line (None: ever)."""
        with translated(f"log groups {prefix}"):
            pages = self._client.get_paginator("describe_log_groups").paginate(
                logGroupNamePrefix=prefix
            )
            return {
                row["logGroupName"]: row.get("retentionInDays")
                for page in pages
                for row in page["logGroups"]
            }


def _ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _detail(message: str) -> dict[str, Any] | None:
    try:
        detail = json.loads(message)["detail"]
    except (ValueError, KeyError, TypeError):
        return None
    return detail if isinstance(detail, dict) and "taskArn" in detail else None
