"""Why a firing was missed, by the API calls that CloudTrail recorded."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from attrs import asdict, frozen

from toolkit.core.causes.api_event import ECS, SCHEDULER, ApiEvent
from toolkit.core.errors import EvidenceError
from toolkit.runtime import documents
from toolkit.runtime.contract import RunId, format_time
from toolkit.runtime.documents import FORMAT, DocumentError

# Calls that change what a schedule does; each is asked for by its name.
CHANGES = ("CreateSchedule", "UpdateSchedule", "DeleteSchedule", "DeleteScheduleGroup")
LAUNCH = "RunTask"
# CloudTrail shows an event after about 5 minutes on average, which is no promise:
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
DELIVERY = timedelta(minutes=15)
REMEMBERED = timedelta(days=90)
_SHOWN = 3
_UNDOCUMENTED = "(AWS does not document that CloudTrail records this)"
_UNPROVED = "It is not proved that AWS records a role that Scheduler may not assume"
_NOTHING = f"CloudTrail recorded no change of the schedule and no RunTask for it. {_UNPROVED}"


@frozen
class Missed:
    """A missed firing and for how long after it a launch could come."""

    run_id: RunId
    launch_window: timedelta

    @property
    def due(self) -> datetime:
        """When it was to fire."""
        return self.run_id.scheduled_time

    @property
    def until(self) -> datetime:
        """Until when a launch could come."""
        return self.due + self.launch_window

    def askable(self, now: datetime) -> bool:
        """Whether CloudTrail has had time to show what happened, and has not forgotten it."""
        return self.until + DELIVERY <= now and self.due > now - REMEMBERED


@frozen
class Place:
    """Where an app's schedules are, and where they launch."""

    group: str
    cluster: str


@frozen
class Cause:
    """What CloudTrail said of a missed firing.

    ``found`` is false where it recorded nothing that explains it. ``proved`` is false where the
    answer rests on something that AWS does not document to be recorded.
    """

    run_id: str
    asked_at: str
    summary: str
    found: bool
    proved: bool = True
    events: tuple[ApiEvent, ...] = ()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a kept answer; EvidenceError when it cannot be read."""
        try:
            return documents.read(cls, documents.load(content, "cause"), "cause")
        except DocumentError as error:
            raise EvidenceError(str(error)) from error

    def to_json(self) -> bytes:
        """The document to keep."""
        return json.dumps({FORMAT: "cause/1", **self.row()}, indent=1).encode() + b"\n"

    def row(self) -> dict[str, Any]:
        """The answer as plain values."""
        return asdict(self)


def cause_of(missed: Missed, events: Iterable[ApiEvent], place: Place, now: datetime) -> Cause:
    """The cause of a missed firing, by the events around it and before it.

    Args:
        missed: the firing.
        events: API calls of the account, in any order.
        place: whose schedules and tasks count.
        now: when CloudTrail was asked.
    """
    rows = sorted(events, key=lambda event: event.at)
    changes = [row for row in rows if _changes(row, missed, place)]
    removed = _removed(changes, missed.due)
    launches = [row for row in rows if _launches(row, missed, place)]
    launches.sort(key=lambda row: bool(row.tasks))  # what failed first
    launches = launches[:_SHOWN]
    words = [_changed_words(removed)] if removed else []
    words += [_launch_words(row) for row in launches]
    events_kept = [removed, *launches] if removed else launches
    if words:
        proved = not any(row.failures for row in launches)
        return _cause(missed, now, "; ".join(words), events_kept, proved=proved)
    if changes:
        before = _changed_words(changes[-1])
        summary = f"no RunTask was recorded; before it, {before}. {_UNPROVED}"
        return _cause(missed, now, summary, changes[-1:], found=False)
    return _cause(missed, now, _NOTHING, [], found=False)


def disabled_by(name: str, events: Iterable[ApiEvent], place: Place) -> str:
    """Who disabled a schedule, by the latest of the events that did; empty where none did."""
    for row in sorted(events, key=lambda event: event.at, reverse=True):
        own = row.source == SCHEDULER and (row.schedule, row.group) == (name, place.group)
        if own and row.state == "DISABLED" and not row.error:
            return row.caller or "an unnamed caller"
    return ""


def _cause(
    missed: Missed,
    now: datetime,
    summary: str,
    events: Sequence[ApiEvent],
    *,
    found: bool = True,
    proved: bool = True,
) -> Cause:
    return Cause(str(missed.run_id), format_time(now), summary, found, proved, tuple(events))


def _changes(event: ApiEvent, missed: Missed, place: Place) -> bool:
    """Whether a call changed the firing's schedule, before a launch could come no more."""
    if event.source != SCHEDULER or event.name not in CHANGES or event.error:
        return False
    named = event.name == "DeleteScheduleGroup" or event.schedule == missed.run_id.schedule
    return named and event.group == place.group and event.at <= missed.until


def _removed(changes: Sequence[ApiEvent], due: datetime) -> ApiEvent | None:
    """The change after which nothing fired: the last before the firing, or one in its window."""
    before = [row for row in changes if row.at <= due]
    candidates = [*before[-1:], *(row for row in changes if row.at > due)]
    return next((row for row in candidates if _removes(row)), None)


def _removes(event: ApiEvent) -> bool:
    return event.name.startswith("Delete") or event.state == "DISABLED"


def _launches(event: ApiEvent, missed: Missed, place: Place) -> bool:
    """Whether it is a launch of the schedule in the time of the firing.

    CloudTrail hides the overrides, so that the scheduled time is not told.
    """
    return (
        event.source == ECS
        and event.name == LAUNCH
        and event.group == missed.run_id.schedule
        and event.cluster == place.cluster
        and missed.due <= event.at <= missed.until
    )


def _changed_words(event: ApiEvent) -> str:
    if event.name == "DeleteScheduleGroup":
        what = "the schedule group was deleted"
    elif event.name == "DeleteSchedule":
        what = "the schedule was deleted"
    elif event.state == "DISABLED":
        what = "the schedule was disabled"
    else:
        what = f"the schedule was {'created' if event.name == 'CreateSchedule' else 'changed'}"
    through = f" through {event.invoked_by}" if event.invoked_by else ""
    return f"{what} at {_when(event)} by {event.caller or 'an unnamed caller'}{through}"


def _launch_words(event: ApiEvent) -> str:
    head = f"RunTask at {_when(event)}"
    if event.error:
        return f"{head} was refused: {event.error}"
    if event.failures:
        return f"{head} launched nothing: {', '.join(event.failures)} {_UNDOCUMENTED}"
    if event.tasks:
        return f"{head} launched {event.tasks[0]}, for this firing or one near it"
    return f"{head} was answered without a task"


def _when(event: ApiEvent) -> str:
    return f"{event.at:%Y-%m-%d %H:%M:%S}Z"
