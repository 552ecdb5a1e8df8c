"""When the schedules were to fire, as they were deployed at each moment.

After every deployment that changes a schedule, the timing of all schedules goes into the bucket as
``deployments/<time>.json``: one small object, and the only history that there is, since neither
CloudFormation nor EventBridge Scheduler keeps what a schedule was before.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from heapq import merge
from typing import Self

from attrs import asdict, evolve, frozen

from toolkit.core.errors import EvidenceError
from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.schedules.firings import Timetable
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.timing import Pause, Timing, check
from toolkit.runtime import documents
from toolkit.runtime.contract import ContractError, RunId, format_time, parse_time
from toolkit.runtime.documents import FORMAT, DocumentError
from toolkit.runtime.layout import DEPLOYMENTS, dated_key, is_dated, key_time

_FORMAT = "deployments/1"
_SHOWN = 300  # characters of an error, which may quote the record
_SECOND, _TICK = timedelta(seconds=1), timedelta(microseconds=1)


@frozen
class Snapshot:
    """All schedules at one moment."""

    taken_at: str
    schedules: tuple[Timing, ...]

    @property
    def key(self) -> str:
        """Where it is kept; keys sort by time."""
        return dated_key(DEPLOYMENTS, parse_time(self.taken_at))

    def to_json(self) -> bytes:
        """The snapshot as UTF-8 JSON."""
        return json.dumps({FORMAT: _FORMAT, **asdict(self)}, indent=1).encode() + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Read a snapshot; raises EvidenceError when it is none or of a later format."""
        try:
            found = documents.read(cls, documents.load(content, "deployments"), "deployments")
            parse_time(found.taken_at)
            for row in found.schedules:
                check(row)
        except (DocumentError, ContractError, ExpressionError) as error:
            raise EvidenceError(str(error)[:_SHOWN]) from error
        return found


def needed(keys: Iterable[str], since: datetime) -> list[str]:
    """The keys of the snapshots that tell of the time from ``since`` on, and the one before."""
    ordered = sorted(filter(is_dated, keys))
    later = [key for key in ordered if key_time(key) > since]
    before = ordered[: len(ordered) - len(later)]
    return before[-1:] + later


@frozen
class _Revision:
    """One timing and when it was in force: after ``since``, up to and with ``until``."""

    timetable: Timetable
    since: datetime
    until: datetime | None
    launch_window: float
    pause: Pause | None = None
    own: Timetable | None = None  # when it would fire without the pause

    @property
    def paused_until(self) -> datetime | None:
        """The end of its pause, where it has one."""
        return parse_time(self.pause.until) if self.pause else None

    def firings(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The firings of a period, those of the pause too."""
        own: Iterator[datetime] = iter(())
        if self.own and self.paused_until:
            last = min(until, self.paused_until - _TICK)
            own = self.own.firings(after, last) if after < last else own
        # One after the other, unless a record says that the schedule starts within its pause.
        yield from merge(own, self.timetable.firings(after, until))

    def covers(self, time: datetime) -> bool:
        """Whether it was in force at a time."""
        return self.since < time + _SECOND and not (self.until and time > self.until)


class History:
    """The timings of all schedules over time, from snapshots that end with the present one."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        ordered = sorted(snapshots, key=lambda snapshot: parse_time(snapshot.taken_at))
        names = {row.name for snapshot in ordered for row in snapshot.schedules}
        self._revisions = {name: _revisions(name, ordered) for name in sorted(names)}
        self._last = ordered[-2:]

    @property
    def names(self) -> list[str]:
        """Every schedule that ever was, within what is known."""
        return list(self._revisions)

    @property
    def earliest(self) -> datetime | None:
        """Since when anything is known at all."""
        return min((rows[0].since for rows in self._revisions.values()), default=None)

    @property
    def disabled(self) -> dict[str, datetime]:
        """The schedules that are disabled, and were not when they were recorded: since when."""
        if len(self._last) < 2:
            return {}
        recorded, present = self._last
        enabled = {row.name for row in recorded.schedules if row.state == "ENABLED"}
        return {
            row.name: parse_time(row.changed_at)
            for row in present.schedules
            if row.name in enabled and row.state != "ENABLED" and row.changed_at
        }

    def firings(self, name: str, after: datetime, until: datetime) -> Iterator[datetime]:
        """When the schedule was to fire in a period, to the second as run ids have it.

        The firings of its own timetable that fall into a pause are among them (see `paused`).
        """
        for revision in self._revisions.get(name, ()):
            last = until if revision.until is None else min(until, revision.until)
            # A rate first fires at the very moment from which it counts.
            first = max(after, revision.since - _TICK)
            if first < last:
                for time in revision.firings(first, last):
                    yield time.replace(microsecond=0)

    def spent(self, name: str, now: datetime) -> str:
        """Why a schedule that is deployed and enabled fires no more; empty while it may."""
        revisions = self._revisions.get(name, ())
        if not revisions or revisions[-1].until is not None:
            return ""
        return revisions[-1].timetable.spent(now)

    def pause_at(self, name: str, now: datetime) -> Pause | None:
        """The pause of a schedule that is still deployed, unless it is over."""
        revisions = self._revisions.get(name, ())
        if not revisions or revisions[-1].until is not None:
            return None
        pause = revisions[-1].pause
        return pause if pause and pause.active(now) else None

    def next(self, name: str, after: datetime) -> datetime | None:
        """The next firing of a schedule that is still deployed."""
        revisions = self._revisions.get(name, ())
        if not revisions or revisions[-1].until is not None:
            return None
        found = revisions[-1].timetable.next(after)
        return found.replace(microsecond=0) if found else None

    def latest(self, name: str, before: datetime) -> datetime | None:
        """The last firing at or before a moment."""
        for revision in reversed(self._revisions.get(name, ())):
            end = before if revision.until is None else min(before, revision.until)
            found = revision.timetable.previous(end + _SECOND)
            if found is not None and revision.since <= found <= end:
                return found.replace(microsecond=0)
        return None

    def expects(self, run_id: RunId) -> str:
        """Whether a run was to happen: "due", or the name of the finding that says why not."""
        time, paused = run_id.scheduled_time, bool(self.paused(run_id))
        found = [
            _expects(revision.own if paused and revision.own else revision.timetable, time)
            for revision in self._revisions.get(run_id.schedule, ())
            if revision.covers(time)
        ]
        if "due" in found:  # at the moment of a change, either timetable counts
            return "paused" if paused else "due"
        return found[0] if found else "not-deployed"

    def paused(self, run_id: RunId) -> str:
        """Until when the schedule was paused then, by whom and why; empty if it was not."""
        time = run_id.scheduled_time
        for revision in self._revisions.get(run_id.schedule, ()):
            end = revision.paused_until
            if end and revision.covers(time) and time < min(end, revision.until or end):
                return str(revision.pause)
        return ""

    def launch_window(self, run_id: RunId) -> float | None:
        """For how many seconds after a firing its launch may come; None where none was deployed."""
        for revision in self._revisions.get(run_id.schedule, ()):
            if revision.covers(run_id.scheduled_time):
                return revision.launch_window
        return None


def _expects(timetable: Timetable, time: datetime) -> str:
    if not timetable.enabled:
        return "schedule-disabled"
    if (timetable.start and time < timetable.start) or (timetable.end and time > timetable.end):
        return "outside-window"
    near = timetable.firings(time - _SECOND, time + _SECOND)
    return "due" if any(each.replace(microsecond=0) == time for each in near) else "not-a-firing"


def _revisions(name: str, snapshots: list[Snapshot]) -> tuple[_Revision, ...]:
    found: list[tuple[datetime, Timing | None]] = []
    seen: datetime | None = None  # when what was found last was in force for certain
    for snapshot in snapshots:
        timing = next((row for row in snapshot.schedules if row.name == name), None)
        taken = parse_time(snapshot.taken_at)
        if timing is None:
            if found and found[-1][1] is not None:
                found.append((_not_before(taken, found, seen), None))
        elif found and found[-1][1] and _same(found[-1][1], timing):
            if timing.pause:  # what is live does not tell of a pause, the record of it does
                found[-1] = (found[-1][0], timing)
        else:
            found.append((_not_before(parse_time(timing.changed_at), found, seen), timing))
        seen = taken
    ends = [since for since, _ in found[1:]]
    revisions: list[_Revision] = []
    for (since, known), until in zip(found, [*ends, None], strict=True):
        if known is not None:
            before = revisions[-1] if revisions and revisions[-1].until == since else None
            own = _own(known, before) if known.pause else None
            window = known.launch_window
            revisions.append(_Revision(known.timetable(), since, until, window, known.pause, own))
    return tuple(revisions)


def _not_before(
    time: datetime, found: list[tuple[datetime, Timing | None]], seen: datetime | None
) -> datetime:
    """The time of a change; one that seems older than the change before it is moved behind that.

    Times are those of EventBridge Scheduler and of several deployers, whose clocks may differ.
    """
    if not found or time >= found[-1][0]:
        return time
    return max(found[-1][0], seen or found[-1][0])


def _same(before: Timing, after: Timing) -> bool:
    """Whether two timings are of one deployment; stack and Scheduler write times differently."""
    return _comparable(before) == _comparable(after)


def _comparable(timing: Timing) -> Timing:
    start, end, changed = (
        format_time(parse_time(text)) if text else ""
        for text in (timing.start, timing.end, timing.changed_at)
    )
    return evolve(timing, pause=None, start=start, end=end, changed_at=changed)


def _own(timing: Timing, before: _Revision | None) -> Timetable:
    """The timetable without the pause; a rate keeps the beat that it had before."""
    start = timing.pause.start if timing.pause else ""
    own = evolve(timing, start=start).timetable()
    if before is None:
        return own
    was = before.own or before.timetable
    if (was.expression, was.timezone) != (own.expression, own.timezone):
        return own
    return evolve(own, start=was.start or own.start, anchor=was.anchor)


def snapshot(
    now: datetime,
    deployed: Mapping[str, Schedule],
    changed: Mapping[str, str],
    live: Mapping[str, Schedule],
) -> Snapshot:
    """The present: what is live where it was read whole, or else what its stack deployed.

    ``changed`` is when each schedule that exists was changed last, by name.
    """
    known = {n: evolve(s, changed_at=changed[n]) for n, s in deployed.items() if n in changed}
    schedules = {**known, **live}
    return Snapshot(format_time(now), tuple(schedules[name].timing for name in sorted(schedules)))


def with_pauses(present: Snapshot, pauses: Mapping[str, Pause]) -> Snapshot:
    """The snapshot with the pauses that are deployed: those whose end is the schedule's start."""
    rows = [_paused(row, pauses.get(row.name)) for row in present.schedules]
    return evolve(present, schedules=tuple(rows))


def _paused(row: Timing, pause: Pause | None) -> Timing:
    deployed = pause and row.start and parse_time(row.start) == parse_time(pause.until)
    return evolve(row, pause=pause) if deployed else row
