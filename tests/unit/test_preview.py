"""What a schedule says before it is written, and the times that --at takes."""

import doctest
from datetime import UTC, datetime, timedelta

import pytest
from attrs import evolve

from toolkit.core.expressions.expression import ExpressionError
from toolkit.core.schedules import preview
from toolkit.core.schedules.drift import FieldChange
from toolkit.core.schedules.schedule import Schedule
from toolkit.core.schedules.timing import Pause
from toolkit.runtime.catalog import load

NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)
DAILY = Schedule("stream-btc", "stream", "cron(30 2 * * ? *)", timezone="Europe/Berlin")


def look(before, after, **env):
    return preview.preview(before, after, load().workload(after.workload), env, NOW)


def test_a_schedule_that_stays_has_no_edits_and_a_new_one_only_adds():
    assert (look(DAILY, DAILY).edits, look(DAILY, DAILY).changed) == ((), False)
    new = look(None, DAILY)
    assert new.edits == ()
    assert new.diff.added
    assert not new.diff.removed


def test_every_edit_is_named_with_what_stood_there():
    after = evolve(DAILY, state="DISABLED", env={"SYMBOL": "ETHUSDT"})
    assert look(evolve(DAILY, env={"FEED": "binance"}), after).edits == (
        FieldChange("state", "ENABLED", "DISABLED"),
        FieldChange("env FEED", "binance", ""),
        FieldChange("env SYMBOL", "", "ETHUSDT"),
    )


def test_a_pause_that_ends_early_is_an_edit():
    paused = evolve(DAILY, pause=Pause("2026-04-01T00:00:00Z", "ada", "a new station"))
    until = "until 2026-04-01T00:00:00Z by ada: a new station"
    assert FieldChange("pause", until, "") in look(paused, DAILY).edits
    assert FieldChange("pause", "", until) in look(DAILY, paused).edits


@pytest.mark.parametrize(
    ("changes", "retimed"),
    [
        ({}, False),
        ({"state": "DISABLED"}, False),
        ({"timezone": "Asia/Tokyo"}, True),
        ({"expression": "cron(0 3 * * ? *)"}, True),
    ],
)
def test_a_schedule_gets_other_times_with_its_expression_or_its_zone(changes, retimed):
    assert look(DAILY, evolve(DAILY, **changes)).retimed is retimed
    assert look(None, evolve(DAILY, **changes)).retimed


def test_a_preview_of_a_daily_schedule_ends_at_the_midnight_after_a_week():
    assert look(None, DAILY).until == datetime(2026, 4, 3, 22, tzinfo=UTC)  # 00:00 in Berlin


def test_the_clock_change_is_marked_and_the_skipped_night_is_warned_of():
    found = look(None, DAILY)
    assert [firing.clock_change for firing in found.firings[:2]] == [
        timedelta(),
        timedelta(hours=1),
    ]
    assert "2026-03-29 02:30 is skipped when the clock is set forward: no firing" in found.warnings


def test_a_stream_longer_than_its_interval_is_a_warning():
    hourly = evolve(DAILY, expression="cron(0 * * * ? *)")
    assert any(
        "runs may overlap: one takes up to 2:00:00" in w for w in look(None, hourly).warnings
    )
    short = look(None, hourly, RUN_SECONDS="3000")
    assert not any("overlap" in warning for warning in short.warnings)
    assert short.longest == timedelta(minutes=50)


@pytest.mark.parametrize(
    ("after", "warning"),
    [
        (evolve(DAILY, expression="at(2026-03-27T11:00:00)"), "no firing is left"),
        (evolve(DAILY, expression="rate(3 hours)"), "counts from the moment of its creation"),
        (evolve(DAILY, timezone="UTC", zone_given=False), "no time zone is set"),
    ],
)
def test_what_surprises_people_later_is_a_warning_now(after, warning):
    assert any(warning in text for text in look(None, after).warnings)


def test_a_removal_takes_its_firings_with_it():
    diff, until = preview.removed_firings(DAILY, NOW)
    assert len(diff.removed) == 6  # of seven nights, one has no 02:30
    assert until > diff.removed[-1]


@pytest.mark.parametrize("text", ["2026-12-01", "tomorrow", "2026-13-01T00:00:00", ""])
def test_what_is_no_time_is_left_to_the_parser(text):
    assert preview.at_expression(text, "UTC") == f"at({text})"


def test_an_instant_that_only_the_second_of_two_wall_times_shows_is_refused():
    assert preview.at_expression("2026-10-25T00:30:00Z", "Europe/Berlin").endswith("T02:30:00)")
    with pytest.raises(ExpressionError, match="--timezone UTC"):
        preview.at_expression("2026-10-25T01:30:00Z", "Europe/Berlin")


def test_an_unknown_zone_is_refused_with_the_nearest():
    with pytest.raises(ExpressionError, match="Europe/Berlin"):
        preview.at_expression("2026-12-01T06:00:00Z", "berlin")


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(preview).failed == 0
