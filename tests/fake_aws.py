# ruff: noqa: N803 - the arguments have the names that AWS gives them
"""AWS in memory, as far as evidence is gathered from it: the same answers, the same refusals.

Pages are as small as a test wants them. What AWS refuses is refused here, such as a search that
names a log stream which does not exist; every call is counted.
"""

import base64
import hashlib
import io
import json
import mimetypes
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from attrs import define, field
from botocore.exceptions import ClientError

from toolkit.core.names import AppNames

Row = dict[str, Any]
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def refusal(operation: str, code: str, message: str = "") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Endpoint:
    url = "memory"
    region = "us-east-1"


@define
class Paginator:
    """Asks again with the token of the last page, as botocore's does."""

    call: Any
    given: str
    taken: str

    def paginate(self, **arguments: Any) -> Iterator[Row]:
        while True:
            page = self.call(**arguments)
            yield page
            if not page.get(given := self.given):
                return
            arguments[self.taken] = page[given]


@define
class FakeAws:
    """What `toolkit.adapters` sees of AWS."""

    page: int = 1000
    objects: dict[str, bytes] = field(factory=dict)
    unsigned: set[str] = field(factory=set)  # keys of which S3 recorded no SHA-256
    streams: dict[tuple[str, str], list[Row]] = field(factory=dict)
    modified: dict[str, datetime] = field(factory=dict)  # by key; others are of NOW
    tasks: dict[str, Row] = field(factory=dict)
    definitions: dict[str, Row] = field(factory=dict)
    retention: dict[str, int] = field(factory=dict)
    letters: list[Row] = field(factory=list)
    history: list[Row] = field(factory=list)  # API calls, as CloudTrail describes them
    stacks: list[Row] = field(factory=list)
    denied: set[str] = field(factory=set)
    calls: Counter[str] = field(factory=Counter)
    endpoint: Endpoint = field(factory=Endpoint)

    @property
    def region(self) -> str:
        return self.endpoint.region

    def client(self, service: str) -> Any:
        return {
            "s3": S3,
            "cloudtrail": CloudTrail,
            "logs": CloudWatchLogs,
            "ecs": Ecs,
            "sqs": Sqs,
            "cloudformation": CloudFormation,
            "scheduler": Scheduler,
            "sts": Sts,
        }[service](self)


def platform_stack(outputs: Mapping[str, str], app: str, created: datetime = NOW) -> Row:
    """The platform's stack of an app, as DescribeStacks gives it."""
    return {
        "StackName": AppNames(app).platform_stack,
        "StackStatus": "CREATE_COMPLETE",
        "CreationTime": created,
        "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
        "Tags": [{"Key": "app", "Value": app}],
    }


@define
class Client:
    aws: FakeAws

    def count(self, operation: str) -> None:
        self.aws.calls[operation] += 1
        if operation in self.aws.denied:
            raise refusal(operation, "AccessDenied", f"no {operation}")

    def get_paginator(self, operation: str) -> Paginator:
        tokens = {
            "list_objects_v2": ("NextContinuationToken", "ContinuationToken"),
            "describe_stacks": ("NextToken", "NextToken"),
            "list_schedules": ("NextToken", "NextToken"),
        }
        given, taken = tokens.get(operation, ("nextToken", "nextToken"))
        return Paginator(getattr(self, operation), given, taken)


class Sts(Client):
    def get_caller_identity(self) -> Row:
        self.count("GetCallerIdentity")
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ann"}


class S3(Client):
    def get_object(self, Bucket: str, Key: str) -> Row:
        self.count("GetObject")
        if Key not in self.aws.objects:
            raise refusal("GetObject", "NoSuchKey")
        return {"Body": io.BytesIO(self.aws.objects[Key])}

    def download_file(self, Bucket: str, Key: str, Filename: str) -> None:
        Path(Filename).write_bytes(self.get_object(Bucket, Key)["Body"].read())

    def put_object(
        self, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str = "", **_: Any
    ) -> Row:
        self.count("PutObject")
        if IfNoneMatch and Key in self.aws.objects:
            raise refusal("PutObject", "PreconditionFailed")
        self.aws.objects[Key] = Body
        return {}

    def head_object(self, Bucket: str, Key: str, ChecksumMode: str) -> Row:
        self.count("HeadObject")
        if Key not in self.aws.objects:
            raise refusal("HeadObject", "404")
        content = self.aws.objects[Key]
        kind, _ = mimetypes.guess_type(Key)
        answer: Row = {"ContentLength": len(content), "ContentType": kind}
        if ChecksumMode == "ENABLED" and Key not in self.aws.unsigned:
            answer["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(content).digest()).decode()
        return answer

    def list_objects_v2(
        self,
        Bucket: str,
        Prefix: str,
        StartAfter: str = "",
        MaxKeys: int = 1000,
        ContinuationToken: str = "",
        Delimiter: str = "",
    ) -> Row:
        self.count("ListObjectsV2")
        after = ContinuationToken or StartAfter
        keys = [key for key in sorted(self.aws.objects) if key.startswith(Prefix) and key > after]
        if Delimiter:
            names = {key.removeprefix(Prefix).partition(Delimiter)[0] for key in keys}
            folders = [{"Prefix": f"{Prefix}{name}{Delimiter}"} for name in sorted(names)]
            return {"IsTruncated": False, "CommonPrefixes": folders}
        page = keys[: min(MaxKeys, self.aws.page)]
        answer: Row = {"IsTruncated": len(page) < len(keys)}
        if answer["IsTruncated"]:
            answer["NextContinuationToken"] = page[-1]
        rows = [
            {
                "Key": key,
                "Size": len(self.aws.objects[key]),
                "LastModified": self.aws.modified.get(key, NOW),
            }
            for key in page
        ]
        return answer | ({"Contents": rows} if rows else {})


class CloudWatchLogs(Client):
    def get_log_events(
        self,
        logGroupName: str,
        logStreamName: str,
        startFromHead: bool,
        nextToken: str = "f/0",
    ) -> Row:
        self.count("GetLogEvents")
        rows = self._stream("GetLogEvents", logGroupName, logStreamName)
        start = int(nextToken.removeprefix("f/"))
        page = rows[start : start + self.aws.page]
        return {"events": page, "nextForwardToken": f"f/{start + len(page)}"}

    def filter_log_events(
        self,
        logGroupName: str,
        startTime: int,
        endTime: int,
        filterPattern: str = "",
        logStreamNames: list[str] | None = None,
        nextToken: str = "0",
    ) -> Row:
        self.count("FilterLogEvents")
        names = logStreamNames or [
            name for group, name in self.aws.streams if group == logGroupName
        ]
        assert len(names) <= 100 or logStreamNames is None
        found = [
            {**row, "logStreamName": name}
            for name in names
            for row in self._stream("FilterLogEvents", logGroupName, name)
            if startTime <= row["timestamp"] <= endTime
        ]
        found.sort(key=lambda row: row["timestamp"])
        start = int(nextToken)
        # Of patterns on JSON, the one that asks for tasks that stopped.
        ended = "$.detail.lastStatus" in filterPattern
        terms = ['"lastStatus": "STOPPED"'] if ended else []
        terms = terms or [term.strip('"') for term in filterPattern.split()]
        # A page is cut before it is filtered, so it may come out empty and have a successor.
        page = found[start : start + self.aws.page]
        answer: Row = {"events": [r for r in page if all(term in r["message"] for term in terms)]}
        if start + len(page) < len(found):
            answer["nextToken"] = str(start + len(page))
        return answer

    def describe_log_groups(self, logGroupNamePrefix: str) -> Row:
        self.count("DescribeLogGroups")
        groups = {group for group, _ in self.aws.streams if group.startswith(logGroupNamePrefix)}
        kept = self.aws.retention
        rows = [
            {"logGroupName": group} | ({"retentionInDays": kept[group]} if group in kept else {})
            for group in sorted(groups)
        ]
        return {"logGroups": rows}

    def _stream(self, operation: str, group: str, name: str) -> list[Row]:
        if (group, name) not in self.aws.streams:
            message = "The specified log stream does not exist."
            raise refusal(operation, "ResourceNotFoundException", message)
        return self.aws.streams[group, name]


class ClusterNotFoundError(Exception):
    """As the client has it, below ``exceptions``; the fake's cluster is always there."""


class Ecs(Client):
    exceptions = SimpleNamespace(ClusterNotFoundException=ClusterNotFoundError)

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Row:
        self.count("DescribeTasks")
        assert 0 < len(tasks) <= 100
        return {"tasks": [self.aws.tasks[arn] for arn in tasks if arn in self.aws.tasks]}

    def describe_task_definition(self, taskDefinition: str) -> Row:
        self.count("DescribeTaskDefinition")
        if taskDefinition not in self.aws.definitions:
            message = "Unable to describe task definition."
            raise refusal("DescribeTaskDefinition", "ClientException", message)
        return {"taskDefinition": self.aws.definitions[taskDefinition]}

    def list_tasks(self, cluster: str) -> Row:
        self.count("ListTasks")
        running = [arn for arn, row in self.aws.tasks.items() if row["lastStatus"] != "STOPPED"]
        return {"taskArns": running}


class Sqs(Client):
    def receive_message(self, **_: Any) -> Row:
        self.count("ReceiveMessage")
        return {"Messages": self.aws.letters[:10]}

    def delete_message_batch(self, Entries: list[Row], **_: Any) -> Row:
        self.count("DeleteMessageBatch")
        gone = {row["ReceiptHandle"] for row in Entries}
        self.aws.letters = [row for row in self.aws.letters if row["ReceiptHandle"] not in gone]
        return {}

    def change_message_visibility_batch(self, **_: Any) -> Row:
        self.count("ChangeMessageVisibilityBatch")
        return {}


class CloudFormation(Client):
    def describe_stacks(self, StackName: str = "") -> Row:
        self.count("DescribeStacks")
        stacks = self.aws.stacks
        return {"Stacks": [s for s in stacks if StackName in ("", s["StackName"])]}


class Scheduler(Client):
    def list_schedules(self, GroupName: str) -> Row:
        self.count("ListSchedules")
        return {"Schedules": []}


class CloudTrail(Client):
    """The event history: newest first, 50 a page at most, one attribute a call."""

    def lookup_events(
        self,
        LookupAttributes: list[Row],
        StartTime: datetime,
        EndTime: datetime,
        MaxResults: int,
        NextToken: str = "0",
    ) -> Row:
        self.count("LookupEvents")
        assert len(LookupAttributes) == 1
        assert MaxResults <= 50
        assert LookupAttributes[0]["AttributeKey"] == "EventName"
        rows = [
            row
            for row in sorted(self.aws.history, key=lambda row: row["eventTime"], reverse=True)
            if row["eventName"] == LookupAttributes[0]["AttributeValue"]
            if StartTime <= datetime.fromisoformat(row["eventTime"]) <= EndTime
        ]
        first = int(NextToken)
        last = first + min(MaxResults, self.aws.page)
        page = [{"CloudTrailEvent": json.dumps(row)} for row in rows[first:last]]
        return {"Events": page} | ({"NextToken": str(last)} if last < len(rows) else {})
