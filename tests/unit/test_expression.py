"""Vectors: AWS's documented examples, AWS's recorded answers, and the clock rule."""

import doctest
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice
from pathlib import Path

import pytest

from toolkit.core.expressions import cron_words, expression, zones
from toolkit.core.expressions.expression import At, Cron, ExpressionError, Rate, parse

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "expressions.md"
AFTER = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def firings(text, zone="UTC", after=AFTER, count=3, **bounds):
    found = parse(text).firings(after, zone, **bounds)
    return [f"{time:%Y-%m-%d %H:%M}" for time in islice(found, count)]


def firings_before(text, zone="UTC", before=AFTER, count=3, **bounds):
    found = parse(text).firings_before(before, zone, **bounds)
    return [f"{time:%Y-%m-%d %H:%M}" for time in islice(found, count)]


# The examples of the user guide's "Schedule types" and of AWS's rules, with their next firings.
DOCUMENTED = {
    "0 10 * * ? *": ["2026-11-25 10:00", "2026-11-26 10:00"],
    "15 12 * * ? *": ["2026-11-24 12:15", "2026-11-25 12:15"],
    "0 18 ? * MON-FRI *": [
        "2026-11-24 18:00",
        "2026-11-25 18:00",
        "2026-11-26 18:00",
        "2026-11-27 18:00",
        "2026-11-30 18:00",
    ],
    "0 8 1 * ? *": ["2026-12-01 08:00", "2027-01-01 08:00"],
    "0/15 * * * ? *": ["2026-11-24 12:15", "2026-11-24 12:30", "2026-11-24 12:45"],
    "0/5 8-17 ? * MON-FRI *": ["2026-11-24 12:05", "2026-11-24 12:10"],
    # AWS's own words for this one say "Saturday 00:00-02:00"; the fields say Monday's morning.
    "0/30 20-2 ? * MON-FRI *": [
        "2026-11-24 20:00",
        "2026-11-24 20:30",
        "2026-11-24 21:00",
        "2026-11-24 21:30",
        "2026-11-24 22:00",
        "2026-11-24 22:30",
        "2026-11-24 23:00",
        "2026-11-24 23:30",
        "2026-11-25 00:00",
    ],
    "15 10 ? * 6L 2026-2027": ["2026-11-27 10:15", "2026-12-25 10:15"],
    "0 2 ? * SAT#3 *": ["2026-12-19 02:00", "2027-01-16 02:00"],
    "0 9 ? * 2#1 *": ["2026-12-07 09:00", "2027-01-04 09:00"],
    "5,35 14 * * ? *": ["2026-11-24 14:05", "2026-11-24 14:35", "2026-11-25 14:05"],
    "0 0 L * ? *": ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-31 00:00", "2027-02-28 00:00"],
    "0 0 3W * ? *": ["2026-12-03 00:00", "2027-01-04 00:00", "2027-02-03 00:00"],
    "0 0 1W * ? *": ["2026-12-01 00:00", "2027-01-01 00:00", "2027-02-01 00:00"],
    "0-59/10 0-23/2 ? * * *": ["2026-11-24 12:10", "2026-11-24 12:20"],
    "0 12 ? * L *": ["2026-11-28 12:00", "2026-12-05 12:00"],
    "0 12 ? NOV-FEB FRI-SUN *": ["2026-11-27 12:00", "2026-11-28 12:00", "2026-11-29 12:00"],
    "0 0 8-8 * ? *": ["2026-12-08 00:00", "2027-01-08 00:00"],
    "0 0 1 1 ? 2026/3": ["2029-01-01 00:00", "2032-01-01 00:00"],
}


@pytest.mark.parametrize(("fields", "expected"), DOCUMENTED.items())
def test_documented_expressions_fire_as_documented(fields, expected):
    assert firings(f"cron({fields})", count=len(expected)) == expected


UNDOCUMENTED = {
    "0 0 LW * ? *": ["2026-11-30 00:00", "2026-12-31 00:00", "2027-01-29 00:00"],
    "0 0 L-3 * ? *": ["2026-11-27 00:00", "2026-12-28 00:00"],
    "0 0 L-3W * ? *": ["2026-11-27 00:00", "2026-12-28 00:00", "2027-01-28 00:00"],
    "0 0 L-30 * ? *": ["2026-12-01 00:00", "2027-01-01 00:00", "2027-03-01 00:00"],
    "0 0 ? * FRIL *": ["2026-11-27 00:00", "2026-12-25 00:00"],
    "0 0 ? * mon-fri *": ["2026-11-25 00:00"],
    "/15 * * * ? *": ["2026-11-24 12:15"],
    "0/60 12 * * ? *": ["2026-11-25 12:00", "2026-11-26 12:00"],
    "0 0 31W * ? *": ["2026-12-31 00:00", "2027-01-29 00:00", "2027-03-31 00:00"],
    "0 0 1 JAN/6 ? *": ["2027-01-01 00:00", "2027-07-01 00:00"],
    "*,5 * * * ? *": ["2026-11-24 12:01"],
}


@pytest.mark.parametrize(("fields", "expected"), UNDOCUMENTED.items())
def test_what_aws_does_not_document_is_read_with_a_warning(fields, expected):
    text = f"cron({fields})"
    assert firings(text, count=len(expected)) == expected
    assert parse(text).warnings


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ("0/45 * * * ? *", "starts again every hour: from 45 to 0 is 15, not 45"),
        ("0 9/2 * * ? *", "starts again every day: from 23 to 9 is 10, not 2"),
        ("0 0 */2 * ? *", "starts again every month: from 31 to 1 is 1, not 2"),
        ("0/30 20-2 ? * MON-FRI *", "not to the mornings after them"),
        ("0 0 31 * ? *", "a month without such a day does not fire"),
        ("0 0 ? * 2#5 *", "a month without a fifth one does not fire"),
        ("0 0 30 2 ? *", "never fires"),
    ],
)
def test_a_trap_carries_a_warning(fields, warning):
    assert any(warning in text for text in parse(f"cron({fields})").warnings)


@pytest.mark.parametrize(
    "fields",
    ["0 6 * * ? *", "0/15 * * * ? *", "30 20-2 * * ? *", "0 6 1,15 * ? *", "0-45/7 * * * ? *"],
)
def test_an_ordinary_expression_carries_no_warning(fields):
    assert parse(f"cron({fields})").warnings == ()


def test_a_skipped_wall_time_is_dropped():
    assert firings("cron(30 2 * * ? *)", "Europe/Berlin", at("2026-03-27T12:00")) == [
        "2026-03-28 01:30",
        "2026-03-30 00:30",
        "2026-03-31 00:30",
    ]


def test_a_repeated_wall_time_fires_once_before_the_shift():
    assert firings("cron(30 2 * * ? *)", "Europe/Berlin", at("2026-10-24T12:00"), 2) == [
        "2026-10-25 00:30",
        "2026-10-26 01:30",
    ]


def test_a_quarter_hourly_schedule_is_silent_for_the_repeated_hour():
    after = at("2026-10-25T00:40")
    assert firings("cron(0/15 * * * ? *)", "Europe/Berlin", after) == [
        "2026-10-25 00:45",
        "2026-10-25 02:00",
        "2026-10-25 02:15",
    ]


def test_a_clock_set_back_over_midnight_does_not_repeat_the_day_before():
    # St. John's went back from 00:01 on 7 November 2010 to 23:01 on the 6th.
    assert firings("cron(0/30 * * * ? *)", "America/St_Johns", at("2010-11-07T01:45"), 4) == [
        "2010-11-07 02:00",
        "2010-11-07 02:30",
        "2010-11-07 04:00",
        "2010-11-07 04:30",
    ]


def test_the_day_that_samoa_left_out_does_not_fire():
    assert firings("cron(0 12 * 12 ? *)", "Pacific/Apia", at("2011-12-29T00:00")) == [
        "2011-12-29 22:00",
        "2011-12-30 22:00",
        "2012-11-30 22:00",
    ]


def test_half_an_hour_of_clock_change_is_enough():
    # Lord Howe Island moves from 02:00 to 02:30.
    assert firings("cron(15 2 * * ? *)", "Australia/Lord_Howe", at("2026-10-02T20:00"), 2) == [
        "2026-10-04 15:15",
        "2026-10-05 15:15",
    ]


def test_a_leap_day_on_a_monday_is_found_at_once():
    assert firings("cron(0 0 ? 2 2#5 *)", count=2) == ["2044-02-29 00:00", "2072-02-29 00:00"]
    assert firings_before("cron(0 0 ? 2 2#5 *)", count=1) == ["2016-02-29 00:00"]


def test_the_last_minute_of_the_calendar_is_found_from_its_first():
    text = "cron(59 23 31 12 ? 2199)"
    assert firings(text, after=at("1970-01-01T00:00")) == ["2199-12-31 23:59"]
    assert firings(text, "Pacific/Pago_Pago") == ["2200-01-01 10:59"]
    assert firings("cron(0 0 1 1 ? 1970)", after=datetime.min.replace(tzinfo=UTC)) == [
        "1970-01-01 00:00"
    ]


@pytest.mark.parametrize(
    "fields",
    ["0 0 30 2 ? *", "0 0 31 4,6,9,11 ? *", "0 0 29 2 ? 2025-2027", "0 0 ? 2 2#5 2045-2071"],
)
def test_an_impossible_date_never_fires(fields):
    expression = parse(f"cron({fields})")
    assert expression.never
    assert list(expression.firings(at("1970-01-01T00:00"))) == []
    assert list(expression.firings_before(at("2199-12-31T23:59"))) == []


def test_a_wall_time_that_a_zone_always_skips_never_fires_there():
    text = "cron(30 2 ? 3 1L 2026-2199)"
    assert firings(text, "Europe/Berlin") == []
    assert firings(text, "UTC", count=1) == ["2027-03-28 02:30"]


def test_firings_are_strictly_after_and_strictly_before():
    noon = at("2026-11-24T12:00")
    assert firings("cron(0 12 * * ? *)", after=noon, count=1) == ["2026-11-25 12:00"]
    just_before = noon - timedelta(microseconds=1)
    assert firings("cron(0 12 * * ? *)", after=just_before, count=1) == ["2026-11-24 12:00"]
    assert firings_before("cron(0 12 * * ? *)", before=noon, count=1) == ["2026-11-23 12:00"]
    just_after = noon + timedelta(microseconds=1)
    assert firings_before("cron(0 12 * * ? *)", before=just_after, count=1) == ["2026-11-24 12:00"]


def test_until_and_since_are_included():
    daily = "cron(0 12 * * ? *)"
    assert len(firings(daily, until=at("2026-11-27T12:00"), count=9)) == 3
    assert len(firings_before(daily, since=at("2026-11-21T12:00"), count=9)) == 3


def test_start_and_end_are_included():
    bounds = {"start": at("2026-12-01T12:00"), "end": at("2026-12-02T12:00")}
    days = ["2026-12-01 12:00", "2026-12-02 12:00"]
    assert firings("cron(0 12 * * ? *)", **bounds, count=9) == days
    before = at("2027-01-01T00:00")
    assert firings_before("cron(0 12 * * ? *)", before=before, **bounds, count=9) == days[::-1]


def test_a_moment_in_any_zone_will_do():
    after = datetime(2026, 11, 24, 23, 30, tzinfo=timezone(timedelta(hours=14)))
    assert firings("cron(0 * * * ? *)", after=after, count=1) == ["2026-11-24 10:00"]


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        parse("rate(1 hour)").firings(AFTER.replace(tzinfo=None))


def test_a_rate_first_fires_at_its_anchor():
    anchor = at("2026-11-24T12:07")
    assert firings("rate(5 minutes)", anchor=anchor) == [
        "2026-11-24 12:07",
        "2026-11-24 12:12",
        "2026-11-24 12:17",
    ]
    assert firings("rate(5 minutes)", after=at("2026-11-24T13:00"), anchor=anchor, count=1) == [
        "2026-11-24 13:02"
    ]


def test_a_rate_counts_from_its_start_date_rather_than_from_its_creation():
    found = firings("rate(7 days)", start=at("2026-11-01T00:00"), anchor=at("2026-10-15T09:00"))
    assert found == ["2026-11-29 00:00", "2026-12-06 00:00", "2026-12-13 00:00"]


def test_a_rate_without_an_anchor_counts_from_the_moment_asked_about():
    assert firings("rate(1 hour)", count=1) == ["2026-11-24 13:00"]
    assert firings_before("rate(1 hour)") == []


def test_a_rate_looks_back_to_its_anchor_and_no_further():
    anchor = at("2026-11-24T10:30")
    assert firings_before("rate(1 hour)", anchor=anchor, count=9) == [
        "2026-11-24 11:30",
        "2026-11-24 10:30",
    ]


def test_a_rate_of_days_ignores_clock_changes():
    start = at("2026-03-28T05:00")
    assert firings("rate(1 day)", "Europe/Berlin", start, start=start) == [
        "2026-03-29 05:00",
        "2026-03-30 05:00",
        "2026-03-31 05:00",
    ]


def test_a_rate_ends_with_the_calendar():
    assert [time[:4] for time in firings("rate(999999 days)", count=9)] == ["4764", "7502"]


def test_a_one_time_schedule_fires_once_whatever_its_dates():
    text = "at(2026-12-24T18:00:00)"
    long_ago = {"start": at("2020-01-01T00:00"), "end": at("2020-01-02T00:00")}
    assert firings(text, "Europe/Berlin", **long_ago) == ["2026-12-24 17:00"]
    assert firings(text, after=at("2026-12-24T18:00")) == []
    assert firings_before(text, before=at("2026-12-25T00:00"), **long_ago) == ["2026-12-24 18:00"]


def test_a_one_time_schedule_in_a_skipped_hour_is_refused():
    with pytest.raises(ExpressionError) as caught:
        parse("at(2026-03-29T02:30:00)").firings(AFTER, "Europe/Berlin")
    assert caught.value.hint == "write at(2026-03-29T03:30:00)"
    assert parse("at(2026-03-29T02:30:00)").check("UTC") == ()


def test_a_one_time_schedule_in_a_repeated_hour_fires_the_first_time_with_a_warning():
    text = "at(2026-10-25T02:30:00)"
    assert firings(text, "Europe/Berlin", at("2026-10-01T00:00")) == ["2026-10-25 00:30"]
    assert "twice" in parse(text).check("Europe/Berlin")[0]


def test_hours_without_a_zone_are_warned_about():
    assert "UTC" in parse("cron(0 6 * * ? *)").check(None)[0]
    assert "UTC" in parse("at(2026-12-24T18:00:00)").check(None)[0]
    assert parse("cron(0/15 * * * ? *)").check(None) == ()
    assert parse("rate(1 hour)").check(None) == ()
    assert parse("cron(0 6 * * ? *)").check("UTC") == ()


def test_each_kind_is_its_own_type_and_prints_as_it_was_written():
    kinds = {
        "cron(0 6 * * ? *)": (Cron, "cron"),
        "rate(1 day)": (Rate, "rate"),
        "at(2026-12-24T18:00:00)": (At, "at"),
    }
    for text, (kind, name) in kinds.items():
        parsed = parse(text)
        assert isinstance(parsed, kind)
        assert (parsed.kind, str(parsed)) == (name, text)
        assert parsed == parse(text)


def test_the_examples_in_the_documentation_hold():
    result = doctest.testfile(str(DOCUMENTATION), module_relative=False)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("module", [cron_words, expression, zones])
def test_the_examples_in_the_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
