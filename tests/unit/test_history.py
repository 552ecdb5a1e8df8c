"""The history of deployments: what was to fire is what was deployed at that moment."""

from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.errors import EvidenceError
from toolkit.core.schedules.history import History, Snapshot, needed, snapshot
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.timing import Pause, Timing
from toolkit.runtime.contract import RunId


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


SIX = Timing("weather", "cron(0 6 * * ? *)", "UTC", "ENABLED", "", "", text(at(2)))
SEVEN = evolve(SIX, expression="cron(0 7 * * ? *)", changed_at=text(at(4, 12)))


def history(*rows: tuple[datetime, tuple[Timing, ...]]) -> History:
    return History([Snapshot(text(time), timings) for time, timings in rows])


CHANGED = history((at(2), (SIX,)), (at(4, 12), (SEVEN,)), (at(9), (SEVEN,)))


def test_a_schedule_is_expected_on_its_old_times_until_it_was_changed() -> None:
    times = list(CHANGED.firings("weather", at(1), at(7)))
    assert times == [at(2, 6), at(3, 6), at(4, 6), at(5, 7), at(6, 7)]


def test_nothing_is_expected_before_it_was_deployed_and_after_it_was_deleted() -> None:
    gone = history((at(2), (SIX,)), (at(4, 12), ()), (at(9), ()))
    assert list(gone.firings("weather", at(1), at(9))) == [at(2, 6), at(3, 6), at(4, 6)]
    assert gone.next("weather", at(9)) is None
    assert gone.expects(RunId("weather", at(5, 6))) == "not-deployed"


def test_a_disabled_schedule_owes_nothing_while_it_is_disabled() -> None:
    off = evolve(SIX, state="DISABLED", changed_at=text(at(3)))
    on = evolve(SIX, changed_at=text(at(5)))
    found = history((at(2), (SIX,)), (at(3), (off,)), (at(5), (on,)), (at(7), (on,)))
    assert list(found.firings("weather", at(1), at(6))) == [at(2, 6), at(5, 6)]
    assert found.expects(RunId("weather", at(4, 6))) == "schedule-disabled"


def test_only_what_was_disabled_since_it_was_recorded_counts_as_disabled() -> None:
    off = evolve(SIX, state="DISABLED", changed_at=text(at(3)))
    assert history((at(2), (SIX,)), (at(9), (off,))).disabled == {"weather": at(3)}
    assert history((at(2), (SIX,)), (at(3), (off,)), (at(9), (off,))).disabled == {}
    assert history((at(2), (off,)), (at(9), (SIX,))).disabled == {}
    assert history((at(2), (SIX,)), (at(9), ())).disabled == {}
    assert history((at(9), (off,))).disabled == history().disabled == {}


@pytest.mark.parametrize(
    ("time", "word"),
    [
        (at(3, 6), "due"),
        (at(3, 7), "not-a-firing"),
        (at(6, 7), "due"),
        (at(6, 6), "not-a-firing"),
        (at(1, 6), "not-deployed"),
    ],
)
def test_a_run_is_due_by_what_was_deployed_then(time: datetime, word: str) -> None:
    assert CHANGED.expects(RunId("weather", time)) == word


def test_a_firing_outside_start_and_end_is_told_apart() -> None:
    window = evolve(SIX, start=text(at(4)), end=text(at(6)))
    found = history((at(2), (window,)))
    assert found.expects(RunId("weather", at(3, 6))) == "outside-window"
    assert found.expects(RunId("weather", at(7, 6))) == "outside-window"
    assert found.expects(RunId("weather", at(5, 6))) == "due"


def test_the_latest_firing_looks_back_over_changes() -> None:
    assert CHANGED.latest("weather", at(5, 6)) == at(4, 6)
    assert CHANGED.latest("weather", at(5, 7)) == at(5, 7)
    assert CHANGED.latest("weather", at(2, 5)) is None
    assert CHANGED.next("weather", at(9)) == at(9, 7)


def test_a_rate_counts_from_its_last_change_and_its_run_ids_have_whole_seconds() -> None:
    rate = evolve(SIX, expression="rate(1 hour)", changed_at="2026-11-02T00:00:07.250Z")
    found = history((at(2, 0, 1), (rate,)))
    times = list(found.firings("weather", at(2, 1), at(2, 3)))
    assert times == [at(2, 1) + timedelta(seconds=7), at(2, 2) + timedelta(seconds=7)]
    assert found.expects(RunId("weather", times[0])) == "due"


def test_the_first_firing_of_a_rate_is_the_moment_from_which_it_counts() -> None:
    rate = evolve(SIX, expression="rate(1 hour)", changed_at="2026-11-02T00:00:07.250Z")
    found = history((at(2, 0, 1), (rate,)))
    first = at(2) + timedelta(seconds=7)
    assert list(found.firings("weather", at(1), at(2, 1))) == [first]
    assert found.latest("weather", at(2, 1)) == first
    assert found.expects(RunId("weather", first)) == "due"


def test_only_the_snapshots_that_matter_are_read() -> None:
    keys = [Snapshot(text(at(day)), ()).key for day in (2, 3, 5, 8)]
    assert needed(reversed(keys), at(6)) == keys[2:]
    assert needed(keys, at(5)) == keys[2:]
    assert needed(keys, at(1)) == keys
    assert needed([], at(1)) == []


def test_a_snapshot_survives_its_way_through_the_bucket() -> None:
    taken = Snapshot(text(at(2)), (SIX, SEVEN))
    assert Snapshot.from_json(taken.to_json()) == taken
    with pytest.raises(EvidenceError, match="taken_at is missing"):
        Snapshot.from_json(b'{"schedules": [{"name": "x"}]}')


def test_what_is_live_wins_over_what_its_stack_says_and_what_is_gone_is_left_out() -> None:
    names = ("weather", "gone", "science")
    deployed = {name: Schedule(name, "", "rate(1 day)") for name in names}
    live = {"weather": Schedule("weather", "", "rate(2 days)", changed_at=text(at(3)))}
    taken = snapshot(at(4), deployed, {"weather": text(at(3)), "science": text(at(2))}, live)
    assert [(row.name, row.expression) for row in taken.schedules] == [
        ("science", "rate(1 day)"),
        ("weather", "rate(2 days)"),
    ]


MINUTES = st.integers(0, 60 * 24 * 20)


@given(
    rows=st.lists(
        st.tuples(
            MINUTES,
            MINUTES,
            st.sampled_from(["cron(0 6 * * ? *)", "rate(7 hours)", "rate(45 minutes)", ""]),
            st.none() | MINUTES,
        ),
        min_size=1,
        max_size=6,
    ),
    after=MINUTES,
    length=MINUTES,
)
def test_firings_come_in_order_whatever_the_clocks_of_deployers_said(
    rows: list[tuple[int, int, str, int | None]], after: int, length: int
) -> None:
    """The time of a change is Scheduler's, that of a record its deployer's; either may err."""
    snapshots = []
    for taken, changed, expression, pause in rows:
        timing = evolve(SIX, expression=expression, changed_at=text(moment(changed)))
        if pause is not None:
            until = text(moment(pause))
            timing = evolve(timing, start=until, pause=Pause(until, "ann", "work"))
        snapshots.append((moment(taken), (timing,) if expression else ()))
    found = history(*snapshots)
    begin, end = moment(after), moment(after + length)
    times = list(found.firings("weather", begin, end))
    assert times == sorted(times)
    assert all(begin - timedelta(seconds=1) < time <= end for time in times)
    # A period read in two halves gives the same firings.
    half = moment(after + length // 2)
    halves = [*found.firings("weather", begin, half), *found.firings("weather", half, end)]
    assert sorted(set(halves)) == sorted(set(times))


def moment(minute: int) -> datetime:
    return at(1) + timedelta(minutes=minute)


def test_a_change_that_seems_older_than_the_one_before_counts_from_when_that_was_last_seen() -> (
    None
):
    early = evolve(SEVEN, changed_at=text(at(1)))
    found = history((at(2), (SIX,)), (at(3), (SIX,)), (at(4, 12), (early,)))
    assert list(found.firings("weather", at(1), at(5))) == [at(2, 6), at(3, 7), at(4, 7)]
