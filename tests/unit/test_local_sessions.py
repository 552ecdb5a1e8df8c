"""Sessions of roles are forgotten when they have ended by everybody's clock."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream.sessions import forgettable

HOUR, DAY = 3600.0, 86_400.0
REAL = 1_795_521_600.0
NOW = REAL + 10 * DAY  # the engine's clock
TASK = "arn:aws:sts::000000000000:assumed-role/task/0af3"
FIRING = "arn:aws:sts::000000000000:assumed-role/scheduler/schedule-daily"


def session(arn: str, *, days: float, offset: bool = True, age: float = HOUR) -> dict[str, Any]:
    """A session that ended so many days before the engine's time, issued so long ago."""
    ended = NOW - days * DAY
    clock = ended - 12 * HOUR - REAL
    more = {"_offset": clock} if offset else {}
    return {"Arn": arn, "Expiration": ended, "IssuedAt": REAL - age + clock, **more}


@pytest.mark.parametrize(
    ("row", "forgotten"),
    [
        (session(TASK, days=2), True),
        (session(FIRING, days=2), True),
        (session(FIRING, days=2, age=10), False),
        (session(FIRING, days=0.5), False),
        (session(TASK, days=2, offset=False), True),
        (session(TASK, days=0.5, offset=False), False),
        (session(TASK, days=-0.1, offset=False), False),
        ({"Arn": TASK}, False),
    ],
)
def test_a_session_is_forgotten_a_day_after_its_end(row: dict[str, Any], forgotten: bool) -> None:
    found = forgettable({"ASIA1": row}, (), now=NOW, real_now=REAL)
    assert found == (["ASIA1"] if forgotten else [])


def test_the_session_of_a_running_task_is_kept_however_far_ahead_the_engine_is() -> None:
    sessions = {"ASIA1": session(TASK, days=9), "ASIA2": session(TASK[:-1] + "4", days=9)}
    assert forgettable(sessions, {"0af3"}, now=NOW, real_now=REAL) == ["ASIA2"]
