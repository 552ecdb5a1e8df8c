"""What expires as the engine's clock moves on."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.policies import trust
from toolkit.adapters.embedded import engine
from toolkit.local.agent.aws import Emulator
from toolkit.local.keys import Keys

from .rehearsal import Rehearsal


def test_objects_expire_as_the_clock_moves(own: Rehearsal) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""
    s3 = own.aws("s3")
    s3.create_bucket(Bucket="bucket")
    s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
    rules = [
        {"Prefix": "runs/", "Expiration": {"Days": 2}},
        {"Prefix": "", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
        {"Prefix": "", "Expiration": {"ExpiredObjectDeleteMarker": True}},
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket="bucket",
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": str(n),
                    "Status": "Enabled",
                    "Filter": {"Prefix": rule.pop("Prefix")},
                    **rule,
                }
                for n, rule in enumerate(rules)
            ]
        },
    )
    for key in ("runs/a", "ledger/a"):
        s3.put_object(Bucket="bucket", Key=key, Body=b"1")

    def current() -> list[str]:
        rows = s3.list_objects_v2(Bucket="bucket").get("Contents", [])
        return sorted(row["Key"] for row in rows)

    def old() -> list[str]:
        answer = s3.list_object_versions(Bucket="bucket")
        rows = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        return sorted(row["Key"] for row in rows)

    list(own.engine.advance(seconds=2 * 86400 - 60))
    assert current() == ["ledger/a", "runs/a"]
    list(own.engine.advance(seconds=86400))
    assert current() == ["ledger/a"]
    assert old() == ["ledger/a", "runs/a", "runs/a"]
    list(own.engine.advance(seconds=4 * 86400))
    assert old() == ["ledger/a"]


def test_log_events_expire_as_the_clock_moves(own: Rehearsal) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    logs = own.aws("logs")
    now = int(own.engine.now().timestamp() * 1000)
    for group, days in (("/short", 1), ("/long", None)):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        events = [{"timestamp": now, "message": "old"}]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
        if days:
            logs.put_retention_policy(logGroupName=group, retentionInDays=days)
    assert own.log_lines("/short") == ["old"]
    list(own.engine.advance(seconds=2 * 86400))
    assert (own.log_lines("/short"), own.log_lines("/long")) == ([], ["old"])


def test_credentials_of_a_role_expire_as_the_clock_moves(own: Rehearsal) -> None:
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    document = json.dumps({"Version": "2012-10-17", **trust})
    own.aws("iam").create_role(RoleName="role", AssumeRolePolicyDocument=document)

    def assumed() -> Any:
        role = {"RoleArn": "arn:aws:iam::000000000000:role/role", "RoleSessionName": "session"}
        found = own.aws("sts").assume_role(**role)["Credentials"]
        return boto3.client(
            "sts",
            endpoint_url=own.info.endpoint_url,
            region_name=own.info.region,
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )

    first = assumed()
    assert first.get_caller_identity()["Arn"].endswith(":assumed-role/role/session")
    list(own.engine.advance(seconds=7200))
    assumed()
    with pytest.raises(ClientError, match="ExpiredToken"):
        first.get_caller_identity()
    list(own.engine.advance(seconds=2 * 86400))
    assert assumed().get_caller_identity()["Arn"].endswith(":assumed-role/role/session")
    with pytest.raises(ClientError, match=r"InvalidClientTokenId|UnrecognizedClient"):
        first.get_caller_identity()


def test_credentials_are_good_for_a_queue_as_long_as_for_their_holder(own: Rehearsal) -> None:
    """A queue keeps the engine's time; that of the task that asks may be a day behind."""
    document = json.dumps(trust("ecs-tasks.amazonaws.com"))
    iam = own.aws("iam")
    iam.create_role(RoleName="role", AssumeRolePolicyDocument=document)
    allowed = {"Effect": "Allow", "Action": "sqs:ListQueues", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="role", PolicyName="queues", PolicyDocument=policy)
    home = engine.directory(own.root)
    emulator = Emulator(own.info.endpoint_url, own.info.token, Keys.of(home))
    role = "arn:aws:iam::000000000000:role/role"
    found = emulator.assume_role(role, "ecs-tasks.amazonaws.com", "task", "", offset=-13 * 3600)
    sqs = boto3.client(
        "sqs",
        endpoint_url=own.info.endpoint_url,
        region_name=own.info.region,
        aws_access_key_id=found.access_key,
        aws_secret_access_key=found.secret_key,
        aws_session_token=found.token,
    )
    assert sqs.list_queues().get("QueueUrls", []) == []
