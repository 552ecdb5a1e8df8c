"""EventBridge Scheduler's store: expressions checked, lists paged, and no firing of its own.

The engine's agent fires, and it knows what an expression means.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
"""

import json
from datetime import datetime
from typing import Any

from ministack.core.responses import (
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import scheduler

from toolkit.local.ministack.entrance import changes, engine
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.upstream import resource_names, shifted_time

Json = dict[str, Any]
_PAGE = 100
_LATE_SECONDS = 300.0
_listed: dict[str, Any] = {}


def regions() -> list[str]:
    """The regions that hold schedules."""
    return sorted({region for _account, region, _key in list(scheduler._schedules._data)})


@replaces("services.scheduler._create_schedule", "services.scheduler._update_schedule")
def _put_schedule(original: Any, name: str, body: Json) -> Any:
    expression, zone = body.get("ScheduleExpression"), body.get("ScheduleExpressionTimezone")
    problem = (
        resource_names.problem(name, "name")
        or engine.schedule_problem(expression or "", zone or "UTC")
        or _start_problem(body.get("StartDate"))
    )
    return _refusal(problem) if problem else _heard(original, name, body)


@replaces("services.scheduler._create_schedule_group")
def _create_group(original: Any, name: str, body: Json) -> Any:
    problem = resource_names.problem(name, "name")
    return _refusal(problem) if problem else original(name, body)


@replaces("services.scheduler._delete_schedule", "services.scheduler._delete_schedule_group")
def _heard(original: Any, *args: Any) -> Any:
    """The agent hears of a change."""
    answer = original(*args)
    changes.announce(schedules=True)
    return answer


def _refusal(problem: str) -> Any:
    return error_response_json("ValidationException", problem, 400, message_key="Message")


def _start_problem(start: Any) -> str | None:
    """AWS's words for a start that has passed; CloudFormation gives it as text."""
    if not start:
        return None
    moment = datetime.fromisoformat(start).timestamp() if isinstance(start, str) else float(start)
    if moment < shifted_time.now() - _LATE_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    return None


@replaces("services.scheduler._list_schedules")
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
        _status, _headers, content = original({**filters, "MaxResults": "1000000"})
        rows = json.loads(content)["Schedules"]
        rows.sort(key=lambda row: (row["GroupName"], row["Name"]))
        _listed.update(key=key, rows=rows)
    found: list[Any] = _listed["rows"]
    return found
