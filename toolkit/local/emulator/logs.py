"""CloudWatch Logs: FilterLogEvents pages through its answer instead of cutting it off.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import heapq
from collections.abc import Iterator
from itertools import islice
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

Event = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]
_LARGEST_PAGE = 10_000


def install() -> None:
    """Mend ministack's CloudWatch Logs."""
    cloudwatch_logs._filter_log_events = _filter_log_events


def _filter_log_events(data: dict[str, Any]) -> Response:
    group = cloudwatch_logs._resolve_log_group_name(data)
    if group not in cloudwatch_logs._log_groups:
        message = "The specified log group does not exist."
        return _response(error_response_json("ResourceNotFoundException", message, 400))
    matches = cloudwatch_logs._compile_filter_pattern(data.get("filterPattern", ""))
    size = min(data.get("limit", _LARGEST_PAGE), _LARGEST_PAGE)
    start = int(data.get("nextToken") or 0)
    found = (event for event in _events(group, data) if matches(event["message"]))
    page = list(islice(found, start, start + size + 1))
    answer: dict[str, Any] = {"events": page[:size], "searchedLogStreams": []}
    if len(page) > size:
        answer["nextToken"] = str(start + size)
    return _response(json_response(answer))


def _events(group: str, data: dict[str, Any]) -> Iterator[Event]:
    """The events of the chosen streams in the order of time, each with its stream's name."""
    streams = cloudwatch_logs._log_groups[group]["streams"]
    prefix = data.get("logStreamNamePrefix", "")
    chosen = data.get("logStreamNames") or [name for name in streams if name.startswith(prefix)]
    first, last = data.get("startTime", 0), data.get("endTime", float("inf"))
    with cloudwatch_logs._log_events_lock:
        histories = [
            [
                {**event, "logStreamName": name}
                for event in streams[name]["events"]
                if first <= event["timestamp"] <= last
            ]
            for name in chosen
            if name in streams
        ]
    yield from heapq.merge(
        *histories, key=lambda event: (event["timestamp"], event["ingestionTime"])
    )


def _response(response: Any) -> Response:
    status, headers, content = response
    return status, headers, content
