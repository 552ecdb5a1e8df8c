"""The Scheduler agent: knows what is deployed, and when each schedule fires next."""

import heapq
import itertools
import threading
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from toolkit.core.errors import ConfigError
from toolkit.core.expressions.expression import ExpressionError
from toolkit.local.agent.aws import Emulator
from toolkit.local.agent.clock import Clock
from toolkit.local.agent.delivery import Due, first_attempt
from toolkit.local.agent.deployed import DeployedSchedule, Key
from toolkit.local.agent.journal import Journal

_TICK = timedelta(microseconds=1)  # a rate fires at the very moment when it is made


class SchedulerAgent:
    """The deployed schedules and the heap of what is due. Safe to use from any thread."""

    def __init__(self, emulator: Emulator, clock: Clock, journal: Journal) -> None:
        # What was due while no engine ran is not made up for: the machine was off.
        self._since = clock.now()
        self._emulator = emulator
        self._clock = clock
        self._journal = journal
        self._schedules: dict[Key, DeployedSchedule] = {}
        self._modified: dict[Key, datetime] = {}
        self._heap: list[tuple[datetime, int, Due]] = []
        self._order = itertools.count()
        self._lock = threading.RLock()
        self._refreshing = threading.Lock()

    def refresh(self, regions: Iterable[str]) -> None:
        """Read what changed since the last time, by LastModificationDate."""
        with self._refreshing:  # one at a time, or a firing would be planned twice
            self._refresh(regions)

    def _refresh(self, regions: Iterable[str]) -> None:
        listed: dict[Key, datetime] = {}
        for region in regions:
            client = self._emulator.client("scheduler", region)
            for page in client.get_paginator("list_schedules").paginate():
                for row in page["Schedules"]:
                    key = Key(region, row["GroupName"], row["Name"])
                    listed[key] = row["LastModificationDate"]
        changed = [key for key, when in listed.items() if self._modified.get(key) != when]
        found = [schedule for schedule in map(self._read, changed) if schedule is not None]
        with self._lock:
            for key in self._modified.keys() - listed.keys():
                self._schedules.pop(key, None)
            self._modified = listed
            for schedule in found:
                self._schedules[schedule.key] = schedule
                self._plan_next(schedule, max(schedule.modified - _TICK, self._since))

    def _read(self, key: Key) -> DeployedSchedule | None:
        client = self._emulator.client("scheduler", key.region)
        try:
            answer = client.get_schedule(Name=key.name, GroupName=key.group)
        except client.exceptions.ResourceNotFoundException:
            return None  # deleted since it was listed
        return DeployedSchedule.read(key.region, answer)

    def _plan_next(self, schedule: DeployedSchedule, after: datetime) -> None:
        """Put the schedule's next firing on the heap; a schedule without one is complete."""
        try:
            scheduled = next(schedule.firings(after), None)
        except ExpressionError as error:
            self._journal.tell("unreadable", schedule=schedule.key.name, message=str(error))
            return
        if scheduled is not None:
            self._push(first_attempt(schedule, scheduled, schedule.invoked_at(scheduled)))

    def _push(self, due: Due) -> None:
        heapq.heappush(self._heap, (due.at, next(self._order), due))

    def retry(self, due: Due) -> None:
        """Plan another attempt."""
        with self._lock:
            self._push(due)

    def claim(self, schedule: DeployedSchedule, scheduled: datetime) -> Due | None:
        """Take a planned firing ahead of its time, if it is the one that comes next."""
        with self._lock:
            for entry in self._heap:
                due = entry[2]
                if due.schedule is schedule and due.scheduled_time == scheduled:
                    self._heap.remove(entry)
                    heapq.heapify(self._heap)
                    self._plan_next(schedule, scheduled)
                    return due
        return None

    def complete(self, due: Due) -> None:
        """After the last attempt of a firing: ActionAfterCompletion of a schedule without another.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-delete.html
        """
        schedule = due.schedule
        if not schedule.delete_after_completion or self._current(due) is not schedule:
            return
        if next(schedule.firings(due.scheduled_time), None) is None:
            client = self._emulator.client("scheduler", schedule.key.region)
            client.delete_schedule(Name=schedule.key.name, GroupName=schedule.key.group)

    def next_moment(self) -> datetime | None:
        """When something is due next."""
        with self._lock:
            self._drop_stale()
            return self._heap[0][0] if self._heap else None

    def take(self, until: datetime) -> Due | None:
        """The earliest invocation that is due by a moment; the next is planned at once."""
        with self._lock:
            self._drop_stale()
            if not self._heap or self._heap[0][0] > until:
                return None
            due = heapq.heappop(self._heap)[2]
            if due.attempt == 1:
                self._plan_next(due.schedule, due.scheduled_time)
            return due

    def _drop_stale(self) -> None:
        """Forget what belongs to schedules that were changed or deleted since it was planned."""
        while self._heap and self._heap[0][2].schedule is not self._current(self._heap[0][2]):
            heapq.heappop(self._heap)

    def _current(self, due: Due) -> DeployedSchedule | None:
        return self._schedules.get(due.schedule.key)

    def find(self, name: str) -> DeployedSchedule:
        """The schedule of that name; raises ConfigError listing the deployed ones."""
        with self._lock:
            found = [schedule for key, schedule in self._schedules.items() if key.name == name]
            known = sorted({key.name for key in self._schedules})
        if found:
            return found[0]
        raise ConfigError(
            f"no schedule {name!r} is deployed",
            hint=f"deployed are: {', '.join(known)}"
            if known
            else "deploy one first: toolkit deploy",
        )

    def next_firing(self, schedule: DeployedSchedule) -> datetime | None:
        """The scheduled time that this schedule waits for."""
        return next(schedule.firings(self._clock.now()), None)

    def describe(self) -> Iterator[dict[str, Any]]:
        """For `status`: each schedule with its next firing."""
        with self._lock:
            schedules = sorted(self._schedules.values(), key=lambda row: row.key.name)
        for schedule in schedules:
            following = self.next_firing(schedule)
            yield {
                "name": schedule.key.name,
                "group": schedule.key.group,
                "expression": schedule.text,
                "timezone": schedule.timezone,
                "state": "ENABLED" if schedule.enabled else "DISABLED",
                "next": following.isoformat() if following else None,
            }

    def forget(self) -> None:
        """Start over, as after a reset."""
        with self._lock:
            self._schedules.clear()
            self._modified.clear()
            self._heap.clear()
            self._since = self._clock.now()
