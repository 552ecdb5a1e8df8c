"""An API call as CloudTrail's event history tells it, as far as a missed firing needs it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Self

from attrs import field, frozen

from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, format_time, parse_time
from toolkit.runtime.documents import DocumentError

SCHEDULER = "scheduler.amazonaws.com"
ECS = "ecs.amazonaws.com"
_SHOWN = 300
_LISTED = 10


def _is_time(_: object, __: object, value: str) -> None:
    parse_time(value)


@frozen
class ApiEvent:
    """One API call; what the event does not tell is empty.

    ``caller`` is the ARN that called, ``invoked_by`` the AWS service that called for it. ``group``
    is a schedule group, or the group of a task, which is the schedule's name; ``failures`` and
    ``tasks`` are RunTask's answer.
    """

    name: str
    time: str = field(validator=_is_time)
    source: str = ""
    event_id: str = ""
    caller: str = ""
    invoked_by: str = ""
    error: str = ""
    group: str = ""
    schedule: str = ""
    state: str = ""
    cluster: str = ""
    failures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()

    @classmethod
    def parse(cls, content: str) -> Self | None:
        """Read a CloudTrailEvent, which is JSON as text; None where it is of no use."""
        with suppress(DocumentError, ContractError, ValueError):
            row = documents.load(content, "event")
            return cls._of(row) if isinstance(row, Mapping) else None
        return None

    @classmethod
    def _of(cls, row: Mapping[str, Any]) -> Self:
        who, given = _object(row, "userIdentity"), _object(row, "requestParameters")
        answer = _object(row, "responseElements")
        name, source = _text(row, "eventName"), _text(row, "eventSource")
        schedule = source == SCHEDULER and not name.endswith("ScheduleGroup")
        group = _text(given, "groupName") or "default" if schedule else _text(given, "name")
        return cls(
            name=name,
            time=format_time(parse_time(_text(row, "eventTime"))),
            source=source,
            event_id=_text(row, "eventID"),
            caller=_text(who, "arn") or _text(who, "type"),
            invoked_by=_text(who, "invokedBy"),
            error=": ".join(filter(None, (_text(row, "errorCode"), _text(row, "errorMessage")))),
            group=group if source == SCHEDULER else _text(given, "group"),
            schedule=_text(given, "name") if schedule else "",
            state=_text(given, "state") if schedule else "",
            cluster=_text(given, "cluster").rpartition("/")[2],
            failures=_each(answer, "failures", "reason"),
            tasks=_each(answer, "tasks", "taskArn"),
        )

    @property
    def at(self) -> datetime:
        """When it was called."""
        return parse_time(self.time)


def _value(row: Mapping[str, Any], key: str) -> Any:
    """CloudTrail begins most names of parameters with a small letter, and not all."""
    return row.get(key, row.get(key[0].upper() + key[1:]))


def _text(row: Mapping[str, Any], key: str) -> str:
    value = _value(row, key)
    return value[:_SHOWN] if isinstance(value, str) else ""


def _object(row: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = _value(row, key)
    return value if isinstance(value, Mapping) else {}


def _each(row: Mapping[str, Any], key: str, part: str) -> tuple[str, ...]:
    values = _value(row, key)
    rows = values[:_LISTED] if isinstance(values, list) else []
    texts = (_text(value, part) for value in rows if isinstance(value, Mapping))
    return tuple(text for text in texts if text)
