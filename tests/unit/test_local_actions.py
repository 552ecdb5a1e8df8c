"""`toolkit local`: what needs an engine, and what is printed."""

from pathlib import Path

import pytest

from toolkit.app import local
from toolkit.core.errors import ConfigError, RunError


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
        {
            "event": "stopped",
            "task": task,
            "group": "weather",
            "exit_codes": {"workload": 3},
            "reason": "",
        },
        {"event": "stopped", "task": task, "exit_codes": {}, "reason": "CannotPull: x"},
        {"event": "advanced", "now": "2026-11-25T00:00:00.002056+00:00"},
        {"event": "new-kind"},
    ]
    assert [local.describe_event(event) for event in events] == [
        "2026-11-24T05:00:00Z  weather  fired: task 0123456789ab",
        "2026-11-24T05:00:00Z  weather  refused: Capacity is unavailable",
        "2026-11-24T05:00:00Z  weather  dead-lettered: AccessDenied: no",
        "2026-11-24T05:00:00Z  weather  failed, retried later: Throttling: slow down",
        f"{'':20}  weather  stopped: workload exit 3 (task 0123456789ab)",
        f"{'':20}  task  stopped: CannotPull: x (task 0123456789ab)",
        "it is now 2026-11-25T00:00:00Z",
        "new-kind",
    ]


@pytest.mark.parametrize(("text", "speed"), [("60x", 60.0), ("1", 1.0), ("2.5x", 2.5)])
def test_speeds_are_read(text: str, speed: float) -> None:
    assert local.read_speed(text) == speed


@pytest.mark.parametrize("text", ["", "x", "0x", "0.5x", "fast", "inf", "nan"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a speed"):
        local.read_speed(text)


def test_faults_are_told_in_one_line_each() -> None:
    row = {"kind": "pull-fails", "schedule": None, "service": None, "value": None, "struck": 0}
    found = {
        "faults": [
            {**row, "schedule": "weather", "times": 2, "struck": 1},
            {**row, "kind": "slow", "service": "s3", "times": None, "value": 2.0},
        ]
    }
    assert list(local.describe_faults(found)) == [
        "pull-fails  schedule weather  1 more  struck 1",
        "slow  2  service s3  always  struck 0",
    ]
    assert list(local.describe_faults({"faults": []})) == ["no faults"]


def test_the_lock_pins_the_emulator_that_the_mends_are_made_for() -> None:
    from toolkit.adapters.embedded.emulator import LOCK
    from toolkit.local.emulator_process import VERSION

    assert f"ministack=={VERSION} " in LOCK.read_text()


ROWS = [
    ("weather", "cron(0 6 * * ? *)", "Europe/Berlin", "2026-12-01T05:00:00+00:00"),
    ("stream-bnb", "rate(1 day)", "UTC", None),
]
STATUS = {
    "running": True,
    "endpoint_url": "http://127.0.0.1:43803",
    "region": "us-east-1",
    "emulator": "ministack 1.5.33",
    "now": "2026-11-30T15:15:18.123456+00:00",
    "offset_seconds": 86400.0,
    "landlock": 7,
    "schedules": [
        {"name": name, "expression": text, "timezone": zone, "state": "DISABLED", "next": at}
        for name, text, zone, at in ROWS
    ],
    "tasks": [
        {"task": "arn:aws:ecs:r:a:task/app/0123", "group": "weather", "executor": "docker"},
        {"task": "arn:aws:ecs:r:a:task/app/4567", "group": "science", "executor": None},
    ],
}


def test_the_status_fits_a_terminal() -> None:
    assert list(local.describe_status(STATUS)) == [
        "endpoint   http://127.0.0.1:43803 (us-east-1, ministack 1.5.33)",
        "time       2026-11-30T15:15:18Z, 1 day, 0:00:00 ahead",
        "schedule   weather     cron(0 6 * * ? *)  Europe/Berlin  2026-12-01 05:00Z",
        "schedule   stream-bnb  rate(1 day)        UTC            disabled",
        "task       0123  docker    weather",
        "task       4567  starting  science",
    ]


def test_the_status_tells_where_no_root_is_kept_read_only() -> None:
    told = list(local.describe_status({**STATUS, "landlock": 0}))
    assert (
        told[2] == "sandbox    none: this kernel keeps no process from writing beside its volumes"
    )
