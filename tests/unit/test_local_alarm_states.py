"""The embedded AWS's alarms judge datapoints as CloudWatch says, missing ones too."""

from typing import Any

import pytest

from toolkit.local.ministack.upstream.alarm_states import judge


def alarm(treatment: str = "", to_alarm: int | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0.0,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": to_alarm,
        "TreatMissingData": treatment,
        "StateValue": "OK",
        "StateReason": "as before",
        **changed,
    }


@pytest.mark.parametrize(
    ("given", "values", "state", "words"),
    [
        (alarm(), [1, 1, 1], "ALARM", "3 out of the last 3 datapoints"),
        (alarm(), [1, 0, 1], "OK", "were not greater than the threshold (0.0)"),
        (alarm(to_alarm=2), [1, 0, 1], "ALARM", "(minimum 2 datapoints for OK -> ALARM"),
        (alarm(to_alarm=1), [1, None, None], "ALARM", "[1 (01/01/70 00:00:00)] was greater"),
        (alarm(to_alarm=1), [0, 0, 0], "OK", "(minimum 3 datapoints for ALARM -> OK"),
        (alarm(), [None, None, None], "INSUFFICIENT_DATA", "3 datapoints was unknown"),
        (alarm("ignore"), [None, None, None], "OK", "as before"),
        (alarm("breaching"), [None, None, None], "ALARM", "treated as [Breaching]"),
        (alarm("breaching"), [1, None, None], "ALARM", "1 out of the last 3"),
        (alarm("notBreaching"), [None, None, None], "OK", "treated as [NonBreaching]"),
        (alarm(ComparisonOperator="LessThanThreshold"), [-1, -1, -1], "ALARM", "less than the"),
    ],
)
def test_an_alarm_has_the_state_that_its_datapoints_call_for(
    given: dict[str, Any], values: list[float | None], state: str, words: str
) -> None:
    found, reason = judge(given, [(60 * n, value) for n, value in enumerate(values)])
    assert found == state
    assert words in reason
