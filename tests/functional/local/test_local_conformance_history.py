"""CloudTrail's event history, said as tests: see `test_local_conformance_stores.py`."""

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from .account import Account, differs
from .rehearsal import eventually


def by(key: str, value: str) -> dict[str, Any]:
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def rows(client: Any, key: str, value: str) -> list[dict[str, Any]]:
    pages = client.get_paginator("lookup_events").paginate(**by(key, value))
    return [row for page in pages for row in page["Events"]]


def event(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(row["CloudTrailEvent"])
    return found


def awaited(
    account: Account, key: str, value: str, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The latest event that is wanted; AWS delivers within about a quarter of an hour."""
    client = account.client("cloudtrail")

    def find() -> dict[str, Any] | None:
        events = (event(row) for row in rows(client, key, value))
        found = next((row for row in events if wanted(row)), None)
        if found is None and account.history_seconds:
            time.sleep(10)  # two calls a second are allowed
        return found

    return eventually(find, account.patience + account.history_seconds)


def cluster(account: Account) -> str:
    """Make a cluster and delete it; returns its name, which no other test has."""
    ecs, name = account.client("ecs"), f"{account.cluster}-{time.time_ns()}"
    ecs.create_cluster(clusterName=name)
    ecs.delete_cluster(cluster=name)
    return name


def test_an_event_tells_who_called_what_and_when(account: Account) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    began = account.now()
    name = cluster(account)

    def wanted(row: dict[str, Any]) -> bool:
        return (row["requestParameters"] or {}).get("clusterName") == name

    found = awaited(account, "EventName", "CreateCluster", wanted)
    identity = account.client("sts").get_caller_identity()
    assert found["userIdentity"]["arn"] == identity["Arn"]
    assert found["userIdentity"]["accountId"] == identity["Account"]
    assert found["eventSource"] == "ecs.amazonaws.com"
    assert found["responseElements"]["cluster"]["clusterName"] == name
    assert (found["readOnly"], found["managementEvent"]) == (False, True)
    assert "errorCode" not in found
    assert abs(datetime.fromisoformat(found["eventTime"]) - began) < timedelta(minutes=5)


def test_a_call_that_was_refused_has_its_error(account: Account) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html"""
    ecs, name = account.client("ecs"), f"none-{time.time_ns()}"
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.delete_cluster(cluster=name)

    def wanted(row: dict[str, Any]) -> bool:
        return (row["requestParameters"] or {}).get("cluster") == name

    found = awaited(account, "EventName", "DeleteCluster", wanted)
    assert found["errorCode"] == "ClusterNotFoundException"
    assert found["responseElements"] is None


def test_the_environment_of_a_task_is_hidden(account: Account) -> None:
    """RunTask's event as AWS shows it, and its `responseElements`.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/logging-using-cloudtrail.html
    """
    arn = account.run("", environment=[{"name": "WORD", "value": "abracadabra"}])["taskArn"]

    def wanted(row: dict[str, Any]) -> bool:
        tasks = (row["responseElements"] or {}).get("tasks") or []
        return any(task["taskArn"] == arn for task in tasks)

    found = awaited(account, "EventName", "RunTask", wanted)
    assert found["requestParameters"]["cluster"] == account.cluster
    register = awaited(account, "EventName", "RegisterTaskDefinition", lambda _row: True)
    assert "abracadabra" not in json.dumps([found, register])


def test_a_change_by_a_stack_names_its_caller_and_cloudformation(account: Account) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html"""
    name = f"conformance-{time.time_ns()}"
    group = {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": name}}
    cloudformation = account.client("cloudformation")
    body = json.dumps({"Resources": {"Group": group}})
    cloudformation.create_stack(StackName=name, TemplateBody=body)
    wait = {"Delay": 1, "MaxAttempts": 300}
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=wait)
    cloudformation.delete_stack(StackName=name)

    def wanted(row: dict[str, Any]) -> bool:
        return (row["requestParameters"] or {}).get("name") == name

    for verb in ("Create", "Delete"):
        found = awaited(account, "EventName", f"{verb}ScheduleGroup", wanted)
        who = found["userIdentity"]
        assert who["invokedBy"] == found["sourceIPAddress"] == "cloudformation.amazonaws.com"
        assert who["arn"] == account.client("sts").get_caller_identity()["Arn"]


def test_events_come_in_pages_newest_first(account: Account) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    first, second = cluster(account), cluster(account)
    for name in (first, second):
        awaited(account, "EventName", "CreateCluster", lambda row, name=name: name in str(row))
    client = account.client("cloudtrail")
    request = by("EventName", "CreateCluster")
    one = client.lookup_events(**request, MaxResults=1)
    two = client.lookup_events(**request, MaxResults=1, NextToken=one["NextToken"])
    (newest,), (older,) = one["Events"], two["Events"]
    assert newest["EventTime"] >= older["EventTime"]
    assert newest["EventId"] != older["EventId"]
    assert newest["EventName"] == "CreateCluster"
    assert event(newest)["eventID"] == newest["EventId"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"StartTime": 2_000_000_000, "EndTime": 1_900_000_000}, "InvalidTimeRangeException"),
        ({"NextToken": "nobody-gave-it"}, "InvalidNextTokenException"),
        (
            {"LookupAttributes": 2 * by("EventName", "RunTask")["LookupAttributes"]},
            "InvalidLookupAttributesException",
        ),
    ],
)
def test_a_lookup_that_makes_no_sense_is_refused(
    account: Account, request_: dict[str, Any], code: str
) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""
    client = account.client("cloudtrail")
    with pytest.raises(client.exceptions.ClientError) as caught:
        client.lookup_events(**request_)
    assert caught.value.response["Error"]["Code"] == code


@differs("Calls that only read are not kept")
def test_calls_that_only_read_are_events_too(account: Account) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html"""
    account.client("ecs").list_clusters()
    time.sleep(account.history_seconds)
    assert rows(account.client("cloudtrail"), "EventName", "ListClusters")
