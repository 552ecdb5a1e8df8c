"""EventBridge Scheduler's store: expressions checked, lists paged, and no firing of its own.

The engine's agent fires, and it knows what an expression means.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
"""

import json
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import scheduler

from toolkit.local.ministack.entrance import changes, engine
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.replacing.service_calls import at_once
from toolkit.local.ministack.upstream import resource_names, shifted_time

Json = dict[str, Any]
_PAGE = 100
_listed: dict[str, Any] = {}
_LATE_SECONDS = 300.0


def regions() -> list[str]:
    """The regions that hold schedules."""
    return sorted({region for _account, region, _key in list(scheduler._schedules._data)})


def put(name: str, body: Json, *, known: bool) -> str:
    """Make or, where CloudFormation made it and it is not gone, replace; returns the ARN."""
    is_there = f"{body.get('GroupName', 'default')}/{name}" in scheduler._schedules
    method, content = "PUT" if known and is_there else "POST", json.dumps(body).encode()
    status, _headers, answer = at_once(
        scheduler.handle_request(method, f"/schedules/{name}", {}, content, {})
    )
    document = json.loads(answer)
    if status >= 400:
        raise ValueError(f"{document['Message']} (Service: Scheduler, Status Code: {status})")
    return str(document["ScheduleArn"])


@replaces("services.scheduler.handle_request")
async def _handle(original: Any, method: str, path: str, headers: Any, *rest: Any) -> Any:
    body, query = rest
    kind, _, name = path.removeprefix("/").partition("/")
    if (method, path) == ("GET", "/schedules"):
        return _page(original, {key: _first(value) for key, value in query.items()})
    if method == "GET" or kind not in ("schedules", "schedule-groups"):
        return await original(method, path, headers, *rest)
    complaint = resource_names.problem(unquote(name), "name")
    if complaint is None and kind == "schedules" and method != "DELETE":
        complaint = _complaint(json.loads(body or b"{}"))
    if complaint is not None:
        return error_response_json("ValidationException", complaint, 400, message_key="Message")
    answer = await original(method, path, headers, *rest)
    changes.announce(schedules=True)
    return answer


def _first(value: Any) -> str:
    return str(value[0] if isinstance(value, list) else value)


def _complaint(body: Json) -> str | None:
    """What Scheduler says of a new or changed schedule, or None."""
    expression, zone = body.get("ScheduleExpression"), body.get("ScheduleExpressionTimezone")
    problem = engine.schedule_problem(expression or "", zone or "UTC")
    return problem or _start_problem(body.get("StartDate"))


def _start_problem(start: Any) -> str | None:
    """AWS's words for a start that has passed; CloudFormation gives it as text."""
    if not start:
        return None
    moment = datetime.fromisoformat(start).timestamp() if isinstance(start, str) else float(start)
    if moment < shifted_time.now() - _LATE_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    return None


def _page(original: Any, query: dict[str, str]) -> Any:
    size, start = int(query.get("MaxResults", _PAGE)), int(query.get("NextToken", "0"))
    rows = _rows(original, query)
    answer: dict[str, Any] = {"Schedules": rows[start : start + size]}
    if start + size < len(rows):
        answer["NextToken"] = str(start + size)
    return json_response(answer, content_type="application/json")


def _rows(original: Any, query: dict[str, str]) -> list[Any]:
    """All rows of a list, in order; made once for all of its pages."""
    filters = {key: value for key, value in query.items() if key not in ("MaxResults", "NextToken")}
    held = (changes.of_schedules(), len(scheduler._schedules._data))  # a reset is no change
    key = (get_account_id(), get_region(), held, *sorted(filters.items()))
    if _listed.get("key") != key:
        everything = {**filters, "MaxResults": "1000000"}
        _status, _headers, content = at_once(original("GET", "/schedules", {}, b"", everything))
        rows = json.loads(content)["Schedules"]
        rows.sort(key=lambda row: (row["GroupName"], row["Name"]))
        _listed.update(key=key, rows=rows)
    found: list[Any] = _listed["rows"]
    return found
