"""CloudWatch Logs: events that outlive a kill, filters as AWS has them, and answers in pages.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import time
from collections.abc import Iterable
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import cloudwatch_logs

from toolkit.local.ministack.replacing.calls import Answer, Call, answers
from toolkit.local.ministack.replacing.converted import Converted
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import filter_pattern, shifted_time
from toolkit.local.ministack.upstream.filter_pattern import PatternError
from toolkit.local.ministack.upstream.log_store import Event, LogStore, Place, Streams
from toolkit.local.ministack.upstream.state_files import DamagedStateError

# "As many log events as can fit in 1 MB (up to 10,000)"; sized as PutLogEvents sizes them.
_LARGEST_PAGE, _PAGE_BYTES, _EVENT_OVERHEAD = 10_000, 1_048_576, 26
_DAY = 86_400
_PAUSE_SECONDS = 0.01
Json = dict[str, Any]
Found = tuple[Event, str, Place]
_store = LogStore(snapshots.DIRECTORY / "logs.sqlite")
_saved: set[str] = set()  # groups that the state on disk tells of


def expire() -> None:
    """Events older than their group's retention go.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
    """
    for _key, group in cloudwatch_logs._log_groups.all_items():
        days = group.get("retentionInDays")
        if days is not None:
            group["streams"].forget((shifted_time.now() - days * _DAY) * 1000)


def sweep() -> None:
    """Remove from the disk what was deleted or has expired; others may use the store meanwhile."""
    _store.sweep(lambda: time.sleep(_PAUSE_SECONDS))


@snapshots.saves("cloudwatch_logs")
def _state() -> Json:
    """What is to be saved: neither streams nor the index of all events."""
    groups = AccountRegionScopedDict()
    for key, group in cloudwatch_logs._log_groups.all_items():
        groups.set_scoped(*key, {**group, "streams": {}})
    stores = {
        name.removeprefix("_"): store
        for name, store in vars(cloudwatch_logs).items()
        if isinstance(store, AccountRegionScopedDict) and name != "_log_records"
    }
    return {**stores, "log_groups": groups}


def restore() -> None:
    """Give the groups their streams back; those of no group go."""
    groups = cloudwatch_logs._log_groups._data
    lost = set(map("/".join, groups)) - _store.groups()
    if lost:
        path = snapshots.DIRECTORY / "logs.sqlite"
        raise DamagedStateError(f"{path.absolute()} is damaged: it lacks the log group {min(lost)}")
    _saved.update(map("/".join, groups))
    _store.drop(_store.groups() - _saved)
    for key, group in groups.items():
        group["streams"] = _store.group("/".join(key))
    cloudwatch_logs._log_groups._data = Converted(_with_streams, groups)


def _with_streams(key: tuple[str, str, str], group: Json) -> Json:
    """A group that is new has none; it may have the name of one that is gone."""
    if not isinstance(group["streams"], Streams):
        _saved.discard("/".join(key))
        group["streams"] = _store.group("/".join(key))
        group["streams"].clear()
    return group


def wipe() -> None:
    """Forget everything."""
    _store.drop(_store.groups())


def _save_before(group: Any) -> None:
    """Save the state before the first stream of a group: it would be lost without its group."""
    key = f"{get_account_id()}/{get_region()}/{group}"
    if key not in _saved and group in cloudwatch_logs._log_groups:
        snapshots.save()
        _saved.add(key)


@answers("logs", "CreateLogStream")
def _create_log_stream(call: Call) -> Answer:
    _save_before(call.data.get("logGroupName"))
    return call.passed_on()


def deliver(group: str, name: str, message: str) -> None:
    """Put one event into a stream of its own, which is new."""
    _save_before(group)
    now, streams = int(time.time() * 1000), cloudwatch_logs._log_groups[group]["streams"]
    streams[name] = {"creationTime": now}
    streams.put(name, now, [(now, message)])


@answers("logs", "PutLogEvents")
def _put_log_events(call: Call) -> Answer:
    data = call.data
    group, name = cloudwatch_logs._log_groups.get(data.get("logGroupName")), data["logStreamName"]
    if group is None or name not in group["streams"]:
        return call.passed_on()  # the service has the words to refuse
    _save_before(data["logGroupName"])  # CloudFormation may have made the stream
    now = int(time.time() * 1000)
    rows = [(int(row.get("timestamp", now)), row["message"]) for row in data.get("logEvents", [])]
    group["streams"].put(name, now, rows)
    return json_response({"nextSequenceToken": str(now)})


@answers("logs", "GetLogEvents")
def _get_log_events(call: Call) -> Answer:
    """A page of one stream; a token is a direction and the place of an event."""
    data = call.data
    group = cloudwatch_logs._log_groups.get(_group_name(data))
    if group is None or data["logStreamName"] not in group["streams"]:
        return call.passed_on()  # the service has the words to refuse
    token = data.get("nextToken") or ("f/" if data.get("startFromHead") else "b/")
    is_backward, behind = token[0] == "b", _place(token[2:])
    found = group["streams"].search(
        data.get("startTime", 0),
        data.get("endTime", float("inf")) - 1,  # which is excluded here
        names=[data["logStreamName"]],
        behind=behind,
        backward=is_backward,
    )
    rows, _is_full = _page(found, data)
    rows.sort(key=lambda row: row[2])
    # Of a page without events, the one before it ends with the event that the token names.
    beyond = (*behind[:2], behind[2] + (-1 if is_backward else 1)) if behind else ()
    nothing = (behind, beyond) if is_backward else (beyond, behind)
    ends = (rows[0][2], rows[-1][2]) if rows else nothing
    shown = ("timestamp", "message", "ingestionTime")
    answer = {
        "events": [{name: event[name] for name in shown} for event, *_ in rows],
        "nextForwardToken": f"f/{_text(ends[1])}",
        "nextBackwardToken": f"b/{_text(ends[0])}",
    }
    return json_response(answer)


@answers("logs", "FilterLogEvents")
def _filter_log_events(call: Call) -> Answer:
    data = call.data
    name = _group_name(data)
    if name not in cloudwatch_logs._log_groups:
        return _missing("group")
    streams, names = cloudwatch_logs._log_groups[name]["streams"], data.get("logStreamNames", ())
    if any(stream not in streams for stream in names):
        return _missing("stream")
    try:
        matches = filter_pattern.read(data.get("filterPattern", ""))
    except PatternError as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    prefix, behind = data.get("logStreamNamePrefix", ""), _place(data.get("nextToken", ""))
    first, last = data.get("startTime", 0), data.get("endTime", float("inf"))
    found = streams.search(first, last, names=names, behind=behind)
    rows, is_full = _page(
        (row for row in found if row[1].startswith(prefix) and matches(row[0]["message"])), data
    )
    events = [{**event, "logStreamName": name} for event, name, _place in rows]
    token = {"nextToken": _text(rows[-1][2])} if is_full else {}
    return json_response({"events": events, "searchedLogStreams": [], **token})


def _group_name(data: Json) -> str:
    """The group by its name, or by the identifier that may be its ARN."""
    name = str(data.get("logGroupName") or data.get("logGroupIdentifier") or "")
    here = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:"
    return name.removeprefix(here).removesuffix(":*")


def _missing(what: str) -> Answer:
    message = f"The specified log {what} does not exist."
    return error_response_json("ResourceNotFoundException", message, 400)


def _page(found: Iterable[Found], data: Json) -> tuple[list[Found], bool]:
    """As many as fit into a page, and whether there are more."""
    limit = min(data.get("limit", _LARGEST_PAGE), _LARGEST_PAGE)
    rows: list[Found] = []
    held = 0
    for row in found:
        held += len(row[0]["message"].encode("utf-8", "replace")) + _EVENT_OVERHEAD
        if len(rows) == limit or (rows and held > _PAGE_BYTES):
            return rows, True
        rows.append(row)
    return rows, False


def _place(token: str) -> Place:
    return tuple(map(int, token.split(":"))) if token else ()


def _text(place: Place) -> str:
    return ":".join(map(str, place))
