"""CloudTrail's event history: management events of 90 days, without a trail.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
"""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from attrs import frozen

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.causes.api_event import ApiEvent

# Two calls a second for an account and region, shared with everybody else who asks.
_SECONDS = 0.55
_PAGE = 50


@frozen
class Lookup:
    """Events of one name, newest first; ``complete`` is false where there are older ones."""

    events: tuple[ApiEvent, ...]
    complete: bool
    calls: int


class EventHistory:
    """The event history of the account in its region."""

    def __init__(self, aws: Aws, sleep: Callable[[float], None] = time.sleep) -> None:
        self._aws = aws
        self._sleep = sleep

    def lookup(self, name: str, since: datetime, until: datetime, calls: int) -> Lookup:
        """The events of a name in a period, with at most so many calls of 50 events each."""
        cloudtrail = self._aws.client("cloudtrail")
        events: list[ApiEvent] = []
        more: dict[str, Any] = {}
        for made in range(1, calls + 1):
            with translated("CloudTrail's event history"):
                answer = cloudtrail.lookup_events(
                    LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                    StartTime=since,
                    EndTime=until,
                    MaxResults=_PAGE,
                    **more,
                )
            parsed = (ApiEvent.parse(row.get("CloudTrailEvent", "")) for row in answer["Events"])
            events += [event for event in parsed if event is not None]
            self._sleep(_SECONDS)
            if not answer.get("NextToken"):
                return Lookup(tuple(events), complete=True, calls=made)
            more = {"NextToken": answer["NextToken"]}
        return Lookup(tuple(events), complete=False, calls=calls)
