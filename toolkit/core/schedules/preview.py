"""What a schedule says and what a change of it does, before anything is written."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.expressions.kinds import Rate
from toolkit.core.expressions.zones import find_zone
from toolkit.core.schedules.drift import FieldChange
from toolkit.core.schedules.firings import (
    FiringDiff,
    LocalFiring,
    clock_effects,
    compare,
    localize,
    overlaps,
)
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.timing import Pause
from toolkit.runtime.catalog import Workload
from toolkit.runtime.contract import OverlapPolicy, RunId

_SHOWN = 5
_EFFECTS = 4
_LEAST, _MOST = timedelta(days=7), timedelta(days=400)
_LOOKED_AT = 500
_YEAR = timedelta(days=366)
_FIELDS = ("workload", "expression", "timezone", "state", "start", "end", "description", "overlap")


@frozen
class Preview:
    """A schedule before it is written.

    ``edits`` are the words of its file that change, ``diff`` the firings that change until
    ``until``. ``longest`` is how long one of its runs may take, and ``pause`` one that is not over.
    """

    before: Schedule | None
    after: Schedule
    words: str
    longest: timedelta
    warnings: tuple[str, ...]
    firings: tuple[LocalFiring, ...]
    edits: tuple[FieldChange, ...]
    diff: FiringDiff
    until: datetime
    pause: Pause | None = None

    @property
    def changed(self) -> bool:
        """Whether anything about the schedule changes."""
        return self.before != self.after

    @property
    def retimed(self) -> bool:
        """Whether the schedule is new or its expression or zone changes."""
        before, after = self.before, self.after
        return before is None or (before.expression, before.timezone) != (
            after.expression,
            after.timezone,
        )

    def run_id(self, firing: LocalFiring) -> str:
        """The run id that a firing will have."""
        return str(RunId(self.after.name, firing.utc))


def preview(
    before: Schedule | None,
    after: Schedule,
    workload: Workload,
    env: Mapping[str, str],
    now: datetime,
) -> Preview:
    """Look at a schedule, and at the change from ``before``, as of ``now``."""
    timetable = after.timetable()
    shown = list(islice(timetable.firings(now), _SHOWN))
    until = _period(shown, now, after.timezone)
    old = before.timetable() if before else None
    longest = timedelta(seconds=workload.run_seconds(env))
    return Preview(
        before=before,
        after=after,
        words=timetable.expression.describe(),
        longest=longest,
        warnings=tuple(_warnings(after, longest, now)),
        firings=tuple(localize(shown, after.timezone)),
        edits=tuple(_edits(before, after)) if before else (),
        diff=compare(old, timetable, now, until),
        until=until,
        pause=after.paused(now),
    )


def removed_firings(schedule: Schedule, now: datetime) -> tuple[FiringDiff, datetime]:
    """The firings that go with a schedule, and the end of the period looked at."""
    timetable = schedule.timetable()
    until = _period(list(islice(timetable.firings(now), _SHOWN)), now, schedule.timezone)
    return compare(timetable, None, now, until), until


def at_expression(text: str, timezone: str) -> str:
    """The at() of a time: a wall time of the zone as it is, one with an offset converted to it.

    What is no time at all is left to the expression's own parser, which explains it.

    Raises:
        ExpressionError: the zone is unknown, or only the second of two equal wall times would do.

    >>> at_expression("2026-12-01T06:00:00Z", "Europe/Berlin")
    'at(2026-12-01T07:00:00)'
    >>> at_expression("2026-12-01 06:00", "Europe/Berlin")
    'at(2026-12-01T06:00:00)'
    """
    zone = find_zone(timezone)
    try:
        time = datetime.fromisoformat(text)
        wall = time if time.tzinfo is None else time.astimezone(zone)
    except (ValueError, OverflowError):
        return f"at({text})"
    if len(text) <= len("2026-12-01"):
        return f"at({text})"  # a day alone is no time
    if wall.fold:
        reason = f"{timezone} shows {wall:%H:%M} for the second time then, at() means the first"
        raise ExpressionError("date-time", text, reason, "write --timezone UTC beside it")
    return f"at({wall:%Y-%m-%dT%H:%M:%S})"


def _edits(before: Schedule, after: Schedule) -> Iterator[FieldChange]:
    for name in _FIELDS:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield FieldChange(name, old, new)
    if before.pause != after.pause:
        yield FieldChange("pause", str(before.pause or ""), str(after.pause or ""))
    for name, new in after.launch_words.items():
        if (old := before.launch_words[name]) != new:
            yield FieldChange(name, old, new)
    for name in sorted({*before.env, *after.env}):
        old, new = before.env.get(name, ""), after.env.get(name, "")
        if before.env.get(name) != after.env.get(name):
            yield FieldChange(f"env {name}", old, new)


def _period(shown: list[datetime], now: datetime, timezone: str) -> datetime:
    """A week, or as long as it takes to see the firings that are shown; it ends at a midnight."""
    last = shown[-1] if shown else now
    end = min(max(last, now + _LEAST), now + _MOST).astimezone(ZoneInfo(timezone))
    midnight = (end + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC)


def _warnings(schedule: Schedule, longest: timedelta, now: datetime) -> Iterator[str]:
    timetable, window = schedule.timetable(), schedule.flexible_window
    yield from timetable.warnings(now)
    if schedule.pause and isinstance(timetable.expression, Rate):
        yield f"a rate counts from the end of its pause, {schedule.pause.until}"
    effects = clock_effects(timetable, now, now + _YEAR)
    yield from (str(effect) for effect in islice(effects, _EFFECTS))
    firings = evolve(timetable, enabled=True).firings(now)
    found = next(overlaps(islice(firings, _LOOKED_AT), longest + window), None)
    if found is not None:
        late = f" and may start {window} late" if window else ""
        before, next_one = f"{found.previous:%Y-%m-%d %H:%M}Z", f"{found.firing:%H:%M}Z"
        apart = "nothing keeps them apart"
        if schedule.overlap == OverlapPolicy.SKIP:
            apart = "the later one is skipped"
        yield (
            f"runs may overlap: one takes up to {longest}{late}, and {before} is followed at "
            f"{next_one}; {apart}"
        )
