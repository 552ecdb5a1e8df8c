"""CloudWatch alarms: at every full minute of the clock the metrics of queues, and then the alarms.

Queues report how much they hold; other metrics are those that somebody puts. A change of state is
an event of EventBridge, and an alarm's actions reach SNS.

- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
- https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import operator
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, sqs

from toolkit.local.ministack.replacing import service_calls
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import shifted_time

from . import rules

Alarm = dict[str, Any]

_MINUTE = 60
# "A queue is considered active for up to six hours from the time it contains any messages".
_ACTIVE_SECONDS = 6 * 3600
_GAUGES = {
    "ApproximateNumberOfMessagesVisible": "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
_ORDERS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
_active_until: dict[str, float] = {}  # by the queue's address


@replaces("services.cloudwatch._evaluate_alarm")
def _no_evaluation(_original: Any, _alarm: Alarm) -> None:
    """Ministack's own, whenever somebody puts a metric."""


def reset() -> None:
    """Forget which queues are active."""
    _active_until.clear()


def at(minute: int) -> None:
    """A full minute has come: measure the queues, then look at the alarms."""
    for (account, region, _url), queue in sqs._queues.all_items():
        with request_scope(account, region):
            _measure(queue, minute)
    for (account, region, _name), alarm in cloudwatch._alarms.all_items():
        if minute % alarm["Period"] == 0 or alarm["Period"] < _MINUTE:
            with request_scope(account, region):
                _evaluate(alarm, minute)


def _measure(queue: dict[str, Any], minute: int) -> None:
    """What a queue holds, if it is active."""
    sqs._refresh_counts(queue)
    if queue["messages"]:
        _active_until[queue["url"]] = minute + _ACTIVE_SECONDS
    if minute > _active_until.get(queue["url"], 0):
        return
    dimensions = {"QueueName": queue["name"]}
    values = {metric: float(queue["attributes"][key]) for metric, key in _GAUGES.items()}
    # Of the minute before; one that was received and deleted within it is not counted.
    sent = [row for row in queue["messages"] if minute - _MINUTE <= row["sent_at"] < minute]
    values["NumberOfMessagesSent"] = float(len(sent))
    shifted_time.set_request_moment(minute - _MINUTE / 2)
    for metric, value in values.items():
        cloudwatch.record_metric("AWS/SQS", metric, value, "Count", dimensions)
    shifted_time.set_request_moment(minute)
    snapshots.touch()


def _evaluate(alarm: Alarm, end: int) -> None:
    """Put an alarm into the state that its last periods, up to ``end``, call for."""
    if alarm["ComparisonOperator"] not in _ORDERS or not alarm.get("MetricName"):
        return
    values = list(_datapoints(alarm, end))
    state, reason = _judge(alarm, values)
    old = alarm["StateValue"]
    if state == old:
        return
    change = {"AlarmName": alarm["AlarmName"], "StateValue": state, "StateReason": reason}
    service_calls.call(cloudwatch, "SetAlarmState", change)
    alarm.update(StateUpdatedTimestamp=end, StateTransitionedTimestamp=end)


def _datapoints(alarm: Alarm, end: int) -> Iterator[tuple[int, float | None]]:
    """Start and value of each period, the newest first; None where there is no data."""
    points, period = _points(alarm), alarm["Period"]
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    for number in range(alarm["EvaluationPeriods"]):
        last = end - number * period
        chosen = [row for row in points if last - period <= row["Timestamp"] < last]
        stats = cloudwatch._calc_stats(chosen)
        value = cloudwatch._stat_value(stats, statistic, chosen) if stats else None
        yield last - period, value


def _points(alarm: Alarm) -> list[dict[str, Any]]:
    """All that is known of an alarm's metric."""
    wanted = (alarm["Namespace"], alarm["MetricName"])
    dimensions = _dimensions(alarm)
    for (namespace, name, _key), points in cloudwatch._metrics.items():
        if (namespace, name) == wanted and points and points[0]["Dimensions"] == dimensions:
            found: list[dict[str, Any]] = points
            return found
    return []


def _dimensions(alarm: Alarm) -> dict[str, str]:
    return {row["Name"]: row.get("Value", "") for row in alarm["Dimensions"]}


def _judge(alarm: Alarm, values: list[tuple[int, float | None]]) -> tuple[str, str]:
    """The state that datapoints call for, and the reason in CloudWatch's words.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    treatment = alarm.get("TreatMissingData") or "missing"
    known = [(start, value) for start, value in values if value is not None]
    missing = len(values) - len(known)
    if not known and treatment == "missing":
        return (
            "INSUFFICIENT_DATA",
            f"Insufficient Data: {_count(missing, 'datapoint')} was unknown.",
        )
    if not known and treatment == "ignore":
        return alarm["StateValue"], alarm["StateReason"]
    compare, words = _ORDERS[alarm["ComparisonOperator"]]
    breaching = sum(compare(value, alarm["Threshold"]) for _, value in known)
    breaching += missing if treatment == "breaching" else 0
    wanted = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
    state = "ALARM" if breaching >= wanted else "OK"
    if not known:
        treated = "Breaching" if treatment == "breaching" else "NonBreaching"
        return state, (
            f"Threshold Crossed: no datapoints were received for {_count(missing, 'period')} and "
            f"{_count(missing, 'missing datapoint')} was treated as [{treated}]."
        )
    shown = ", ".join(f"{value} ({_day_first(start)})" for start, value in known)
    verb = "was" if len(known) == 1 else "were"
    least = wanted if state == "ALARM" else alarm["EvaluationPeriods"] - wanted + 1
    return state, (
        f"Threshold Crossed: {len(known)} out of the last {len(values)} datapoints "
        f"[{shown}] {verb} {'' if state == 'ALARM' else 'not '}{words} the threshold "
        f"({alarm['Threshold']}) (minimum {_count(least, 'datapoint')} for "
        f"{'OK -> ALARM' if state == 'ALARM' else 'ALARM -> OK'} transition)."
    )


@replaces("services.cloudwatch._record_history")
def _record(original: Any, name: str, old: str, new: str, *args: Any, **more: Any) -> None:
    """Whatever changes the state of an alarm passes here: EventBridge hears of it."""
    original(name, old, new, *args, **more)
    alarm = cloudwatch._alarms.get(name)
    if old == new or alarm is None:
        return
    snapshots.touch()
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
    detail = {
        "alarmName": name,
        "state": {"value": new, "reason": args[0], "timestamp": _iso()},
        "previousState": {"value": old},
        "configuration": {"description": alarm["AlarmDescription"], "metrics": [_metric(alarm)]},
    }
    rules.publish("aws.cloudwatch", "CloudWatch Alarm State Change", [arn], detail)


def _metric(alarm: Alarm) -> dict[str, Any]:
    metric = {
        "namespace": alarm["Namespace"],
        "name": alarm["MetricName"],
        "dimensions": _dimensions(alarm),
    }
    statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    stat = {"metric": metric, "period": alarm["Period"], "stat": statistic}
    return {"id": "m1", "metricStat": stat, "returnData": True}


def _iso() -> str:
    return shifted_time.iso(shifted_time.now()).replace("Z", "+0000")


def _day_first(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%d/%m/%y %H:%M:%S")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
