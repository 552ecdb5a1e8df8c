"""The platform: its network, and the stores that keep images, evidence and dead letters."""

import json
from typing import Any

import pytest

from tests.cloudformation import KEY, REGION, properties, render, resources


def types(**parameters: Any) -> list[str]:
    return [resource["Type"] for resource in resources("platform", **parameters).values()]


def test_nothing_may_come_in_and_only_https_may_go_out() -> None:
    group = properties("platform", "TaskSecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [(r["FromPort"], r["ToPort"]) for r in group["SecurityGroupEgress"]] == [(443, 443)]


def test_one_more_port_may_be_opened_on_the_way_out() -> None:
    rules = properties("platform", "TaskSecurityGroup", ExtraEgressPort=9443)["SecurityGroupEgress"]
    assert [(str(r["FromPort"]), str(r["ToPort"])) for r in rules] == [
        ("443", "443"),
        ("9443", "9443"),
    ]


def test_public_mode_has_a_way_to_the_internet_and_pays_for_no_endpoint() -> None:
    made = resources("platform")
    assert made["InternetRoute"]["Properties"]["DestinationCidrBlock"] == "0.0.0.0/0"
    assert render("platform", AppName="demo")["Outputs"]["AssignPublicIp"] == "ENABLED"
    kinds = {r["Properties"]["VpcEndpointType"] for r in made.values() if "Endpoint" in r["Type"]}
    assert kinds == {"Gateway"}


def test_private_mode_reaches_all_that_a_task_needs_and_no_internet() -> None:
    made = resources("platform", NetworkMode="private")
    assert not {"InternetGateway", "InternetRoute"} & set(made)
    endpoints = {
        r["Properties"]["ServiceName"].rpartition(f"{REGION}.")[2]: r["Properties"]
        for r in made.values()
        if r["Type"] == "AWS::EC2::VPCEndpoint"
    }
    # https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
    assert set(endpoints) == {"s3", "ecr.api", "ecr.dkr", "logs"}
    assert endpoints["s3"]["RouteTableIds"] == ["RouteTable"]
    for name in ("ecr.api", "ecr.dkr", "logs"):
        assert endpoints[name]["PrivateDnsEnabled"] is True
        assert endpoints[name]["SubnetIds"] == ["SubnetA", "SubnetB"]
    vpc = made["Vpc"]["Properties"]
    assert vpc["EnableDnsSupport"] is vpc["EnableDnsHostnames"] is True


def test_endpoints_let_in_the_runs_and_nobody_else() -> None:
    (rule,) = properties("platform", "EndpointSecurityGroup", NetworkMode="private")[
        "SecurityGroupIngress"
    ]
    assert rule["SourceSecurityGroupId"] == "TaskSecurityGroup.GroupId"
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)


@pytest.mark.parametrize("mode", ["public", "private"])
def test_an_existing_network_is_used_as_it_is(mode: str) -> None:
    given = {
        "VpcId": "vpc-0123456789abcdef0",
        "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        "NetworkMode": mode,
    }
    assert {kind for kind in types(**given) if kind.startswith("AWS::EC2::")} == {
        "AWS::EC2::SecurityGroup"
    }
    assert properties("platform", "TaskSecurityGroup", **given)["VpcId"] == given["VpcId"]
    outputs = render("platform", AppName="demo", **given)["Outputs"]
    assert outputs["SubnetIds"] == given["SubnetIds"]
    assert outputs["AssignPublicIp"] == {"public": "ENABLED", "private": "DISABLED"}[mode]


def test_the_bucket_keeps_what_it_got_and_to_itself() -> None:
    bucket = properties("platform", "Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_the_bucket_and_its_policy_outlive_the_stack() -> None:
    made = resources("platform")
    for name in ("Bucket", "BucketPolicy"):
        assert made[name]["DeletionPolicy"] == "RetainExceptOnCreate"
        assert made[name]["UpdateReplacePolicy"] == "Retain"


def test_artifacts_expire_only_when_asked_and_manifests_never() -> None:
    def rules(**parameters: Any) -> list[dict[str, Any]]:
        bucket = properties("platform", "Bucket", **parameters)
        return [r for r in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in r]

    assert rules() == []
    (rule,) = rules(ArtifactRetentionDays=30)
    assert (rule["Prefix"], rule["ExpirationInDays"]) == ("runs/", "30")


def test_a_replaced_version_can_be_brought_back_for_a_month() -> None:
    rules = properties("platform", "Bucket")["LifecycleConfiguration"]["Rules"]
    (rule,) = [r for r in rules if "NoncurrentVersionExpiration" in r]
    assert rule["Status"] == "Enabled"
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert "Prefix" not in rule


def test_images_are_scanned_and_their_tags_cannot_be_moved() -> None:
    repository = properties("platform", "Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    rules = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert [rule["selection"]["tagStatus"] for rule in rules] == ["untagged"]


def test_everything_stored_is_encrypted_without_a_key_of_ours() -> None:
    made = {key: value["Properties"] for key, value in resources("platform").items()}
    (rule,) = made["Bucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert made["DeadLetterQueue"]["SqsManagedSseEnabled"] is True
    assert made["Repository"]["EncryptionConfiguration"] == {"EncryptionType": "KMS"}
    # SNS must not use alias/aws/sns: EventBridge could not publish.
    assert "KmsMasterKeyId" not in made["NotificationTopic"]


def test_a_key_of_ours_encrypts_every_store() -> None:
    made = {k: v["Properties"] for k, v in resources("platform", KmsKeyArn=KEY).items()}
    (rule,) = made["Bucket"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    used = [
        rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"],
        made["DeadLetterQueue"]["KmsMasterKeyId"],
        made["NotificationTopic"]["KmsMasterKeyId"],
        made["LifecycleLogGroup"]["KmsKeyId"],
        made["Repository"]["EncryptionConfiguration"]["KmsKey"],
        made["Cluster"]["Configuration"]["ManagedStorageConfiguration"][
            "FargateEphemeralStorageKmsKeyId"
        ],
        properties("workload", "LogGroup", KmsKeyArn=KEY)["KmsKeyId"],
        properties("schedule", "Schedule", KmsKeyArn=KEY)["KmsKeyArn"],
    ]
    assert used == [KEY] * 8
    assert "SqsManagedSseEnabled" not in made["DeadLetterQueue"]


def test_dead_letters_wait_as_long_as_they_can_in_a_standard_queue() -> None:
    queue = properties("platform", "DeadLetterQueue")
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert "FifoQueue" not in queue


def test_logs_are_kept_for_the_time_that_was_said() -> None:
    assert properties("workload", "LogGroup", LogRetentionDays=30)["RetentionInDays"] == "30"


def test_records_are_kept_for_ten_years_unless_said_otherwise() -> None:
    group = properties("platform", "LifecycleLogGroup")
    assert group["RetentionInDays"] == "3653"
    other = properties("platform", "LifecycleLogGroup", RecordRetentionDays=30)
    assert other["RetentionInDays"] == "30"


def test_the_zones_can_be_chosen_and_are_the_regions_first_two_otherwise() -> None:
    def zone(subnet: str, **parameters: str) -> Any:
        return properties("platform", subnet, **parameters)["AvailabilityZone"]

    given = {"ZoneA": "eu-central-1b", "ZoneB": "eu-central-1c"}
    assert (zone("SubnetA", **given), zone("SubnetB", **given)) == tuple(given.values())
    assert zone("SubnetA") != zone("SubnetB")
    assert zone("SubnetA") not in given.values()


def test_guardduty_s_container_may_be_pulled_where_its_account_is_given() -> None:
    def pulled(**parameters: str) -> Any:
        (policy,) = properties("platform", "ExecutionRole", **parameters)["Policies"]
        return policy["PolicyDocument"]["Statement"][0]["Resource"]

    assert pulled() == ["Repository.Arn"]
    assert pulled(GuardDutyRegistryAccount="123456789012")[1].endswith(
        ":123456789012:repository/aws-guardduty-agent-fargate"
    )
