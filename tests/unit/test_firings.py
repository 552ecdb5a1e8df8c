"""The firing diff, firings on the wall clock, overlaps and the merged calendar."""

import doctest
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from attrs import evolve

from toolkit.core.expressions.expression import ExpressionError, parse
from toolkit.core.schedules import firings
from toolkit.core.schedules.firings import (
    Shift,
    Timetable,
    clock_effects,
    compare,
    localize,
    merge,
    overlaps,
)

HOUR = timedelta(hours=1)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def daily(hour, timezone=None, **others):
    return Timetable(parse(f"cron(0 {hour} * * ? *)"), timezone, **others)


AFTER, UNTIL = at("2026-11-24T12:00"), at("2026-11-27T12:00")


def test_a_schedule_that_stays_changes_no_firing():
    diff = compare(daily(6), daily("6,6"), AFTER, UNTIL)
    assert diff.unchanged
    assert len(diff.kept) == 3
    assert str(diff) == "changes no firing"


def test_a_new_schedule_adds_and_a_removed_one_removes():
    added = compare(None, daily(6), AFTER, UNTIL)
    assert (len(added.added), added.removed, added.shifted) == (3, (), ())
    removed = compare(daily(6), None, AFTER, UNTIL)
    assert (removed.added, len(removed.removed), removed.shifted) == ((), 3, ())
    assert (str(added), str(removed)) == ("adds 3", "removes 3")
    assert compare(None, None, AFTER, UNTIL).unchanged


def test_disabling_removes_every_firing():
    assert str(compare(daily(6), daily(6, enabled=False), AFTER, UNTIL)) == "removes 3"


def test_a_changed_zone_shifts_every_firing():
    diff = compare(daily(6), daily(6, "Europe/Berlin"), AFTER, UNTIL)
    assert str(diff) == "shifts 3"
    assert diff.shifted[0] == Shift(at("2026-11-25T06:00"), at("2026-11-25T05:00"))
    assert {shift.by for shift in diff.shifted} == {-HOUR}


def test_firings_are_paired_by_the_day_that_each_wall_clock_shows():
    # Midnight of the 25th comes nine hours earlier in Tokyo, on the 24th in UTC.
    diff = compare(daily(0), daily(0, "Asia/Tokyo"), AFTER, UNTIL)
    assert {shift.by for shift in diff.shifted} == {-9 * HOUR}
    assert len(diff.shifted) == 3


def test_a_change_past_todays_new_time_removes_todays_firing():
    # At noon the new time of today has passed, and the old one will not come any more.
    diff = compare(daily(13), daily(11), AFTER, UNTIL)
    assert diff.removed == (at("2026-11-24T13:00"),)
    assert diff.added == (at("2026-11-27T11:00"),)
    assert len(diff.shifted) == 2


def test_days_that_lose_more_than_they_gain_are_not_paired():
    diff = compare(daily("6,8"), daily("7"), AFTER, UNTIL)
    assert str(diff) == "adds 3, removes 6"


def test_keeping_some_firings_pairs_only_the_others():
    diff = compare(daily("6,18"), daily("6,20"), AFTER, UNTIL)
    assert len(diff.kept) == 3
    assert {shift.by for shift in diff.shifted} == {2 * HOUR}


def test_bounds_are_part_of_what_changes():
    ending = daily(6, end=at("2026-11-25T06:00"))
    diff = compare(daily(6), ending, AFTER, UNTIL)
    assert diff.removed == (at("2026-11-26T06:00"), at("2026-11-27T06:00"))
    starting = daily(6, start=at("2026-11-26T00:00"))
    assert compare(daily(6), starting, AFTER, UNTIL).removed == (at("2026-11-25T06:00"),)


def test_a_timetable_knows_its_next_and_previous_firing():
    table = daily(6, start=at("2026-11-20T00:00"), end=at("2026-11-26T00:00"))
    assert table.next(AFTER) == at("2026-11-25T06:00")
    assert table.previous(AFTER) == at("2026-11-24T06:00")
    assert table.next(at("2026-11-25T06:00")) is None
    assert table.previous(at("2026-11-20T06:00")) is None
    disabled = daily(6, enabled=False)
    assert (disabled.next(AFTER), disabled.previous(AFTER)) == (None, None)


def test_a_rate_counts_from_the_timetables_anchor():
    rate = Timetable(parse("rate(7 days)"), anchor=at("2026-11-20T09:30"))
    assert rate.next(AFTER) == at("2026-11-27T09:30")
    assert rate.previous(AFTER) == at("2026-11-20T09:30")


def test_a_timetable_warns_of_what_its_dates_and_zone_make_of_it():
    assert daily(6, "UTC").warnings(AFTER) == ()
    assert "no time zone is set" in daily(6).warnings(AFTER)[0]
    rate = parse("rate(1 hour)")
    assert "moment of its creation" in Timetable(rate).warnings(AFTER)[0]
    assert Timetable(rate, start=at("2026-12-01T00:00")).warnings(AFTER) == ()
    bounded = daily(6, "UTC", start=at("2026-12-01T00:00"), end=at("2027-12-01T00:00"))
    assert bounded.warnings(AFTER) == ()
    once = Timetable(parse("at(2026-12-01T00:00:00)"), "UTC", end=at("2026-11-30T00:00"))
    assert "do not apply" in once.warnings(AFTER)[0]
    left = "no firing is left after 2026-12-01 00:00 UTC"
    assert once.warnings(at("2026-12-01T00:00"))[1] == left
    past = Timetable(parse("cron(0 6 * * ? 2020)"), "UTC", enabled=False)
    assert past.warnings(AFTER) == ("no firing is left after 2026-11-24 12:00 UTC",)
    never = Timetable(parse("cron(0 6 30 2 ? *)"), "UTC").warnings(AFTER)
    assert not any("is left" in warning for warning in never)


def test_a_timetable_in_an_unknown_zone_is_refused():
    with pytest.raises(ExpressionError, match="Europe/Berlin"):
        daily(6, "Berlin").warnings(AFTER)


def test_a_clock_change_between_two_firings_is_marked():
    berlin = daily(6, "Europe/Berlin")
    times = berlin.firings(at("2026-03-27T12:00"))
    local = list(islice(localize(times, "Europe/Berlin"), 3))
    assert [firing.clock_change for firing in local] == [timedelta(), HOUR, timedelta()]
    assert [f"{firing.local:%d %H:%M %Z}" for firing in local] == [
        "28 06:00 CET",
        "29 06:00 CEST",
        "30 06:00 CEST",
    ]
    autumn = berlin.firings(at("2026-10-24T12:00"), at("2026-10-27T12:00"))
    changes = [firing.clock_change for firing in localize(autumn, "Europe/Berlin")]
    assert changes == [timedelta(), timedelta(), timedelta()]
    autumn = berlin.firings(at("2026-10-24T00:00"), at("2026-10-26T12:00"))
    changes = [firing.clock_change for firing in localize(autumn, "Europe/Berlin")]
    assert changes == [timedelta(), -HOUR, timedelta()]


def test_skipped_and_repeated_wall_times_are_told():
    table = Timetable(parse("cron(30 2 * * ? *)"), "Europe/Berlin")
    effects = list(clock_effects(table, at("2026-01-01T00:00"), at("2026-12-31T00:00")))
    assert [str(effect) for effect in effects] == [
        "2026-03-29 02:30 is skipped when the clock is set forward: no firing",
        "2026-10-25 02:30 comes twice when the clock is set back: fires the first time only",
    ]
    year = (at("2026-01-01T00:00"), at("2026-12-31T00:00"))
    assert list(clock_effects(daily(6, "Europe/Berlin"), *year)) == []
    assert list(clock_effects(Timetable(parse("rate(1 hour)"), "Europe/Berlin"), *year)) == []
    assert list(clock_effects(evolve(table, enabled=False), *year)) == []


def test_firings_closer_than_the_longest_run_overlap():
    times = [at("2026-11-24T12:00"), at("2026-11-24T13:00"), at("2026-11-24T15:00")]
    found = list(overlaps(times, timedelta(minutes=90)))
    assert [(overlap.firing, overlap.overlap) for overlap in found] == [
        (times[1], timedelta(minutes=30))
    ]
    assert found[0].previous == times[0]
    assert list(overlaps(times, HOUR)) == []


def test_a_run_of_an_hour_overlaps_where_the_clock_is_set_forward():
    # 01:00 and 03:00 are one hour apart on the day that has no 02:00.
    table = daily("1,3", "Europe/Berlin")
    times = list(table.firings(at("2026-03-28T12:00"), at("2026-03-29T12:00")))
    (found,) = overlaps(times, timedelta(minutes=70))
    assert found.overlap == timedelta(minutes=10)


def test_the_calendar_merges_schedules_in_order_of_time_and_name():
    tables = {"tide": daily(6), "moon": daily("6,7"), "off": daily(6, enabled=False)}
    found = [(f"{time:%d %H}", name) for time, name in merge(tables, AFTER, at("2026-11-26T06:00"))]
    assert found == [
        ("25 06", "moon"),
        ("25 06", "tide"),
        ("25 07", "moon"),
        ("26 06", "moon"),
        ("26 06", "tide"),
    ]


def test_the_example_in_the_docstring_holds():
    result = doctest.testmod(firings)
    assert (result.attempted > 0, result.failed) == (True, 0)
