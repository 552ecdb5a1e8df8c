"""Deleting an app: what goes, what stays, and what stands in the way."""

import gzip
import json

from tests.functional.conftest import WAITING, Project

from .conftest import (
    APP,
    DEPLOY,
    stacks,
)


def test_delete_takes_what_is_the_apps_and_nothing_else(shipped: Project) -> None:
    other = ("--local", "--config-env", "doomed")
    shipped.toolkit(*DEPLOY, "--config-env", "doomed")
    foreign = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    name = "doomed-workload-foreign"
    cloudformation = shipped.aws("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(foreign))
    bucket = shipped.outputs("doomed-platform")["BucketName"]
    assert shipped.toolkit("delete", *other, code=1).out == ""
    assert "doomed-platform" in stacks(shipped)
    kept = shipped.toolkit("delete", *other, "--yes", "--json").json()
    assert kept["stacks"] == [
        "doomed-schedule-weather",
        "doomed-workload-weather",
        "doomed-platform",
    ]
    assert kept["bucket"] == bucket
    shipped.aws("s3").head_bucket(Bucket=bucket)
    assert {n for n in stacks(shipped) if n.startswith("doomed-")} == {name}
    again = shipped.toolkit("delete", *other, "--yes").err
    assert "nothing of doomed is deployed" in again
    assert f"s3://{bucket} is kept: toolkit delete --data --local --config-env doomed" in again
    started = shipped.toolkit("deploy", "--local", "--dry-run", "--config-env", "doomed").err
    assert f"s3://{bucket} of an earlier deployment is kept" in started
    shipped.toolkit("delete", *other, "--yes", "--data")
    names = {row["Name"] for row in shipped.aws("s3").list_buckets()["Buckets"]}
    assert bucket not in names
    assert f"{APP}-schedule-weather" in stacks(shipped)


def test_the_records_of_tasks_are_kept_before_their_log_goes(shipped: Project) -> None:
    other = ("--local", "--config-env", "recorded")
    shipped.toolkit(*DEPLOY, "--config-env", "recorded")
    shipped.toolkit("run", "weather", *other, "--follow", code=None)
    bucket = shipped.outputs("recorded-platform")["BucketName"]
    assert "state-change records kept" in shipped.toolkit("delete", *other, "--yes").err
    s3 = shipped.aws("s3")
    keys = [row["Key"] for row in s3.list_objects_v2(Bucket=bucket, Prefix="records/")["Contents"]]
    files = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]
    lines = [json.loads(line) for file in files for line in gzip.decompress(file).splitlines()]
    assert {row["detail"]["lastStatus"] for row in lines} >= {"RUNNING", "STOPPED"}
    assert all(key.endswith(".jsonl.gz") for key in keys)


def test_delete_with_data_takes_the_bucket_too(shipped: Project) -> None:
    other = ("--local", "--config-env", "full")
    shipped.toolkit(*DEPLOY, "--config-env", "full")
    bucket = shipped.outputs("full-platform")["BucketName"]
    shipped.toolkit("delete", *other, "--yes", "--data")
    buckets = {row["Name"] for row in shipped.aws("s3").list_buckets()["Buckets"]}
    assert bucket not in buckets
    assert "full-platform" not in stacks(shipped)


def test_a_deletion_that_was_interrupted_can_be_run_again(shipped: Project) -> None:
    other = ("--local", "--config-env", "half")
    shipped.toolkit("deploy", "--local", "--yes", "--only", "platform", "--config-env", "half")
    bucket = shipped.outputs("half-platform")["BucketName"]
    shipped.aws("s3").delete_bucket(Bucket=bucket)
    shipped.toolkit("delete", *other, "--yes", "--data")
    assert "half-platform" not in stacks(shipped)


def test_nothing_is_deleted_while_tasks_run(shipped: Project) -> None:
    before = stacks(shipped)
    shipped.toolkit("run", "weather", "--local", "-e", f"MAX_ORDER={WAITING}")
    answer = shipped.toolkit("delete", "--local", "--yes", code=3)
    assert f"tasks still run in {APP}" in answer.err
    assert "hint: wait for their end, or stop them: aws ecs stop-task" in answer.err
    assert stacks(shipped) == before
    ecs = shipped.aws("ecs")
    for task in ecs.list_tasks(cluster=APP)["taskArns"]:
        ecs.stop_task(cluster=APP, task=task)
