"""EventBridge Scheduler: what is really there, whoever put it there."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.adapters.side_by_side import side_by_side
from toolkit.core.schedules.drift import Listed
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.target import schedule_request
from toolkit.runtime.contract import format_time

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient


class Scheduler:
    """The schedules of one group."""

    def __init__(self, aws: Aws, group: str) -> None:
        self._client: EventBridgeSchedulerClient = aws.client("scheduler")
        self._group = group

    def listed(self, name: str | None = None) -> list[Listed]:
        """Name, state and last change of every schedule, a hundred a call; or of that one alone."""
        given: Any = {"GroupName": self._group} | ({"NamePrefix": name} if name else {})
        with translated(f"schedule group {self._group}"):
            pages = self._client.get_paginator("list_schedules").paginate(**given)
            return [
                Listed(
                    row["Name"],
                    row["State"],
                    format_time(row["LastModificationDate"]),
                    format_time(row["CreationDate"]),
                )
                for page in pages
                for row in page["Schedules"]
                if name is None or row["Name"] == name
            ]

    def find(self, name: str) -> Schedule | None:
        """One schedule whole, or None."""
        answer = self._get(name)
        return None if answer is None else Schedule.from_live(answer)

    def target(self, name: str) -> Mapping[str, Any] | None:
        """What a schedule runs, as the Scheduler has it; None where there is no such schedule."""
        answer = self._get(name)
        return None if answer is None else answer["Target"]

    def find_all(self, names: Iterable[str]) -> dict[str, Schedule]:
        """Several schedules whole, several at a time; those that exist."""
        found = side_by_side(self.find, names)
        return {live.name: live for live in found if live is not None}

    def restore(self, schedule: Schedule) -> None:
        """Set a schedule to what its stack says, in one call; make it if it is gone."""
        request = schedule_request(schedule.parameters())
        with translated(f"schedule {schedule.name}"):
            if self._get(schedule.name) is None:
                self._client.create_schedule(**request)
            else:
                self._client.update_schedule(**request)

    def check(self, schedule: Schedule) -> None:
        """Let AWS judge a schedule: make it under another name, disabled, and delete that again."""
        request = schedule_request(schedule.parameters())
        # Our own names hold no dot.
        name = f"{schedule.name}.check"
        with translated(f"schedule {schedule.name}"):
            self._client.create_schedule(**{**request, "Name": name, "State": "DISABLED"})
            self._client.delete_schedule(GroupName=self._group, Name=name)

    def delete(self, name: str) -> None:
        """Delete a schedule that no stack holds."""
        with translated(f"schedule {name}"):
            self._client.delete_schedule(GroupName=self._group, Name=name)

    def _get(self, name: str) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError

        with translated(f"schedule {name}"):
            try:
                return self._client.get_schedule(GroupName=self._group, Name=name)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return None
                raise
