"""EventBridge Scheduler's store: expressions checked, lists paged, and no firing of its own.

The engine's agent fires, and it knows what an expression means.

https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html
"""

import json
import re
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
from toolkit.local.ministack.replacing.calls import Answer, Call, answers
from toolkit.local.ministack.upstream import api_models, api_requests, shifted_time

Json = dict[str, Any]
_PAGE = 100
_LATE_SECONDS = 300.0
_ARN = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:(\d{12})?:.+")
_listed: dict[str, Any] = {}


def regions() -> list[str]:
    """The regions that hold schedules."""
    return sorted({region for _account, region, _key in list(scheduler._schedules._data)})


@answers("scheduler", "CreateSchedule", "UpdateSchedule")
def _put_schedule(call: Call) -> Answer:
    body = call.data
    expression, zone = body.get("ScheduleExpression"), body.get("ScheduleExpressionTimezone")
    problem = (
        api_models.problem("scheduler", "CreateSchedule", {**body, "Name": _name(call)})
        or engine.schedule_problem(expression or "", zone or "UTC")
        or _window_problem(body)
        or _target_problem(body)
        or _date_problem(body)
    )
    return _refusal(problem) if problem else _heard(call)


@answers("scheduler", "CreateScheduleGroup")
def _create_group(call: Call) -> Answer:
    request = {**call.data, "Name": _name(call)}
    problem = api_models.problem("scheduler", "CreateScheduleGroup", request)
    return _refusal(problem) if problem else call.passed_on()


@answers("scheduler", "DeleteSchedule", "DeleteScheduleGroup")
def _heard(call: Call) -> Answer:
    """The agent hears of a change."""
    answer = call.passed_on()
    changes.announce(schedules=True)
    return answer


def _name(call: Call) -> str:
    """Of the schedule or the group."""
    return call.path.rpartition("/")[2]


def _refusal(problem: str) -> Answer:
    return error_response_json("ValidationException", problem, 400, message_key="Message")


def _window_problem(body: Json) -> str | None:
    """What is wrong with the flexible window, in words of our own."""
    window = body.get("FlexibleTimeWindow") or {}
    if window.get("Mode") == "FLEXIBLE" and window.get("MaximumWindowInMinutes") is None:
        return (
            "MaximumWindowInMinutes is required when the flexible time window's Mode is FLEXIBLE."
        )
    return None


def _target_problem(body: Json) -> str | None:
    """What is wrong with the target; only the first words are AWS's."""
    target = body.get("Target") or {}
    arn = str(target.get("Arn", ""))
    if not _ARN.fullmatch(arn):
        return "Provided Arn is not in correct format."
    if arn.split(":")[2] == "ecs" and not target.get("EcsParameters"):
        return "EcsParameters are required for a target of Amazon ECS."
    return None


def _date_problem(body: Json) -> str | None:
    """AWS's words for a start that has passed; those for an end before it are ours."""
    start, end = (_moment(body.get(name)) for name in ("StartDate", "EndDate"))
    if start is not None and start < shifted_time.now() - _LATE_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    if start is not None and end is not None and end <= start:
        return "The EndDate you specify must come after the StartDate."
    return None


def _moment(value: Any) -> float | None:
    """Seconds since the epoch; CloudFormation gives a moment as text."""
    if not value:
        return None
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else float(value)


@answers("scheduler", "ListSchedules")
def _list(call: Call) -> Answer:
    query = {name: texts[0] for name, texts in call.query.items()}
    request = api_requests.members("scheduler", "ListSchedules", call.query)
    problem = api_models.problem("scheduler", "ListSchedules", request)
    if problem is None and not query.get("NextToken", "0").isdigit():
        problem = "The provided NextToken is invalid."
    return _refusal(problem) if problem else _page(call, query)


def _page(call: Call, query: dict[str, str]) -> Answer:
    size, start = int(query.get("MaxResults", _PAGE)), int(query.get("NextToken", "0"))
    rows = _rows(call, query)
    answer: dict[str, Any] = {"Schedules": rows[start : start + size]}
    if start + size < len(rows):
        answer["NextToken"] = str(start + size)
    return json_response(answer, content_type="application/json")


def _rows(call: Call, query: dict[str, str]) -> list[Any]:
    """All rows of a list, in order; made once for all of its pages."""
    filters = {key: value for key, value in query.items() if key not in ("MaxResults", "NextToken")}
    held = (changes.of_schedules(), len(scheduler._schedules._data))  # a reset is no change
    key = (get_account_id(), get_region(), held, *sorted(filters.items()))
    if _listed.get("key") != key:
        every = {name: [text] for name, text in {**filters, "MaxResults": "1000000"}.items()}
        _status, _headers, content = call._replace(query=every).passed_on()
        rows = json.loads(content)["Schedules"]
        rows.sort(key=lambda row: (row["GroupName"], row["Name"]))
        _listed.update(key=key, rows=rows)
    found: list[Any] = _listed["rows"]
    return found
