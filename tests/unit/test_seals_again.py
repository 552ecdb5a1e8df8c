"""Sealed days are looked at again bit by bit: no audit takes too long, and no change is lost."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fake_aws import FakeAws
from toolkit.app.app import App
from toolkit.app.proof import ledger
from toolkit.app.proof.seal_writer import SealingLimits
from toolkit.app.proof.seals import seal_due_days
from toolkit.app.proof.verify import verify
from toolkit.core.proof.seal import Seal
from toolkit.core.proof.seal_chain import DAY, start_of
from toolkit.core.proof.seal_periods import day_stretches, periods
from toolkit.core.schedules.history import History, Snapshot
from toolkit.core.schedules.timing import Timing
from toolkit.runtime.contract import Outcome, RunId, format_time

from .sealing import contents
from .spoiled_runs import START, an_app, an_aws, scheduled

FIRST = datetime(2026, 11, 2, tzinfo=UTC)
DAYS, HOURS = 6, 24 * 6
BOUND = timedelta(seconds=60)
# What may be under way when the time is over: a few firings, looked at and amended, is all.
UNIT = timedelta(seconds=120)


class EndingError(Exception):
    """The audit's own end."""


@define
class Audits:
    """Audits of an hourly schedule, to whom every call takes a second."""

    aws: FakeAws
    at: datetime
    amended: datetime | None = None
    longest: timedelta = field(default=timedelta(), init=False)

    def audit(self, writes: int | None = None, *, told: bool = True) -> tuple[str, ...]:
        """One audit; with ``writes`` it is killed at that write, and not ``told`` at its end."""
        begun = self.aws.calls.total()

        def clock() -> datetime:
            return self.at + timedelta(seconds=self.aws.calls.total() - begun)

        of_now = an_app(self.aws)
        app = App(of_now.project, of_now.config, self.aws, of_now.console, clock, local=True)  # type: ignore[arg-type]
        limits = SealingLimits(self.at + BOUND, part_bytes=16 * 1024, firings=12)
        whole = self.aws.objects
        self.aws.objects = whole if writes is None else Bound(whole, writes)
        keys: tuple[str, ...] = ()
        with contextlib.suppress(EndingError):
            written = seal_due_days(app, self.at, None, limits, self.amended)
            keys = written.keys
            self.amended = written.amended if told else self.amended
        self.aws.objects = dict(self.aws.objects)
        self.longest = max(self.longest, clock() - self.at)
        self.at += timedelta(minutes=30)
        return keys


class Bound(dict[str, bytes]):
    """Objects of which so many more may be written."""

    def __init__(self, known: dict[str, bytes], left: int) -> None:
        super().__init__(known)
        self.left = left

    def __setitem__(self, name: str, content: bytes) -> None:
        if not self.left:
            raise EndingError
        self.left -= 1
        super().__setitem__(name, content)


def an_hourly_week() -> FakeAws:
    aws = an_aws()
    scheduled(aws, "cron(0 * * * ? *)")
    return aws


def came_late(aws: FakeAws, hours: set[int]) -> None:
    """Manifests of firings that had none: each is failed instead of missed."""
    for hour in hours:
        due = FIRST + timedelta(hours=hour)
        key = RunId("weather", due).manifest_key(Outcome.FAILED)
        aws.objects[key], aws.modified[key] = b"{}", due + timedelta(seconds=50)


def states(aws: FakeAws, now: datetime, *, sealed: bool) -> list[tuple[str, str]]:
    period = ledger.Period(FIRST - timedelta(seconds=1), FIRST + DAYS * DAY - timedelta(seconds=1))
    found = ledger.read(an_app(aws, now), period, sealed=sealed).firings
    return [(str(row.run_id), str(row.state)) for row in found]


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.sets(st.integers(0, HOURS - 1), max_size=20), min_size=1, max_size=4),
    kills=st.lists(st.none() | st.integers(0, 3), max_size=12),
    lost=st.sets(st.integers(0, 20)),
)
def test_every_change_is_amended_in_the_end_and_no_audit_takes_longer_than_it_may(
    changes: list[set[int]], kills: list[int | None], lost: set[int]
) -> None:
    aws = an_hourly_week()
    audits = Audits(aws, FIRST + (DAYS + 2) * DAY)
    for number in range(70):
        if number % 12 == 0 and changes:
            came_late(aws, changes.pop())
        writes = kills[number] if number < len(kills) else None
        audits.audit(writes, told=number not in lost)
    assert audits.longest <= BOUND + UNIT
    # Two more days were sealed meanwhile, and each began to look again from the first day on.
    found = verify(an_app(aws, audits.at))
    assert (found.problems, found.waiting) == ((), ())
    assert states(aws, audits.at, sealed=True) == states(aws, audits.at, sealed=False)


def test_what_one_audit_cannot_look_at_is_left_to_the_next_in_the_order_of_days() -> None:
    aws = an_hourly_week()
    audits = Audits(aws, FIRST + (DAYS + 2) * DAY)
    while audits.audit() or audits.amended:
        pass
    came_late(aws, {3, 50, 100, 140})
    audits.at = FIRST + (DAYS + 3) * DAY
    reached = []
    while audits.audit() or audits.amended:
        reached.append(audits.amended or datetime.max.replace(tzinfo=UTC))
    assert len(reached) > 2, "one audit would have been enough"
    assert reached == sorted(reached)
    late = [day_of(row) for key, body in contents(aws).items() for row in amended_in(key, body)]
    assert late == [date(2026, 11, 2), date(2026, 11, 4), date(2026, 11, 6), date(2026, 11, 7)]


def amended_in(key: str, body: bytes) -> list[str]:
    """The firings that a seal says anew."""
    rows = Seal.from_json(body).firings if key.count(".") > 1 else ()
    return [row.run_id for row in rows if row.state == "failed"]


def day_of(run_id: str) -> date:
    return RunId.parse(run_id).scheduled_time.date()


def history(*expressions: str) -> History:
    at = format_time(START)
    rows = (
        Timing(f"weather-{number}", expression, "UTC", "ENABLED", "", "", at)
        for number, expression in enumerate(expressions)
    )
    return History([Snapshot(at, tuple(rows))])


@settings(max_examples=40, deadline=None)
@given(
    rates=st.lists(st.sampled_from([1, 7, 60, 1440]), min_size=1, max_size=3),
    gaps=st.sets(st.integers(0, 9), max_size=6),
    hours=st.integers(0, 240),
    most=st.integers(1, 4000),
)
def test_periods_hold_every_firing_once_and_never_too_many(
    rates: list[int], gaps: set[int], hours: int, most: int
) -> None:
    rates = [rate for rate in rates if rate > 1 or most > 200] or [60]
    known = history(*(f"rate({rate} minutes)" if rate > 1 else "rate(1 minute)" for rate in rates))
    days = [FIRST.date() + number * DAY for number in range(10) if number not in gaps]
    since = FIRST + timedelta(hours=hours)
    found = list(periods(days, since, known, most))
    tick = timedelta(microseconds=1)
    held = [
        time
        for begin, end in found
        for name in known.names
        for time in known.firings(name, begin - tick, end - tick)
    ]
    wanted = [
        time
        for day in days
        for name in known.names
        for time in known.firings(name, start_of(day) - tick, start_of(day) + DAY - tick)
        if time >= since
    ]
    assert sorted(held) == sorted(wanted)
    assert found == sorted(found)
    for begin, end in found:
        count = sum(len(list(known.firings(n, begin - tick, end - tick))) for n in known.names)
        assert count <= max(most, len(rates))


@pytest.mark.parametrize(
    ("most", "expected"), [(1, 3), (2, 2), (10, 2)], ids=["each", "two", "a stretch"]
)
def test_days_are_read_in_stretches_without_gaps(most: int, expected: int) -> None:
    days = [date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 5)]
    found = list(day_stretches(days, history("cron(0 6 * * ? *)"), most))
    assert len(found) == expected
    assert [found[0][0], found[-1][1]] == [days[0], days[-1]]
    assert list(day_stretches([], history("rate(1 day)"), most)) == []
