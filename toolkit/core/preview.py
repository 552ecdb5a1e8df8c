"""What a schedule says and what a change of it does, before anything is written."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from attrs import frozen

from toolkit.core.expression import At, Cron
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
_BUSINESS_HOURS = range(6, 20)


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
        warnings=tuple(_warnings(after, timetable, workload, env, now)),
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
    schedule: Schedule,
    timetable: Timetable,
    workload: Workload,
    env: Mapping[str, str],
    now: datetime,
) -> Iterator[str]:
    parsed = timetable.expression
    # A rate with a start date no longer begins at an arbitrary moment.
    if timetable.start is None:
        yield from parsed.warnings
    yield from parsed.check(schedule.timezone)
    yield from (str(effect) for effect in islice(clock_effects(timetable, now, now + _YEAR), 4))
    if schedule.enabled and timetable.next(now) is None:
        past = "its time has passed" if isinstance(parsed, At) else "no date matches any more"
        yield f"it will never fire: {past}"
    if not schedule.zone_given and isinstance(parsed, Cron) and _in_business_hours(parsed.text):
        yield "without a time zone its hours are UTC; if you meant local time: --timezone ZONE"
    longest = timedelta(seconds=workload.run_seconds(env))
    found = next(overlaps(islice(timetable.firings(now), _LOOKED_AT), longest), None)
    if found is not None:
        yield (
            f"runs may overlap: one takes up to {longest}, and {found.previous:%Y-%m-%d %H:%M}Z is "
            f"followed at {found.firing:%H:%M}Z; nothing keeps them apart"
        )


def _in_business_hours(text: str) -> bool:
    """Whether a cron names single hours that people mean by their own clock.

    >>> _in_business_hours("cron(0 9 ? * MON-FRI *)"), _in_business_hours("cron(0 * * * ? *)")
    (True, False)
    """
    hours = text.removeprefix("cron(").split()[1]
    return re.fullmatch(r"\d+(,\d+)*", hours) is not None and any(
        int(hour) in _BUSINESS_HOURS for hour in hours.split(",")
    )
