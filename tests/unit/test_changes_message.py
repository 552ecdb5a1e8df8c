"""The mail of a change: what SNS takes, and what a person needs."""

import itertools
from datetime import UTC, datetime

import pytest

from toolkit.core.changes.change import Change, ScheduleState, Told
from toolkit.core.changes.decision import open_troubles
from toolkit.core.changes.message import body, subject
from toolkit.runtime.contract import RunId

STATES = list(ScheduleState)


def change(state: ScheduleState, before: ScheduleState, **more: str) -> Change:
    time = "2026-11-24T05:00:00.000Z"
    values = {"app": "a" * 24, "schedule": "s" * 40, **more}
    return Change(
        scheduled_time=time, number=12, state=state, before=before, noticed_at=time, **values
    )


@pytest.mark.parametrize(("state", "before"), [*itertools.product(STATES, STATES)])
def test_a_mail_is_one_that_sns_takes(state: ScheduleState, before: ScheduleState) -> None:
    told = change(state, before, detail='no "task"\r\n\x1b[2J' * 100, cause="é")
    line = subject(told)
    assert 0 < len(line) < 100
    assert line.isascii()
    assert line.isprintable()
    assert line.endswith("2026-11-24 05:00 UTC")
    text = body(told, " --config-env prod")
    assert told.id in text
    assert "\x1b" not in text
    assert "\r" not in text
    commands = [row for row in text.splitlines() if row.startswith("  toolkit ")]
    assert commands
    assert all(row.endswith(" --config-env prod") for row in commands)


def test_what_stands_in_a_bucket_cannot_break_a_subject() -> None:
    told = change(ScheduleState.MISSED, ScheduleState.WELL, app="a\nb\x1b" * 50)
    assert subject(told).isprintable()
    assert len(subject(told)) < 100


def test_a_recovery_promises_no_further_message() -> None:
    assert "One more message" in body(change(ScheduleState.MISSED, ScheduleState.WELL))
    assert "One more message" not in body(change(ScheduleState.WELL, ScheduleState.MISSED))


def test_an_end_that_was_deployed_promises_no_further_message_and_is_no_trouble() -> None:
    told = body(change(ScheduleState.EXPIRED, ScheduleState.WELL, detail="its end has passed"))
    assert "has ended, as it was deployed" in told
    assert "One more message" not in told
    assert "No more messages come about" in told
    assert " --unset end" in told
    at = datetime(2026, 11, 24, 5, tzinfo=UTC)
    for state in ScheduleState:
        rows = [Told(RunId("weather", at), 1, state, at)]
        quiet = state in {ScheduleState.WELL, ScheduleState.EXPIRED}
        assert bool(open_troubles(rows)) is not quiet


def test_a_schedule_that_was_changed_by_hand_is_set_back_before_the_run_is_made_good() -> None:
    told = change(ScheduleState.MISSED, ScheduleState.WELL, cause="the schedule is DISABLED")
    commands = [row.strip() for row in body(told).splitlines() if row.startswith("  toolkit ")]
    order = [" ".join(row.split()[1:3]) for row in commands]
    assert order[-2:] == ["schedules apply", f"run {'s' * 40}"]
    assert "--overwrite" not in body(change(ScheduleState.MISSED, ScheduleState.WELL))


def test_only_a_missed_run_can_be_made_good() -> None:
    again = "toolkit run weather --for 2026-11-24T05:00:00Z --why TEXT"
    for state in ScheduleState:
        told = body(change(state, ScheduleState.REPORTED, schedule="weather"))
        assert (again in told) is (state is ScheduleState.MISSED)
