"""The platform template's own rules, as EventBridge would follow them."""

import json
from typing import Any

import pytest

from .rehearsal import Platform, eventually


@pytest.fixture(scope="module")
def inbox(platform: Platform) -> str:
    """A queue that hears the notification topic; returns its URL."""
    sqs = platform.rehearsal.aws("sqs")
    # Dead letters of other tests would ring the alarm.
    sqs.purge_queue(QueueUrl=platform.platform["DeadLetterQueueUrl"])
    url: str = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = found["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    platform.rehearsal.aws("sns").subscribe(
        TopicArn=platform.platform["NotificationTopicArn"], Protocol="sqs", Endpoint=arn
    )
    return url


def heard(platform: Platform, inbox: str) -> list[str]:
    sqs = platform.rehearsal.aws("sqs")
    found = sqs.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=inbox, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"])["Message"] for message in found]


def test_a_failed_run_is_announced_in_words(platform: Platform, inbox: str) -> None:
    arn = platform.run("raise SystemExit(3)", group="weather", startedBy="weather-run")
    platform.rehearsal.await_status(arn, "STOPPED")
    (message,) = eventually(lambda: heard(platform, inbox))
    assert "A run of app did not succeed: weather" in message
    assert "Exit code: workload 3" in message
    assert arn in message


def test_a_run_that_never_started_is_announced(platform: Platform, inbox: str) -> None:
    platform.rehearsal.engine.add_fault("pull-fails", times=1)
    arn = platform.run("", group="weather")
    platform.rehearsal.await_status(arn, "STOPPED")
    (message,) = eventually(lambda: heard(platform, inbox))
    assert "Stop code: TaskFailedToStart" in message


def test_a_run_that_succeeds_is_not(platform: Platform, inbox: str) -> None:
    good = platform.run("", group="weather")
    platform.rehearsal.await_status(good, "STOPPED")
    bad = platform.run("raise SystemExit(1)", group="weather")
    platform.rehearsal.await_status(bad, "STOPPED")
    (message,) = eventually(lambda: heard(platform, inbox))
    assert bad in message


def rung(platform: Platform, inbox: str) -> list[str]:
    """What was heard of launches; a task of another test may have failed meanwhile."""
    words = "A scheduled launch of app failed: no task was started"
    return [message for message in heard(platform, inbox) if words in message]


def alarm(platform: Platform) -> dict[str, Any]:
    found = platform.rehearsal.aws("cloudwatch").describe_alarms()["MetricAlarms"]
    words = "ApproximateNumberOfMessagesVisible"
    (level,) = [row for row in found if row["MetricName"] == words]
    return dict(level)


def test_a_dead_letter_rings_the_alarm_until_the_queue_is_empty_and_each_one_is_told(
    platform: Platform, inbox: str
) -> None:
    """Each time the next full minute tells."""
    engine, sqs = platform.rehearsal.engine, platform.rehearsal.aws("sqs")
    name = platform.schedule("demo-refused", "cron(0 1 1 1 ? 2199)")
    list(engine.advance(seconds=61))
    assert alarm(platform)["StateValue"] == "OK"
    for _ in range(2):
        engine.add_fault("throttling", service="ecs", schedule=name, times=1)
        assert [event["event"] for event in engine.fire(name)] == ["dead-lettered"]
        list(engine.advance(seconds=61))
        assert alarm(platform)["StateValue"] == "ALARM"
        assert len(eventually(lambda: rung(platform, inbox))) >= 1
        list(engine.advance(seconds=121))
        rung(platform, inbox)
    assert "was greater than the threshold (0.0)" in alarm(platform)["StateReason"]
    sqs.purge_queue(QueueUrl=platform.platform["DeadLetterQueueUrl"])
    list(engine.advance(seconds=61))
    assert alarm(platform)["StateValue"] == "OK"
    assert rung(platform, inbox) == []


def test_an_alarms_actions_reach_the_topic(platform: Platform, inbox: str) -> None:
    """A metric that somebody puts, three bad minutes of it, and its end."""
    cloudwatch = platform.rehearsal.aws("cloudwatch")
    topic = platform.platform["NotificationTopicArn"]
    metric = {"Namespace": "Mine", "MetricName": "Errors"}
    cloudwatch.put_metric_alarm(
        **metric,
        AlarmName="three-bad-minutes",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=3,
        Threshold=5,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[topic],
        InsufficientDataActions=[topic],
    )
    states = []
    for _ in range(3):
        for value in (2, 3):
            cloudwatch.put_metric_data(
                Namespace="Mine", MetricData=[{"MetricName": "Errors", "Value": value}]
            )
        list(platform.rehearsal.engine.advance(seconds=60))
        (found,) = cloudwatch.describe_alarms(AlarmNames=["three-bad-minutes"])["MetricAlarms"]
        states.append(found["StateValue"])
    assert states == ["OK", "OK", "ALARM"]
    list(platform.rehearsal.engine.advance(seconds=600))
    messages = [json.loads(text) for text in eventually(lambda: heard(platform, inbox))]
    assert [row["NewStateValue"] for row in messages] == ["ALARM", "INSUFFICIENT_DATA"]
    assert messages[0]["NewStateReason"].startswith("Threshold Crossed: 3 out of the last 3 ")
    cloudwatch.delete_alarms(AlarmNames=["three-bad-minutes"])


def test_without_its_policy_the_record_stays_empty(platform: Platform) -> None:
    logs = platform.rehearsal.aws("logs")
    policy = logs.describe_resource_policies()["resourcePolicies"][0]
    logs.delete_resource_policy(policyName=policy["policyName"])
    try:
        arn = platform.run("")
        platform.rehearsal.await_status(arn, "STOPPED")
        group = platform.platform["LifecycleLogGroupName"]
        assert not any(arn in line for line in platform.rehearsal.log_lines(group))
    finally:
        logs.put_resource_policy(
            policyName=policy["policyName"], policyDocument=policy["policyDocument"]
        )
