from datetime import UTC, datetime
from itertools import islice

import pytest

from toolkit.core.expression import ExpressionError, parse

AFTER = datetime(2026, 3, 27, 12, tzinfo=UTC)


def firings(text, zone="UTC", after=AFTER, count=3):
    return [f"{t:%Y-%m-%dT%H:%M}" for t in islice(parse(text).firings(after, zone), count)]


def test_a_skipped_wall_time_is_dropped():
    assert firings("cron(30 2 * * ? *)", "Europe/Berlin") == [
        "2026-03-28T01:30",
        "2026-03-30T00:30",
        "2026-03-31T00:30",
    ]


def test_a_repeated_wall_time_fires_once_before_the_shift():
    after = datetime(2026, 10, 24, 12, tzinfo=UTC)
    assert firings("cron(30 2 * * ? *)", "Europe/Berlin", after, 2) == [
        "2026-10-25T00:30",
        "2026-10-26T01:30",
    ]


def test_a_leap_day_on_a_monday_is_found_at_once():
    assert firings("cron(0 0 ? 2 2#5 *)", count=2) == ["2044-02-29T00:00", "2072-02-29T00:00"]


def test_the_thirtieth_of_february_never_fires():
    assert parse("cron(0 0 30 2 ? *)").never
    assert firings("cron(0 0 30 2 ? *)") == []


def test_an_error_names_the_field_the_value_and_a_corrected_example():
    with pytest.raises(ExpressionError) as caught:
        parse("cron(71 8 1 * ? *)")
    error = caught.value
    assert (error.field, error.value, error.hint) == (
        "minutes",
        "71",
        "write cron(59 8 1 * ? *)",
    )
    assert str(error) == "minutes '71': outside 0-59; write cron(59 8 1 * ? *)"
