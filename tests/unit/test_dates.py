"""A start that has passed is never sent, and a rate keeps its beat without it."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core.schedules.dates import as_deployed, has_fired, sendable
from toolkit.core.schedules.firings import Timetable
from toolkit.core.schedules.schedule import Schedule

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAILY = "cron(0 6 * * ? *)"
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
expressions = st.one_of(
    st.just(DAILY),
    st.builds(
        lambda n, unit: f"rate({n} {unit}{'s' * (n > 1)})",
        st.integers(1, 400),
        st.sampled_from(["minute", "hour", "day"]),
    ),
)


def text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def ahead(schedule: Schedule, now: datetime) -> list[datetime]:
    timetable: Timetable = schedule.timetable()
    return list(islice(timetable.firings(now), 4))


@given(expressions, moments, moments)
def test_what_is_sent_never_starts_in_the_past_and_fires_as_the_file_says(
    expression: str, start: datetime, now: datetime
) -> None:
    schedule = Schedule("weather", "weather", expression, start=text(start))
    sent = sendable(schedule, now)
    assert sent.start == "" or datetime.fromisoformat(sent.start) > now
    assert ahead(sent, now) == ahead(schedule, now)
    assert sendable(sent, now) == sent


@given(expressions, moments, moments, st.integers(0, 10_000))
def test_what_was_sent_once_is_not_sent_again_later(
    expression: str, start: datetime, now: datetime, minutes: int
) -> None:
    """A deployment replaced the start; another one, later, finds nothing to change."""
    schedule = Schedule("weather", "weather", expression, start=text(start))
    later = now + timedelta(minutes=minutes)
    deployed = sendable(schedule, now)
    assert as_deployed(schedule, deployed, later).start == deployed.start


def test_another_phase_of_a_rate_is_a_change() -> None:
    deployed = Schedule("weather", "", "rate(2 hours)", start="2026-11-24T01:00:00Z")
    wanted = evolve(deployed, start="2026-11-24T02:00:00Z")
    assert as_deployed(wanted, deployed, NOW).start == wanted.start
    assert as_deployed(wanted, evolve(deployed, start=""), NOW).start == wanted.start


def test_a_start_to_come_stays_and_is_a_change() -> None:
    schedule = Schedule("weather", "", DAILY, start="2026-12-01T00:00:00Z")
    assert sendable(schedule, NOW) == schedule
    assert as_deployed(schedule, evolve(schedule, start=""), NOW) == schedule


@pytest.mark.parametrize(
    ("end", "start"),
    [
        ("2026-11-25T00:00:00Z", ""),
        ("2026-11-26T00:00:00Z", ""),  # AWS takes no end that is not after the start
        ("2026-11-26T00:00:01Z", "2026-11-26T00:00:00Z"),
    ],
)
def test_a_rate_gets_no_start_that_is_not_before_its_end(end: str, start: str) -> None:
    schedule = Schedule("weather", "", "rate(2 days)", start="2026-11-24T00:00:00Z", end=end)
    assert sendable(schedule, NOW).start == start


@pytest.mark.parametrize(
    ("expression", "timezone", "fired"),
    [
        ("at(2026-11-24T11:59:00)", "UTC", True),
        ("at(2026-11-24T12:30:00)", "UTC", False),
        ("at(2026-11-24T12:30:00)", "Europe/Berlin", True),
        (DAILY, "UTC", False),
        ("cron(0 6 1 1 ? 2020)", "UTC", False),  # AWS takes it; it is no one-time schedule
    ],
)
def test_only_a_one_time_schedule_has_fired(expression: str, timezone: str, fired: bool) -> None:
    assert has_fired(Schedule("x", "", expression, timezone=timezone), NOW) is fired


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"end": "2026-11-24T11:00:00Z"}, "its end, 2026-11-24 11:00 UTC, has passed"),
        ({"end": "2026-11-24T11:00:00Z", "state": "DISABLED"}, ""),
        ({"expression": "at(2026-11-24T11:59:00)"}, "no firing is left"),
        ({"end": "2026-11-25T05:00:00Z"}, "no firing is left"),  # of every day at six
        ({"expression": "cron(0 6 1 1 ? 2020)"}, "no firing is left"),
    ],
)
def test_an_enabled_schedule_that_fires_no_more_says_why(
    changes: dict[str, str], reason: str
) -> None:
    schedule = evolve(Schedule("weather", "", DAILY), **changes)
    assert schedule.timetable().spent(NOW) == reason
