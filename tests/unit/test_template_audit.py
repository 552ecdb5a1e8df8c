"""The audit's template against the list of its calls: everything lets each of them through."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.audit_calls import CALLS, AuditCall
from tests.cloudformation import ACCOUNT, AUDIT, REGION, properties, resources
from tests.policies import applies, matches, permits, statements
from toolkit.adapters.aws import notices
from toolkit.audit import audit, task
from toolkit.core.changes import event
from toolkit.core.platform import Platform

ROOT = Path(__file__).parents[2]
NAMED = {
    "BUCKET": "arn:aws:s3:::the-bucket",
    "RECORDS": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/events/demo/lifecycle",
    "LOGS": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/demo/weather",
    "CLUSTER": AUDIT["ClusterArn"],
    "TASK": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/demo/0123",
    "SCHEDULE": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/demo/weather",
    "QUEUE": AUDIT["DeadLetterQueueArn"],
    "TOPIC": AUDIT["NotificationTopicArn"],
    "BUS": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
}
PRINCIPAL = {
    "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/demo/{REGION}/task/audit/TaskRole-1",
    "aws:PrincipalTag/workload": "audit",
    "aws:SecureTransport": "true",
    "s3:TlsVersion": "1.3",
}


def named(text: str) -> str:
    head, slash, rest = text.partition("/")
    return f"{NAMED.get(head, head)}{slash}{rest}"


def context(call: AuditCall) -> dict[str, str]:
    return {key: named(value) for key, value in call.context}


def role() -> Any:
    return resources("audit")["TaskRole"]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.action} {call.context}")
def test_the_role_may_make_every_call_of_an_audit(call: AuditCall) -> None:
    keys = {key.replace(":", "__"): value for key, value in context(call).items()}
    for on in call.on:
        assert permits(role(), call.action, named(on), **keys), on


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.service == "s3"], ids=lambda call: call.operation
)
def test_endpoint_and_bucket_let_every_call_through(call: AuditCall) -> None:
    made = resources("platform")
    for on in call.on:
        resource = named(on).replace(NAMED["BUCKET"], "Bucket.Arn")
        endpoint = resource.replace("Bucket.Arn/", "arn:aws:s3:::the-bucket/")
        reads = call.action == "s3:GetObject"
        assert permits(made["S3Endpoint"], call.action, endpoint if reads else resource), on
        keys = PRINCIPAL | context(call)
        for statement in statements(made["BucketPolicy"]):
            assert not applies(statement, call.action, resource, keys), (on, statement["Sid"])


def test_a_private_network_lets_every_call_through_where_it_is_asked_to() -> None:
    private = {"NetworkMode": "private", "AuditEndpoints": "true"}
    made = resources("platform", **private)
    endpoints = {
        row["Properties"]["ServiceName"].rsplit(".", 1)[-1]: row
        for row in made.values()
        if row["Type"] == "AWS::EC2::VPCEndpoint"
    }
    own = {"QUEUE": "DeadLetterQueue.Arn", "TOPIC": "NotificationTopic"}
    for call in CALLS:
        if call.service == "s3":
            continue
        endpoint = endpoints["monitoring" if call.service == "cloudwatch" else call.service]
        keys = {key.replace(":", "__"): value for key, value in context(call).items()}
        for on in call.on:
            assert permits(endpoint, call.action, own.get(on, named(on)), **keys), (on, call.action)
    assert len(resources("platform", NetworkMode="private")) == len(made) - 7


@pytest.mark.parametrize(
    ("action", "on"),
    [
        ("s3:PutObject", "BUCKET/ledger/weather/weather-20261124T050000Z.succeeded.json"),
        ("s3:PutObject", "BUCKET/runs/weather/weather-20261124T050000Z/claim.json"),
        ("s3:PutObject", "BUCKET/deployments/20261124T050000000Z.json"),
        ("s3:GetObject", "BUCKET/releases/demo.json"),
        ("s3:DeleteObject", "BUCKET/changes/weather/x.json"),
        ("sqs:DeleteMessage", "QUEUE"),
        ("ecs:RunTask", "*"),
        ("ecs:StopTask", "TASK"),
        ("scheduler:UpdateSchedule", "SCHEDULE"),
        ("logs:PutLogEvents", "RECORDS"),
        ("iam:PassRole", "*"),
    ],
)
def test_the_role_may_forge_start_and_delete_nothing(action: str, on: str) -> None:
    assert not permits(role(), action, named(on), ecs__cluster=NAMED["CLUSTER"])


def test_the_list_names_the_services_whose_clients_an_image_keeps() -> None:
    from toolkit.runtime.catalog import reserved

    (workload,) = reserved().workloads.values()
    assert {call.service for call in CALLS} - {"s3"} | {"kms"} == set(workload.services)


def test_the_task_is_told_what_it_reads_of_the_platform() -> None:
    """Everything of the platform that audits use stands in the task definition."""
    container = properties("audit", "TaskDefinition")["ContainerDefinitions"][0]
    variables = {row["Name"]: row["Value"] for row in container["Environment"]}
    assert {task.APP, task.PLATFORM, task.FLAGS, task.SIGNING_KEY} <= variables.keys()
    given = set(re.findall(r'"(\w+)": ', variables[task.PLATFORM]))
    read = {
        "bucket_name",
        "cluster_name",
        "dead_letter_queue_url",
        "lifecycle_log_group_name",
        "notification_topic_arn",
        "schedule_group_name",
    }
    assert {getattr(Platform, name).key for name in read} <= given


def test_the_alarm_watches_the_heartbeat_that_is_sent_and_says_what_is_missing() -> None:
    alarm = properties("audit", "MissingAlarm")
    assert (alarm["Namespace"], alarm["MetricName"]) == (notices.NAMESPACE, notices.METRIC)
    assert alarm["Dimensions"] == [{"Name": "App", "Value": "demo"}]
    assert alarm["TreatMissingData"] == "breaching"
    assert "the-audit-itself-is-missing" in alarm["AlarmName"]
    assert alarm["Period"] * alarm["EvaluationPeriods"] < 24 * 3600
    rule = properties("audit", "MissingRule")
    rings = {
        "source": "aws.cloudwatch",
        "detail-type": "CloudWatch Alarm State Change",
        "resources": ["MissingAlarm.Arn"],
        "detail": {"state": {"value": "ALARM"}, "previousState": {"value": "OK"}},
    }
    back = {**rings, "detail": {"state": {"value": "OK"}, "previousState": {"value": "ALARM"}}}
    first = {
        **rings,
        "detail": {"state": {"value": "OK"}, "previousState": {"value": "INSUFFICIENT_DATA"}},
    }
    pattern, other = rule["EventPattern"], properties("audit", "BackRule")["EventPattern"]
    assert [matches(pattern, event) for event in (rings, back, first)] == [True, False, False]
    assert [matches(other, event) for event in (rings, back, first)] == [False, True, False]


def test_the_role_puts_events_of_the_source_that_is_sent() -> None:
    sources = {value for call in CALLS for key, value in call.context if key == "events:source"}
    assert sources == {event.SOURCE}


def test_an_audit_has_time_to_end_before_another_takes_over() -> None:
    from toolkit.audit.outbox import LEASE
    from toolkit.runtime.catalog import reserved

    (workload,) = reserved().workloads.values()
    assert workload.max_runtime_seconds + 120 <= LEASE.total_seconds()


def test_an_audit_seals_after_all_that_somebody_waits_for() -> None:
    assert audit.STEPS[-2:] == (audit.heartbeat, audit.seal)


def test_the_key_can_be_used_by_the_audit_alone() -> None:
    policy = properties("audit", "Key", SigningKey="true")["KeyPolicy"]["Statement"]
    signers = [row for row in policy if "kms:Sign" in row["Action"]]
    assert [row["Principal"] for row in signers] == [{"AWS": "TaskRole.Arn"}]
    for row in policy:
        listed = [row["Action"]] if isinstance(row["Action"], str) else row["Action"]
        assert not {"kms:*", "kms:CreateGrant"} & set(listed)
    assert "Key" not in resources("audit")
