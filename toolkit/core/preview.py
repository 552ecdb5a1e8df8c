"""What a schedule says and what a change of it does, before anything is written."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.core.firings import (
    FiringDiff,
    LocalFiring,
    Timetable,
    clock_effects,
    compare,
    localize,
    overlaps,
)
from toolkit.core.schedule import Schedule
from workloads.catalog import Workload
from workloads.contract import RunId

_SHOWN = 5
_LEAST, _MOST = timedelta(days=7), timedelta(days=400)
_LOOKED_AT = 500
_YEAR = timedelta(days=366)


@frozen
class Preview:
    """A schedule before it is written; ``until`` ends the period of the firing diff."""

    before: Schedule | None
    after: Schedule
    words: str
    warnings: tuple[str, ...]
    firings: tuple[LocalFiring, ...]
    diff: FiringDiff
    until: datetime

    @property
    def changed(self) -> bool:
        """Whether anything about the schedule changes."""
        return self.before != self.after

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
    return Preview(
        before=before,
        after=after,
        words=timetable.expression.describe(),
        warnings=tuple(_warnings(timetable, workload, env, now)),
        firings=tuple(localize(shown, after.timezone)),
        diff=compare(old, timetable, now, until),
        until=until,
    )


def _period(shown: list[datetime], now: datetime, timezone: str) -> datetime:
    """A week, or as long as it takes to see the firings that are shown; it ends at a midnight."""
    last = shown[-1] if shown else now
    end = min(max(last, now + _LEAST), now + _MOST).astimezone(ZoneInfo(timezone))
    midnight = (end + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight.astimezone(UTC)


def _warnings(
    timetable: Timetable,
    workload: Workload,
    env: Mapping[str, str],
    now: datetime,
) -> Iterator[str]:
    yield from timetable.warnings(now)
    yield from (str(effect) for effect in islice(clock_effects(timetable, now, now + _YEAR), 4))
    longest = timedelta(seconds=workload.run_seconds(env))
    found = next(overlaps(islice(timetable.firings(now), _LOOKED_AT), longest), None)
    if found is not None:
        yield (
            f"runs may overlap: one takes up to {longest}, and {found.previous:%Y-%m-%d %H:%M}Z is "
            f"followed at {found.firing:%H:%M}Z; nothing keeps them apart"
        )
