"""`toolkit local`: durations, and what is printed."""

from datetime import timedelta
from pathlib import Path

import pytest

from toolkit.actions import local
from toolkit.core.errors import ConfigError, RunError


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("2w1d", timedelta(days=15)),
    ],
)
def test_durations_are_read(text: str, duration: timedelta) -> None:
    assert local.read_duration(text) == duration


@pytest.mark.parametrize("text", ["", "7", "d", "7 days", "-1h", "1.5h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="no duration"):
        local.read_duration(text)


def test_without_an_engine_nothing_can_be_fired(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not running") as caught:
        local.fire(tmp_path, "weather", twice=False, scheduled_time=None)
    assert caught.value.hint == "start it: toolkit local start"


def test_without_an_engine_there_is_nothing_to_stop(tmp_path: Path) -> None:
    assert local.stop(tmp_path) is False
    assert local.status(tmp_path) == {"running": False}


def test_events_are_told_in_one_line_each() -> None:
    firing = {"schedule": "weather", "scheduled_time": "2026-11-24T05:00:00Z"}
    task = "arn:aws:ecs:us-east-1:000000000000:task/app/0123456789abcdef0123456789abcdef"
    events = [
        {"event": "fired", **firing, "tasks": [task], "failures": []},
        {"event": "fired", **firing, "tasks": [], "failures": ["Capacity is unavailable"]},
        {"event": "dead-lettered", **firing, "code": "AccessDenied", "message": "no"},
        {"event": "retrying", **firing, "code": "Throttling", "message": "slow down"},
        {"event": "stopped", "task": task, "exit_codes": {"workload": 3}, "reason": ""},
        {"event": "stopped", "task": task, "exit_codes": {}, "reason": "CannotPull: x"},
        {"event": "advanced", "now": "2026-11-25T00:00:00+00:00"},
        {"event": "new-kind"},
    ]
    assert [local.describe_event(event) for event in events] == [
        "2026-11-24T05:00:00Z  weather  fired: task 0123456789ab",
        "2026-11-24T05:00:00Z  weather  refused: Capacity is unavailable",
        "2026-11-24T05:00:00Z  weather  dead-lettered: AccessDenied: no",
        "2026-11-24T05:00:00Z  weather  failed, retried later: Throttling: slow down",
        "task 0123456789ab  stopped: workload exit 3",
        "task 0123456789ab  stopped: CannotPull: x",
        "it is now 2026-11-25T00:00:00+00:00",
        "new-kind",
    ]
