"""A schedule as it is deployed: GetSchedule's answer, read once."""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from attrs import frozen

from toolkit.core.expressions import expression


@frozen
class Key:
    """What names one schedule."""

    region: str
    group: str
    name: str


@frozen
class DeployedSchedule:
    """One schedule of EventBridge Scheduler.

    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_GetSchedule.html
    """

    key: Key
    arn: str
    text: str
    timezone: str
    enabled: bool
    target: Mapping[str, Any]
    modified: datetime
    window_minutes: int = 0
    start: datetime | None = None
    end: datetime | None = None
    delete_after_completion: bool = False

    @classmethod
    def read(cls, region: str, answer: Mapping[str, Any]) -> Self:
        """Read GetSchedule's answer."""
        window = answer.get("FlexibleTimeWindow", {})
        flexible = window.get("Mode") == "FLEXIBLE"
        return cls(
            key=Key(region, answer["GroupName"], answer["Name"]),
            arn=answer["Arn"],
            text=answer["ScheduleExpression"],
            timezone=answer.get("ScheduleExpressionTimezone") or "UTC",
            enabled=answer.get("State", "ENABLED") == "ENABLED",
            target=answer["Target"],
            modified=_utc(answer["LastModificationDate"]),
            window_minutes=window.get("MaximumWindowInMinutes", 1) if flexible else 0,
            start=_utc(answer["StartDate"]) if answer.get("StartDate") else None,
            end=_utc(answer["EndDate"]) if answer.get("EndDate") else None,
            delete_after_completion=answer.get("ActionAfterCompletion") == "DELETE",
        )

    def firings(self, after: datetime) -> Iterator[datetime]:
        """The scheduled times after a moment, oldest first; a disabled schedule has none."""
        if not self.enabled:
            return iter(())
        # A rate counts from its start date, or else from the moment it was created or changed.
        anchor = self.start or self.modified
        return expression.parse(self.text).firings(
            after, self.timezone, start=self.start, end=self.end, anchor=anchor
        )

    def invoked_at(self, scheduled: datetime) -> datetime:
        """When Scheduler invokes the target for a scheduled time: somewhere in the flexible window.

        The moment is drawn from the firing's identity, so a rehearsal can be repeated.
        """
        if not self.window_minutes:
            return scheduled
        seed = hashlib.sha256(f"{self.arn} {scheduled.isoformat()}".encode()).digest()
        share = int.from_bytes(seed[:4]) / 2**32
        return scheduled + timedelta(minutes=self.window_minutes) * share


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
