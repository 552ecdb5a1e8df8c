"""A role on the embedded AWS: judged by a schedule's group, and by KMS's conditions."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from .rehearsal import Rehearsal

ARN = "arn:aws:iam::000000000000:role/cluster"


def assumed(rehearsal: Rehearsal, name: str, **statement: Any) -> boto3.Session:
    """A session of a new role that may do this and no more."""
    iam, sts = rehearsal.aws("iam"), rehearsal.aws("sts")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    role = iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]})
    )["Role"]
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(document))
    keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    return boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1"
    )


def test_a_role_for_one_group_reads_no_schedule_of_another(rehearsal: Rehearsal) -> None:
    scheduler = rehearsal.aws("scheduler")
    scheduler.create_schedule_group(Name="granted")
    for group in ("granted", "default"):
        scheduler.create_schedule(
            Name="conditions",
            GroupName=group,
            ScheduleExpression="rate(1 day)",
            State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": ARN},
        )
    session = assumed(
        rehearsal,
        "reads-one-group",
        Action="scheduler:GetSchedule",
        Resource="arn:aws:scheduler:us-east-1:000000000000:schedule/granted/*",
    )
    reader = session.client("scheduler", endpoint_url=rehearsal.info.endpoint_url)
    assert reader.get_schedule(Name="conditions", GroupName="granted")["GroupName"] == "granted"
    for other in ({"GroupName": "default"}, {}):
        with pytest.raises(ClientError, match="not authorized"):
            reader.get_schedule(Name="conditions", **other)


def test_a_role_signs_only_by_the_algorithm_and_of_the_kind_that_it_may(
    rehearsal: Rehearsal,
) -> None:
    kms = rehearsal.aws("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    wanted = {"kms:SigningAlgorithm": "ECDSA_SHA_256", "kms:MessageType": "DIGEST"}
    session = assumed(
        rehearsal,
        "signs-digests",
        Action="kms:Sign",
        Resource=key,
        Condition={"StringEquals": wanted},
    )
    signer = session.client("kms", endpoint_url=rehearsal.info.endpoint_url)
    request = {"KeyId": key, "Message": b"0" * 32, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert signer.sign(**request, MessageType="DIGEST")["Signature"]
    for kind in ({"MessageType": "RAW"}, {}):
        with pytest.raises(ClientError, match="not authorized"):
            signer.sign(**request, **kind)
