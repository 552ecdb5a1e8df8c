"""CloudWatch Logs: events that outlive a kill, filters as AWS has them, and answers in pages.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import json
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, islice
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import cloudwatch_logs

from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.replacing.service_calls import Ask, Json, Response, answers
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import filed_events, filter_pattern, shifted_time
from toolkit.local.ministack.upstream.filed_events import Event, FiledEvents
from toolkit.local.ministack.upstream.filter_pattern import PatternError

from . import log_journal

# "As many log events as can fit in 1 MB (up to 10,000)"; sized as PutLogEvents sizes them.
_LARGEST_PAGE, _PAGE_BYTES, _EVENT_OVERHEAD = 10_000, 1_048_576, 26
_DAY = 86_400


def expire() -> None:
    """Events older than their group's retention go.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    for _key, group in cloudwatch_logs._log_groups.all_items():
        days = group.get("retentionInDays")
        oldest = 0 if days is None else (shifted_time.now() - days * _DAY) * 1000
        for stream in list(group["streams"].values()):  # tasks begin new ones meanwhile
            events = stream["events"]
            gone = filed_events.position(events, oldest)
            if isinstance(events, FiledEvents):
                events.forget(gone)
            else:
                stream["events"] = events[gone:]


@snapshots.saves("cloudwatch_logs")
def _state() -> Json:
    """What is to be saved: neither the streams of the journal nor the index of all events."""
    groups = AccountRegionScopedDict()
    for key, group in cloudwatch_logs._log_groups.all_items():
        durable = log_journal.streams(group)
        streams = list(group["streams"].items())
        rest = {name: row for name, row in streams if name not in durable}
        groups.set_scoped(*key, {**group, "streams": rest})
    stores = {
        name.removeprefix("_"): store
        for name, store in vars(cloudwatch_logs).items()
        if isinstance(store, AccountRegionScopedDict) and name != "_log_records"
    }
    return {**stores, "log_groups": groups}


def restore() -> None:
    """Give the groups their streams and events back."""
    log_journal.restore(cloudwatch_logs._log_groups.all_items())


@answers("logs", "CreateLogStream")
def _create_log_stream(ask: Ask, data: Json) -> Response:
    return _recorded(log_journal.create, ask, data)


@answers("logs", "DeleteLogStream")
def _delete_log_stream(ask: Ask, data: Json) -> Response:
    return _recorded(log_journal.delete, ask, data)


def _recorded(record: Callable[..., None], ask: Ask, data: Json) -> Response:
    response = ask(data)
    if response[0] == 200:
        name = data["logGroupName"]
        record(_key(name), cloudwatch_logs._log_groups[name], data["logStreamName"])
    return response


@replaces("services.cloudwatch_logs._delete_log_group")
def _delete_log_group(original: Any, data: Json) -> Any:
    name = data.get("logGroupName", "")
    group = cloudwatch_logs._log_groups.get(name)
    response = original(data)
    if group is not None:
        log_journal.drop(_key(name), group)
    return response


@answers("logs", "PutLogEvents")
def _put_log_events(ask: Ask, data: Json) -> Any:
    group_name, name = data.get("logGroupName"), data.get("logStreamName")
    group = cloudwatch_logs._log_groups.get(group_name)
    stream = None if group is None else group["streams"].get(name)
    if group is None or stream is None or group_name is None or name is None:
        return ask(data)  # it has the words to refuse
    now = int(time.time() * 1000)
    rows = [(int(row.get("timestamp", now)), row["message"]) for row in data.get("logEvents", [])]
    log_journal.write(_key(group_name), group, name, now, rows)
    stream["uploadSequenceToken"] = str(int(stream["uploadSequenceToken"]) + 1)
    return json_response({"nextSequenceToken": stream["uploadSequenceToken"]})


@answers("logs", "GetLogEvents")
def _get_log_events(ask: Ask, data: Json) -> Response:
    """A page of one stream, asked for again where it would be larger than a page may be."""
    response = ask(data)
    if response[0] != 200:
        return response
    events = json.loads(response[2])["events"]
    forward = str(data.get("nextToken") or ("f" if data.get("startFromHead") else "b"))[0] == "f"
    totals = accumulate(_size(event) for event in (events if forward else reversed(events)))
    fitting = max(1, sum(total <= _PAGE_BYTES for total in totals))
    if fitting >= len(events):
        return response
    return ask({**data, "limit": fitting})


def _key(group: str) -> log_journal.Key:
    return get_account_id(), get_region(), group


@answers("logs", "FilterLogEvents")
def _filter_log_events(_ask: Ask, data: Json) -> Any:
    group = cloudwatch_logs._resolve_log_group_name(data)
    if group not in cloudwatch_logs._log_groups:
        return _missing("group")
    if set(data.get("logStreamNames", ())) - cloudwatch_logs._log_groups[group]["streams"].keys():
        return _missing("stream")
    try:
        matches = filter_pattern.read(data.get("filterPattern", ""))
    except PatternError as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    return json_response(_page(group, data, matches))


def _missing(what: str) -> Any:
    message = f"The specified log {what} does not exist."
    return error_response_json("ResourceNotFoundException", message, 400)


def _page(group: str, data: Json, matches: filter_pattern.Matcher) -> Json:
    """One page; its token is a timestamp, and how many events of that timestamp came before."""
    size = min(data.get("limit", _LARGEST_PAGE), _LARGEST_PAGE)
    moment, passed = map(int, data.get("nextToken", "0:0").split(":"))
    answer: Json = {"events": [], "searchedLogStreams": []}
    held = 0
    first = max(data.get("startTime", 0), moment)
    for event, name in islice(_events(group, first, data), passed, None):
        if event["timestamp"] != moment:
            moment, passed = event["timestamp"], 0
        if matches(event["message"]):
            held += _size(event)
            if len(answer["events"]) == size or (answer["events"] and held > _PAGE_BYTES):
                answer["nextToken"] = f"{moment}:{passed}"
                break
            answer["events"].append({**event, "logStreamName": name})
        passed += 1
    return answer


def _size(event: Event) -> int:
    return len(event["message"].encode()) + _EVENT_OVERHEAD


def _events(group: str, first: int, data: Json) -> Iterator[tuple[Event, str]]:
    """The events of the chosen streams in the order of time, each with its stream's name."""
    streams = cloudwatch_logs._log_groups[group]["streams"]
    prefix = data.get("logStreamNamePrefix", "")
    chosen = data.get("logStreamNames") or [n for n in list(streams) if n.startswith(prefix)]
    histories = {name: streams[name]["events"] for name in chosen if name in streams}
    return filed_events.merged(histories, first, data.get("endTime", float("inf")))
