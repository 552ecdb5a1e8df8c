"""What AWS does with schedules, objects and logs, said as tests.

Each test names AWS's page, and runs against the embedded AWS. The same functions run on a real
account with

    TOOLKIT_CONFORMANCE_APP=<app> pytest -m aws tests/functional/local

where `<app>-platform` is a deployed platform stack in public network mode. They run a few of the
smallest tasks and remove what they made. Where ours differs from AWS, docs/local.md says so.
"""

import hashlib
import json
import urllib.error
import urllib.request
from itertools import chain
from typing import Any

import pytest

from .account import Account, differs
from .rehearsal import eventually


@pytest.mark.parametrize(
    "expression", ["cron(0 1 * * * *)", "rate(5 minute)", "rate(0 minutes)", "at(2026-11-24)"]
)
def test_a_bad_expression_is_refused(account: Account, expression: str) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html"""
    scheduler = account.client("scheduler")
    with pytest.raises(scheduler.exceptions.ValidationException) as caught:
        scheduler.create_schedule(**account.schedule(ScheduleExpression=expression))
    assert caught.value.response["Error"]["Message"] == f"Invalid Schedule Expression {expression}."


def test_a_schedules_name_is_unique_in_its_group(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html"""
    scheduler = account.client("scheduler")
    request = account.schedule()
    names = {"Name": request["Name"], "GroupName": request["GroupName"]}
    scheduler.create_schedule(**request)
    try:
        with pytest.raises(scheduler.exceptions.ConflictException):
            scheduler.create_schedule(**request)
    finally:
        scheduler.delete_schedule(**names)


def test_update_schedule_returns_what_is_left_out_to_its_default(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html"""
    scheduler = account.client("scheduler")
    request = account.schedule(ScheduleExpressionTimezone="Europe/Berlin", Description="words")
    names = {"Name": request["Name"], "GroupName": request["GroupName"]}
    scheduler.create_schedule(**request)
    try:
        for name in ("ScheduleExpressionTimezone", "Description", "State"):
            del request[name]
        request["ScheduleExpression"] = "rate(365 days)"
        scheduler.update_schedule(**request)
        found = scheduler.get_schedule(**names)
        assert found["ScheduleExpressionTimezone"] == "UTC"
        assert found["State"] == "ENABLED"
        assert not found.get("Description")
    finally:
        scheduler.delete_schedule(**names)


def test_schedules_are_listed_in_pages(account: Account) -> None:
    """https://docs.aws.amazon.com/scheduler/latest/APIReference/API_ListSchedules.html"""
    scheduler = account.client("scheduler")
    group = account.platform["ScheduleGroupName"]
    names = [f"conformance-{number}" for number in range(3)]
    request = account.schedule()
    for name in names:
        scheduler.create_schedule(**{**request, "Name": name})
    try:
        pages = scheduler.get_paginator("list_schedules").paginate(
            GroupName=group, NamePrefix="conformance-", PaginationConfig={"PageSize": 2}
        )
        found = [[row["Name"] for row in page["Schedules"]] for page in pages]
        assert sorted(name for page in found for name in page) == names
        assert max(map(len, found)) <= 2
    finally:
        for name in names:
            scheduler.delete_schedule(Name=name, GroupName=group)


def test_an_object_is_written_once_if_nobody_wrote_it_before(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    s3 = account.client("s3")
    request = {"Bucket": account.platform["BucketName"], "Key": "runs/conformance/x/claim.json"}
    s3.put_object(Body=b"1", IfNoneMatch="*", **request)
    try:
        with pytest.raises(s3.exceptions.ClientError) as caught:
            s3.put_object(Body=b"2", IfNoneMatch="*", **request)
        assert caught.value.response["Error"]["Code"] == "PreconditionFailed"
    finally:
        for version in s3.list_object_versions(
            Bucket=request["Bucket"], Prefix="runs/conformance/"
        ).get("Versions", []):
            s3.delete_object(**request, VersionId=version["VersionId"])


def test_log_events_are_filtered_in_pages(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"""
    logs = account.client("logs")
    group = f"/{account.cluster}/conformance-pages"
    logs.create_log_group(logGroupName=group)
    try:
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        now = int(account.now().timestamp() * 1000)
        rows = [{"timestamp": now + number, "message": str(number)} for number in range(25)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=rows)

        def find() -> list[str] | None:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, PaginationConfig={"PageSize": 10}
            )
            found = [event["message"] for page in pages for event in page["events"]]
            return found if len(found) == 25 else None

        assert eventually(find, account.patience) == [str(number) for number in range(25)]
        with pytest.raises(logs.exceptions.ResourceNotFoundException, match="log stream"):
            logs.filter_log_events(logGroupName=group, logStreamNames=["s", "no-such-stream"])
    finally:
        logs.delete_log_group(logGroupName=group)


def test_a_page_of_log_events_holds_1_mb(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""
    logs = account.client("logs")
    group = f"/{account.cluster}/conformance-bytes"
    logs.create_log_group(logGroupName=group)
    try:
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        now, expected = (
            int(account.now().timestamp() * 1000),
            [f"{number:0200000}" for number in range(12)],
        )
        rows = [{"timestamp": now + at, "message": text} for at, text in enumerate(expected)]
        for start in range(0, 12, 4):
            logs.put_log_events(
                logGroupName=group, logStreamName="s", logEvents=rows[start : start + 4]
            )

        def filtered() -> list[list[str]] | None:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
            texts = [[event["message"] for event in page["events"]] for page in pages]
            return texts if list(chain.from_iterable(texts)) == expected else None

        for texts in (eventually(filtered, account.patience), _read(logs, group)):
            assert list(chain.from_iterable(texts)) == expected
            assert max(map(len, texts)) == 5
    finally:
        logs.delete_log_group(logGroupName=group)


def _read(logs: Any, group: str) -> list[list[str]]:
    """The pages of a stream, read backwards and put in order."""
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        answer = logs.get_log_events(logGroupName=group, logStreamName="s", **token)
        if not answer["events"]:
            return pages
        pages.insert(0, [event["message"] for event in answer["events"]])
        token = {"nextToken": answer["nextBackwardToken"]}


PATTERNS = {
    "?WARN ?SUCCESS": [4, 5],
    "ERROR -ARGUMENTS": [0, 1, 4],
    '"INTERNAL SERVER ERROR"': [4],
    "%AUTHORIZED%": [1, 5],
    '{ $.eventType = "Update*" && $.objectList[1].id = 2 }': [6],
    "{ $.SomeObject IS NULL && $.SomeOtherObject NOT EXISTS }": [6],
    "{ $.errorCode > 399 || $.errorCode = 4 }": [6],
    "{ $.missing != 1 }": [],
}
MESSAGES = (
    "[ERROR 400] BAD REQUEST",
    "[ERROR 401] UNAUTHORIZED REQUEST",
    "[ERROR 419] MISSING ARGUMENTS",
    "[ERROR 420] INVALID ARGUMENTS",
    "[WARN 500] INTERNAL SERVER ERROR",
    "[SUCCESS 200] AUTHORIZED REQUEST",
    json.dumps(
        {
            "eventType": "UpdateTrail",
            "errorCode": 400,
            "SomeObject": None,
            "objectList": [{"id": 1}, {"id": 2}],
        }
    ),
)


def test_log_events_are_filtered_by_patterns(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"""
    logs = account.client("logs")
    group = f"/{account.cluster}/conformance-patterns"
    logs.create_log_group(logGroupName=group)
    try:
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        now = int(account.now().timestamp() * 1000)
        rows = [{"timestamp": now + n, "message": text} for n, text in enumerate(MESSAGES)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=rows)

        def find(pattern: str) -> list[int]:
            answer = logs.filter_log_events(logGroupName=group, filterPattern=pattern)
            return [MESSAGES.index(event["message"]) for event in answer["events"]]

        eventually(lambda: len(find("")) == len(MESSAGES), account.patience)
        assert {pattern: find(pattern) for pattern in PATTERNS} == PATTERNS
        with pytest.raises(logs.exceptions.InvalidParameterException, match="Invalid"):
            find("run.finished")
    finally:
        logs.delete_log_group(logGroupName=group)


@differs("Patterns for space-delimited events are refused")
def test_a_pattern_names_the_fields_of_space_delimited_events(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html"""
    logs = account.client("logs")
    group = f"/{account.cluster}/conformance-fields"
    logs.create_log_group(logGroupName=group)
    try:
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        event = {"timestamp": int(account.now().timestamp() * 1000), "message": "127.0.0.1 GET 404"}
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
        pattern = "[ip, method, code = 4*]"
        eventually(
            lambda: logs.filter_log_events(logGroupName=group, filterPattern=pattern)["events"],
            account.patience,
        )
    finally:
        logs.delete_log_group(logGroupName=group)


def test_the_address_of_a_layer_needs_no_login(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html"""
    ecr, repository = account.client("ecr"), account.platform["RepositoryName"]
    found = ecr.describe_images(repositoryName=repository)["imageDetails"][0]["imageDigest"]
    [image] = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": found}])[
        "images"
    ]
    digest = json.loads(image["imageManifest"])["config"]["digest"]
    address = ecr.get_download_url_for_layer(repositoryName=repository, layerDigest=digest)
    with urllib.request.urlopen(address["downloadUrl"]) as answer:
        content = answer.read()
    assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(address["downloadUrl"][:-1])
    caught.value.close()
    assert caught.value.code in {401, 403}


def test_the_lifecycle_rules_of_a_template_are_the_buckets(account: Account) -> None:
    """https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-rule.html"""
    s3 = account.client("s3")
    answer = s3.get_bucket_lifecycle_configuration(Bucket=account.platform["BucketName"])
    rules = {rule["ID"]: rule for rule in answer["Rules"]}
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}
    assert rules["replaced-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rules["replaced-versions"]["AbortIncompleteMultipartUpload"] == {
        "DaysAfterInitiation": 1
    }
    assert rules["delete-markers"]["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    if "artifacts" in rules:
        assert rules["artifacts"]["Filter"] == {"Prefix": "runs/"}
        assert rules["artifacts"]["Expiration"]["Days"] > 0
