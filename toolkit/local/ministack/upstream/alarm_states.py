"""The state that an alarm's datapoints call for, and the reason in CloudWatch's words.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import operator
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

ORDERS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


def judge(alarm: dict[str, Any], values: Sequence[tuple[int, float | None]]) -> tuple[str, str]:
    """State and reason.

    Args:
        alarm: as DescribeAlarms has it; its operator is one of `ORDERS`.
        values: start (seconds since the epoch) and value of each evaluated period, the newest
            first; None where there is no data.
    """
    treatment = alarm.get("TreatMissingData") or "missing"
    known = [(start, value) for start, value in values if value is not None]
    missing = len(values) - len(known)
    if not known and treatment == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    if not known and treatment == "missing":
        reason = f"Insufficient Data: {_count(missing, 'datapoint')} was unknown."
        return "INSUFFICIENT_DATA", reason
    compare, words = ORDERS[alarm["ComparisonOperator"]]
    breaching = sum(compare(value, alarm["Threshold"]) for _, value in known)
    breaching += missing if treatment == "breaching" else 0
    wanted = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    is_bad = breaching >= wanted
    state = "ALARM" if is_bad else "OK"
    if not known:
        return state, (
            f"Threshold Crossed: no datapoints were received for {_count(missing, 'period')} and "
            f"{_count(missing, 'missing datapoint')} was treated as "
            f"[{'Breaching' if treatment == 'breaching' else 'NonBreaching'}]."
        )
    shown = ", ".join(f"{value} ({_day_first(start)})" for start, value in known)
    verb = f"{'was' if len(known) == 1 else 'were'}{'' if is_bad else ' not'}"
    least = wanted if is_bad else alarm["EvaluationPeriods"] - wanted + 1
    return state, (
        f"Threshold Crossed: {len(known)} out of the last {len(values)} datapoints "
        f"[{shown}] {verb} {words} the threshold ({alarm['Threshold']}) "
        f"(minimum {_count(least, 'datapoint')} for "
        f"{'OK -> ALARM' if is_bad else 'ALARM -> OK'} transition)."
    )


def _day_first(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%y %H:%M:%S")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
