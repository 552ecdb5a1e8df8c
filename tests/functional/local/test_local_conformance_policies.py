"""What AWS makes of a role's tags, of policy variables and of conditional writes, said as tests.

How they run on a real account: see test_local_conformance_stores.py.
"""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from .account import Account
from .rehearsal import eventually

TAG = "conformance:workload"
PATH = "/conformance/"
# (key, the value of If-None-Match) → whether the role of the workload "a" may put it
PUTS = {
    ("runs/a/x", None): True,
    ("runs/b/x", None): False,
    ("runs/ab/x", None): False,
    ("ledger/a/x", None): False,
    ("ledger/a/x", "*"): True,
    ("ledger/b/x", "*"): False,
    ("elsewhere", None): False,
}


def policy(bucket: str) -> dict[str, Any]:
    """A bucket's policy that keeps tagged roles to their own prefixes, and ledgers to one write."""
    own = [f"{bucket}/{prefix}/${{aws:PrincipalTag/{TAG}}}/*" for prefix in ("runs", "ledger")]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "NotResource": own,
                "Condition": {"Null": {f"aws:PrincipalTag/{TAG}": "false"}},
            },
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"{bucket}/ledger/*",
                "Condition": {"Null": {"s3:if-none-match": "true"}},
            },
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"{bucket}/*",
                "Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::*:role{PATH}*"}},
            },
        ],
    }


@pytest.fixture(scope="module")
def stack(account: Account) -> Iterator[dict[str, str]]:
    """A bucket with that policy, and a tagged role that may do everything in S3."""
    everyone = {"Effect": "Allow", "Principal": {"AWS": {"Ref": "AWS::AccountId"}}}
    template = {
        "Resources": {
            "Bucket": {"Type": "AWS::S3::Bucket"},
            "Role": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Path": PATH,
                    "Tags": [{"Key": TAG, "Value": "a"}],
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [{**everyone, "Action": "sts:AssumeRole"}],
                    },
                    "Policies": [
                        {
                            "PolicyName": "everything",
                            "PolicyDocument": {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
                                ],
                            },
                        }
                    ],
                },
            },
        },
        "Outputs": {
            "Bucket": {"Value": {"Ref": "Bucket"}},
            "Role": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
        },
    }
    cloudformation, name = account.client("cloudformation"), f"{account.cluster}-conformance-tags"
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )

    def created() -> dict[str, Any] | None:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return found if found["StackStatus"] == "CREATE_COMPLETE" else None

    outputs = {
        row["OutputKey"]: row["OutputValue"]
        for row in eventually(created, account.patience)["Outputs"]
    }
    s3 = account.client("s3")
    document = policy(f"arn:aws:s3:::{outputs['Bucket']}")
    s3.put_bucket_policy(Bucket=outputs["Bucket"], Policy=json.dumps(document))
    yield outputs
    for row in s3.list_objects_v2(Bucket=outputs["Bucket"]).get("Contents", []):
        s3.delete_object(Bucket=outputs["Bucket"], Key=row["Key"])
    cloudformation.delete_stack(StackName=name)


def s3_of_the_role(account: Account, stack: dict[str, str]) -> Any:
    role = account.client("sts").assume_role(RoleArn=stack["Role"], RoleSessionName="conformance")
    credentials = role["Credentials"]
    meta = account.client("s3").meta
    return boto3.client(
        "s3",
        endpoint_url=meta.endpoint_url,
        region_name=meta.region_name,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_a_bucket_keeps_a_tagged_role_to_its_own_prefixes(
    account: Account, stack: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
    """
    s3 = s3_of_the_role(account, stack)

    def may_put(key: str, condition: str | None) -> bool:
        once = {"IfNoneMatch": condition} if condition else {}
        try:
            s3.put_object(Bucket=stack["Bucket"], Key=key, Body=b"", **once)
        except s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
            return False
        return True

    assert {put: may_put(*put) for put in PUTS} == PUTS


def test_a_session_of_a_role_is_the_role_with_its_path(
    account: Account, stack: dict[str, str]
) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn"""
    s3, key = s3_of_the_role(account, stack), "runs/a/read"
    s3.put_object(Bucket=stack["Bucket"], Key=key, Body=b"")
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.get_object(Bucket=stack["Bucket"], Key=key)
    assert account.client("s3").get_object(Bucket=stack["Bucket"], Key=key)["ContentLength"] == 0
