"""Inside the emulator a request has its caller's time, and what follows has the engine's again."""

from datetime import UTC, datetime, timedelta

from toolkit.local.ministack.upstream import shifted_time

YEARS = timedelta(days=3650).total_seconds()


def test_a_part_of_a_request_may_have_another_time() -> None:
    before = datetime.now(UTC).year
    with shifted_time.at_offset(YEARS):
        assert shifted_time.offset() == YEARS
        assert shifted_time.ShiftedDatetime.now(UTC).year in (before + 9, before + 10)
        assert shifted_time.ShiftedDatetime.utcnow().tzinfo is None
        with shifted_time.at_offset(None):
            assert shifted_time.offset() == YEARS
    assert shifted_time.offset() == 0


def test_a_moment_is_that_moment() -> None:
    shifted_time.set_request_moment(1_000_000)
    try:
        assert datetime.fromtimestamp(shifted_time.now(), UTC).year == 1970
    finally:
        shifted_time.set_request_offset(None)


def test_a_real_time_is_an_instance_of_the_shifted_one() -> None:
    assert isinstance(datetime(2026, 1, 1, tzinfo=UTC), shifted_time.ShiftedDatetime)


def test_times_are_written_as_aws_events_have_them() -> None:
    assert shifted_time.iso(0.5) == "1970-01-01T00:00:00.500Z"
