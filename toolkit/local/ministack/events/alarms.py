"""CloudWatch alarms: at every full minute of the clock the metrics of queues, and then the alarms.

Queues report how much they hold; other metrics are those that somebody puts. A change of state is
an event of EventBridge, and an alarm's actions reach SNS.

- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
- https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
- https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

import json
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, sqs

from toolkit.local.ministack.replacing.calls import Answer, Call, answers, ask
from toolkit.local.ministack.replacing.replacements import replaces
from toolkit.local.ministack.state import snapshots
from toolkit.local.ministack.upstream import alarm_states, shifted_time

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
_active_until: dict[str, float] = {}  # by the queue's address


@replaces("services.cloudwatch._evaluate_alarm")
def _no_evaluation(_original: Any, _alarm: Alarm) -> None:
    """Ministack's own, whenever somebody puts a metric."""


def reset() -> None:
    """Forget which queues are active."""
    _active_until.clear()


def at(minute: int) -> None:
    """A full minute has come: measure the queues, then look at the alarms."""
    for (account, region, url), queue in sqs._queues.all_items():
        if queue["messages"] or minute <= _active_until.get(url, 0):
            with request_scope(account, region):
                _measure(queue, minute)
    for (account, region, _name), alarm in cloudwatch._alarms.all_items():
        if minute % alarm["Period"] == 0 or alarm["Period"] < _MINUTE:
            with request_scope(account, region):
                _evaluate(alarm, minute)


def _measure(queue: dict[str, Any], minute: int) -> None:
    """What a queue holds that is active."""
    request = {"QueueUrl": queue["url"], "AttributeNames": list(_GAUGES.values())}
    held = _asked("sqs", "GetQueueAttributes", request)["Attributes"]
    if queue["messages"]:  # those that are too old have gone
        _active_until[queue["url"]] = minute + _ACTIVE_SECONDS
    dimensions = {"QueueName": queue["name"]}
    values = {metric: float(held[attribute]) for metric, attribute in _GAUGES.items()}
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
    if alarm["ComparisonOperator"] not in alarm_states.ORDERS or not alarm.get("MetricName"):
        return
    state, reason = alarm_states.judge(alarm, list(_datapoints(alarm, end)))
    if state != alarm["StateValue"]:
        change = {"AlarmName": alarm["AlarmName"], "StateValue": state, "StateReason": reason}
        ask("monitoring", "SetAlarmState", change)
        alarm.update(StateUpdatedTimestamp=end, StateTransitionedTimestamp=end)


def _datapoints(alarm: Alarm, end: int) -> Iterator[tuple[int, float | None]]:
    """Start and value of each period, the newest first; None where there is no data."""
    period, periods = alarm["Period"], alarm["EvaluationPeriods"]
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions")}
    query = {
        "Id": "m1",
        "MetricStat": {"Metric": metric, "Period": period, "Stat": _statistic(alarm)},
    }
    asked = {"MetricDataQueries": [query], "StartTime": end - periods * period, "EndTime": end}
    [found] = _asked("monitoring", "GetMetricData", asked)["MetricDataResults"]
    values = dict(zip(found["Timestamps"], found["Values"], strict=True))
    for last in range(end, end - periods * period, -period):
        yield last - period, values.get(last - period)


def _asked(service: str, action: str, request: dict[str, Any]) -> dict[str, Any]:
    _status, _headers, content = ask(service, action, request)
    answer: dict[str, Any] = json.loads(content)
    return answer


@answers("monitoring", "SetAlarmState")
def _set_state(call: Call) -> Answer:
    """EventBridge hears of a change of state."""
    before = {name: alarm["StateValue"] for name, alarm in cloudwatch._alarms.items()}
    answer = call.passed_on()
    for name, alarm in list(cloudwatch._alarms.items()):
        if alarm["StateValue"] != before.get(name):
            _publish(alarm, before.get(name))
    return answer


def _publish(alarm: Alarm, old: str | None) -> None:
    snapshots.touch()
    arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{alarm['AlarmName']}"
    moment = shifted_time.iso(shifted_time.now()).replace("Z", "+0000")
    detail = {
        "alarmName": alarm["AlarmName"],
        "state": {
            "value": alarm["StateValue"],
            "reason": alarm["StateReason"],
            "timestamp": moment,
        },
        "previousState": {"value": old},
        "configuration": {"description": alarm["AlarmDescription"], "metrics": [_metric(alarm)]},
    }
    rules.publish("aws.cloudwatch", "CloudWatch Alarm State Change", [arn], detail)


def _dimensions(alarm: Alarm) -> dict[str, str]:
    return {row["Name"]: row.get("Value", "") for row in alarm["Dimensions"]}


def _metric(alarm: Alarm) -> dict[str, Any]:
    names = {"namespace": alarm["Namespace"], "name": alarm["MetricName"]}
    metric = {**names, "dimensions": _dimensions(alarm)}
    stat = {"metric": metric, "period": alarm["Period"], "stat": _statistic(alarm)}
    return {"id": "m1", "metricStat": stat, "returnData": True}


def _statistic(alarm: Alarm) -> str:
    return str(alarm.get("ExtendedStatistic") or alarm["Statistic"])
