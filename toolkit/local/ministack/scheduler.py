"""EventBridge Scheduler's store: expressions checked, lists paged, and no firing of its own.

The engine's agent fires, and it knows what an expression means.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
"""

import json
from datetime import datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import scheduler

from . import changes, engine, shifted_time

Response = tuple[int, dict[str, str], bytes]
_PAGE = 100
_listed: dict[str, Any] = {}
_LATE_SECONDS = 300.0


def regions() -> list[str]:
    """The regions that hold schedules."""
    return sorted({region for _account, region, _key in list(scheduler._schedules._data)})


def create(name: str, body: dict[str, Any]) -> str:
    """What CloudFormation does with the properties of a new schedule; returns the ARN."""
    scheduler._ensure_default_group()
    return _arn(scheduler._create_schedule(name, body))


def replace(name: str, body: dict[str, Any]) -> str:
    """What it does with those of one that it made; one that is gone is made again."""
    key = f"{body.get('GroupName', 'default')}/{name}"
    if key not in scheduler._schedules:
        return create(name, body)
    return _arn(scheduler._update_schedule(name, body))


def _arn(response: Response) -> str:
    status, _headers, content = response
    answer = json.loads(content)
    if status >= 400:
        raise ValueError(f"{answer['Message']} (Service: Scheduler, Status Code: {status})")
    return str(answer["ScheduleArn"])


def install() -> None:
    """Mend ministack's Scheduler."""
    scheduler.start_scheduler = lambda: None
    scheduler._now = shifted_time.now
    original_list = scheduler._list_schedules
    scheduler._list_schedules = lambda query: _page(original_list, query)
    for name in ("_create_schedule", "_update_schedule"):
        setattr(scheduler, name, _announcing(_checking(getattr(scheduler, name))))
    for name in ("_delete_schedule", "_delete_schedule_group"):
        setattr(scheduler, name, _announcing(getattr(scheduler, name)))


def _checking(original: Any) -> Any:
    def call(name: str, body: dict[str, Any]) -> Response:
        problem = engine.schedule_problem(
            body.get("ScheduleExpression") or "", body.get("ScheduleExpressionTimezone") or "UTC"
        )
        problem = problem or _start_problem(body.get("StartDate"))
        response: Response = (
            scheduler._error(400, "ValidationException", problem)
            if problem
            else original(name, body)
        )
        return response

    return call


def _start_problem(start: Any) -> str | None:
    """AWS's words for a start that has passed; CloudFormation gives it as text."""
    if not start:
        return None
    moment = datetime.fromisoformat(start).timestamp() if isinstance(start, str) else float(start)
    if moment < shifted_time.now() - _LATE_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    return None


def _announcing(original: Any) -> Any:
    def call(*args: Any) -> Response:
        response: Response = original(*args)
        changes.announce(schedules=True)
        return response

    return call


def _page(original: Any, query: dict[str, str]) -> Response:
    size, start = int(query.get("MaxResults", _PAGE)), int(query.get("NextToken", "0"))
    rows = _rows(original, query)
    answer: dict[str, Any] = {"Schedules": rows[start : start + size]}
    if start + size < len(rows):
        answer["NextToken"] = str(start + size)
    content: Response = scheduler._json_resp(200, answer)
    return content


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
