"""EventBridge Scheduler: what is really there, whoever put it there."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from toolkit.adapters.session import Aws, translated
from toolkit.core.schedules.drift import Listed, Live
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

_SIDE_BY_SIDE = 8


class Scheduler:
    """The schedules of one group."""

    def __init__(self, aws: Aws, group: str) -> None:
        self._client: EventBridgeSchedulerClient = aws.client("scheduler")
        self._group = group

    def listed(self) -> list[Listed]:
        """Name, state and last change of every schedule, a hundred a call."""
        with translated(f"schedule group {self._group}"):
            pages = self._client.get_paginator("list_schedules").paginate(GroupName=self._group)
            return [
                Listed(
                    row["Name"],
                    row["State"],
                    format_time(row["LastModificationDate"]),
                    format_time(row["CreationDate"]),
                )
                for page in pages
                for row in page["Schedules"]
            ]

    def find(self, name: str) -> Live | None:
        """One schedule whole, or None."""
        from botocore.exceptions import ClientError

        with translated(f"schedule {name}"):
            try:
                row = self._client.get_schedule(GroupName=self._group, Name=name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None
                raise
        return _live(row)

    def find_all(self, names: Iterable[str]) -> dict[str, Live]:
        """Several schedules whole, several at a time; those that exist."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            found = pool.map(self.find, names)
        return {live.name: live for live in found if live is not None}

    def delete(self, name: str) -> None:
        """Delete a schedule that no stack holds."""
        with translated(f"schedule {name}"):
            self._client.delete_schedule(GroupName=self._group, Name=name)


def _live(row: Any) -> Live:
    window = row["FlexibleTimeWindow"]
    return Live(
        name=row["Name"],
        expression=row["ScheduleExpression"],
        timezone=row.get("ScheduleExpressionTimezone", "UTC"),
        state=row["State"],
        start=_date(row.get("StartDate")),
        end=_date(row.get("EndDate")),
        description=row.get("Description", ""),
        input=row["Target"].get("Input", ""),
        flexible_minutes=window.get("MaximumWindowInMinutes", 0),
        changed_at=format_time(row["LastModificationDate"]),
        target=row["Target"],
    )


def _date(time: datetime | None) -> str:
    return format_time(time) if time else ""
