"""Tokens of pages: those that AWS did not give are refused, and those that it gave lead on.

How they run on a real account: see test_local_conformance_stores.py.
"""

from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from toolkit.local.ministack.upstream import page_tokens

from .account import Account

SERVICES = (
    "cloudformation",
    "cloudwatch",
    "ecr",
    "ecs",
    "events",
    "iam",
    "kms",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
)
BAD = ["100", "-1", "bm90aGluZw==", "?"]


def paged(service: str) -> list[tuple[str, str]]:
    """Every operation that can be asked for a page by its token alone, and what it calls it."""
    model = boto3.client(service, region_name="us-east-1").meta.service_model
    found = []
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        names = page_tokens.asking(service, operation)
        for name, member in shape.members.items() if shape and not shape.required_members else ():
            if member.serialization.get("name", name) in names or name in names:
                found.append((xform_name(operation), name))
    return found


def complaint(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response


@pytest.mark.parametrize("service", SERVICES)
def test_a_token_that_nobody_gave_is_refused(account: Account, service: str) -> None:
    """CommonErrors, and the errors of ListTasks, DescribeAlarms, ListSecrets, …"""
    client = account.client(service)
    operations = paged(service)
    assert operations
    for operation, name in operations:
        for token in BAD:
            answer = complaint(getattr(client, operation), **{name: token})
            status = answer["ResponseMetadata"]["HTTPStatusCode"]
            assert (status, bool(answer["Error"]["Code"])) == (400, True), (operation, token)


def test_a_token_of_a_log_or_a_bucket_is_refused(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""
    logs, s3 = account.client("logs"), account.client("s3")
    group, bucket = account.platform["LifecycleLogGroupName"], account.platform["BucketName"]
    for token in BAD:
        answers = [
            complaint(logs.filter_log_events, logGroupName=group, nextToken=token),
            complaint(
                logs.get_log_events, logGroupName=group, logStreamName="s", nextToken=f"f/{token}"
            ),
            complaint(s3.list_objects_v2, Bucket=bucket, ContinuationToken=token),
        ]
        codes = [answer["Error"]["Code"] for answer in answers]
        assert codes[0] == "InvalidParameterException"
        assert codes[1] in ("InvalidParameterException", "ResourceNotFoundException")
        assert codes[2] == "InvalidArgument"


def test_a_token_that_was_given_leads_to_the_next_page(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTaskDefinitions.html"""
    definitions = {account.define(""), account.define("")}
    pages = account.client("ecs").get_paginator("list_task_definitions")
    found = [
        page["taskDefinitionArns"]
        for page in pages.paginate(sort="DESC", PaginationConfig={"PageSize": 1, "MaxItems": 50})
    ]
    assert all(len(page) == 1 for page in found)
    assert definitions <= {arn for page in found for arn in page}
