"""The one reader of the times that options name."""

import doctest
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from toolkit.cli.options import Times, check_period
from toolkit.core import time_words
from toolkit.core.errors import ConfigError
from toolkit.core.time_words import is_exact, read_duration, read_time, time_in_words

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday, 13:00 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")

# A text, and what it names looking back and looking ahead.
READ = {
    "now": ("2026-11-24T12:00", "2026-11-24T12:00"),
    "7d": ("2026-11-17T12:00", "2026-12-01T12:00"),
    "1h30m": ("2026-11-24T10:30", "2026-11-24T13:30"),
    "2 hours": ("2026-11-24T10:00", "2026-11-24T14:00"),
    "7 days ago": ("2026-11-17T12:00", "2026-11-17T12:00"),
    "in 2h": ("2026-11-24T14:00", "2026-11-24T14:00"),
    "-2h": ("2026-11-24T10:00", "2026-11-24T10:00"),
    "yesterday": ("2026-11-22T23:00", "2026-11-22T23:00"),
    "today": ("2026-11-23T23:00", "2026-11-23T23:00"),
    "Tomorrow 06:00": ("2026-11-25T05:00", "2026-11-25T05:00"),
    "yesterday at 6:00": ("2026-11-23T05:00", "2026-11-23T05:00"),
    "06:00": ("2026-11-24T05:00", "2026-11-25T05:00"),
    "18:00": ("2026-11-23T17:00", "2026-11-24T17:00"),
    "monday": ("2026-11-22T23:00", "2026-11-29T23:00"),
    "fri 06:00": ("2026-11-20T05:00", "2026-11-27T05:00"),
    "2026-11-28": ("2026-11-27T23:00", "2026-11-27T23:00"),
    "2026-11-28 06:00": ("2026-11-28T05:00", "2026-11-28T05:00"),
    "2026-11-28T06:00": ("2026-11-28T05:00", "2026-11-28T05:00"),
    "2026-07-28 06:00": ("2026-07-28T04:00", "2026-07-28T04:00"),
    "2026-11-28T06:00:00Z": ("2026-11-28T06:00", "2026-11-28T06:00"),
    "2026-11-28 06:00 UTC": ("2026-11-28T06:00", "2026-11-28T06:00"),
    "2026-11-28T06:00+01:00": ("2026-11-28T05:00", "2026-11-28T05:00"),
}


@pytest.mark.parametrize(("text", "times"), READ.items())
def test_a_time_is_read_in_the_zone_and_the_direction(text, times):
    for ahead, expected in zip((False, True), times, strict=True):
        found = read_time(text, NOW, BERLIN, ahead=ahead)
        assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "-",
        "ago",
        "2026",
        "noonish",
        "25:00",
        "06:61",
        "2026-11-31",
        "2026-13-01",
        "tomorrow foo",
        "99999999999d",
        "0001-01-01",
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "in 7d ago",
        "2026-11-28T06:00+99:00",
    ],
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ConfigError, match="is not a time") as caught:
        read_time(text, NOW, BERLIN)
    assert "7d" in caught.value.hint


@given(st.text(max_size=30) | st.from_regex(r"[0-9dhms: T+\-Z]{1,25}", fullmatch=True))
def test_any_text_is_a_time_or_refused(text):
    for ahead in (False, True):
        with suppress(ConfigError):
            assert read_time(text, NOW, BERLIN, ahead=ahead).tzinfo is UTC


@given(st.integers(0, 4 * 10**9))
def test_what_is_printed_of_a_time_is_read_again(seconds):
    time = datetime.fromtimestamp(seconds, UTC)
    shown = time_in_words(time, BERLIN)
    exact = shown.partition("(")[2].rstrip(")")
    assert is_exact(exact)
    assert read_time(exact, NOW, BERLIN) == time


def test_without_a_zone_it_is_the_machines():
    midnight = read_time("2026-11-28", NOW, None)
    assert midnight.astimezone().strftime("%Y-%m-%d %H:%M") == "2026-11-28 00:00"


def test_durations_are_read():
    assert read_duration("2w1d") == timedelta(days=15)
    for text in ("", "7", "d", "7 days", "-1h", "1.5h"):
        with pytest.raises(ConfigError, match="not a duration"):
            read_duration(text)


def printed(timezone, text, **options):
    @click.command()
    def command():
        click.echo(f"{Times(NOW, timezone).read('--since', text, **options):%Y-%m-%dT%H:%M}")

    return CliRunner().invoke(command, catch_exceptions=False)


def test_what_was_understood_is_printed_beside_the_result():
    answer = printed("Europe/Berlin", "yesterday")
    assert answer.stdout == "2026-11-22T23:00\n"
    assert answer.stderr == "--since yesterday: Mon 23 Nov 2026 00:00 CET (2026-11-22T23:00:00Z)\n"


def test_a_whole_time_with_its_zone_needs_no_explanation():
    assert printed("Europe/Berlin", "2026-11-28T06:00:00Z").stderr == ""


def test_a_wrong_time_names_its_option():
    with pytest.raises(ConfigError, match="--since: 'soon' is not a time"):
        printed(None, "soon")


def test_a_reversed_period_is_refused():
    check_period("--since", NOW, "--until", NOW)
    with pytest.raises(ConfigError, match=r"--since .* is after --until"):
        check_period("--since", NOW + timedelta(seconds=1), "--until", NOW)
    with pytest.raises(ConfigError, match="is after now"):
        Times(NOW, "UTC").period("tomorrow", None)


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(time_words).failed == 0
