"""The platform template's own rules, as EventBridge would follow them."""

import json

import pytest

from .conftest import Platform, eventually


@pytest.fixture(scope="module")
def inbox(platform: Platform) -> str:
    """A queue that hears the notification topic; returns its URL."""
    sqs = platform.rehearsal.aws("sqs")
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
    assert "Exit code: 3" in message
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
