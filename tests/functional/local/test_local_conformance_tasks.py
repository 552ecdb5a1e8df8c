"""What AWS does with tasks, said as tests.

Each test names AWS's page, and runs against the embedded AWS. The same functions run on a real
account with

    TOOLKIT_CONFORMANCE_APP=<app> pytest -m aws tests/functional/local

where `<app>-platform` is a deployed platform stack in public network mode. They run a few of the
smallest tasks and remove what they made. Where ours differs from AWS, docs/local.md says so.
"""

import json
import uuid
from typing import Any

import pytest

from .account import Account
from .rehearsal import eventually


@pytest.fixture(scope="module")
def definition(account: Account) -> str:
    return account.define("")


def refused(account: Account, code: str, **request: Any) -> str:
    """RunTask must refuse with this code; returns the message."""
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClientError) as caught:
        ecs.run_task(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    return error["Message"]


def test_run_task_on_an_unknown_cluster(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html#API_RunTask_Errors"""
    request = {**account.request(definition), "cluster": "no-such-cluster"}
    assert refused(account, "ClusterNotFoundException", **request) == "Cluster not found."


def test_run_task_of_an_unknown_task_definition(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html#API_RunTask_Errors"""
    refused(account, "ClientException", **account.request("no-such-family:1"))


def test_run_task_needs_a_network(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html"""
    request = account.request(definition)
    del request["networkConfiguration"]
    message = refused(account, "InvalidParameterException", **request)
    assert message.startswith("Network Configuration must be provided when networkMode 'awsvpc'")


def test_run_task_runs_ten_at_most(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html (count)"""
    refused(account, "InvalidParameterException", **account.request(definition, count=11))


def test_run_task_knows_the_containers_it_overrides(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerOverride.html"""
    overrides = {"containerOverrides": [{"name": "nobody"}]}
    message = refused(
        account, "InvalidParameterException", **account.request(definition, overrides=overrides)
    )
    assert (
        message == "Override for container named nobody is not a container in the TaskDefinition."
    )


def test_overrides_have_8192_characters_at_most(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html"""
    rows = [{"name": "X", "value": "x" * 8192}]
    overrides = {"containerOverrides": [{"name": "main", "environment": rows}]}
    request = account.request(definition, overrides=overrides)
    message = refused(account, "InvalidParameterException", **request)
    assert "8192" in message


def test_a_launch_type_and_a_capacity_provider_exclude_each_other(
    account: Account, definition: str
) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html (launchType)"""
    strategy = [{"capacityProvider": "FARGATE", "weight": 1}]
    request = account.request(definition, capacityProviderStrategy=strategy)
    refused(account, "InvalidParameterException", **request)


def test_an_unknown_platform_version_is_refused(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html#API_RunTask_Errors"""
    refused(
        account, "PlatformUnknownException", **account.request(definition, platformVersion="9.9.9")
    )


def test_a_client_token_starts_its_tasks_once(account: Account, definition: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html"""
    ecs = account.client("ecs")
    request = account.request(definition, clientToken=uuid.uuid4().hex)
    first, second = (ecs.run_task(**request)["tasks"][0]["taskArn"] for _ in range(2))
    assert first == second
    refused(account, "ConflictException", **{**request, "startedBy": "somebody-else"})
    account.stopped(first)


@pytest.mark.parametrize(("cpu", "memory"), [("256", "4096"), ("1024", "1024"), ("300", "512")])
def test_fargate_has_certain_sizes_only(account: Account, cpu: str, memory: str) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html"""
    ecs = account.client("ecs")
    container = {"name": "main", "image": account.image}
    with pytest.raises(ecs.exceptions.ClientException, match="No Fargate configuration exists"):
        account.register(cpu=cpu, memory=memory, containerDefinitions=[container])


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"name": "../../state"}, "Container.name contains invalid characters"),
        ({"image": "an image"}, "Container.image contains invalid characters"),
        ({"mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}, "Unknown volume 'v'"),
        ({"links": ["other"]}, "not supported"),
        ({"cpu": 512}, "The sum of all container 'cpu' values cannot be greater"),
    ],
)
def test_a_container_that_ecs_does_not_take(
    account: Account, container: dict[str, Any], words: str
) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"""
    ecs = account.client("ecs")
    main = {"name": "main", "image": account.image, **container}
    with pytest.raises(ecs.exceptions.ClientException, match=words):
        account.register(containerDefinitions=[main])


def test_a_size_may_have_a_unit(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#task_size"""
    ecs, container = account.client("ecs"), {"name": "main", "image": account.image}
    arn = account.register(cpu=".25 vCPU", memory="0.5 GB", containerDefinitions=[container])
    found = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert (found["cpu"], found["memory"]) == ("256", "512")


def test_awslogs_needs_an_execution_role(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html"""
    options = {
        "awslogs-group": "g",
        "awslogs-region": "us-east-1",
        "awslogs-stream-prefix": "p",
    }
    logs = {"logDriver": "awslogs", "options": options}
    container = {"name": "main", "image": account.image, "logConfiguration": logs}
    ecs = account.client("ecs")
    with pytest.raises(ecs.exceptions.ClientException, match="execution role"):
        account.register(executionRoleArn="", containerDefinitions=[container])


def test_an_unknown_task_is_missing_and_no_error(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html"""
    answer = account.client("ecs").describe_tasks(cluster=account.cluster, tasks=["0" * 32])
    assert answer["tasks"] == []
    assert [row["reason"] for row in answer["failures"]] == ["MISSING"]


@pytest.mark.parametrize("code", [0, 7])
def test_the_end_of_an_essential_container_is_the_tasks(account: Account, code: int) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html"""
    task = account.run(f"raise SystemExit({code})")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    assert task["containers"][0]["exitCode"] == code
    assert task["group"] == f"family:{account.cluster}-conformance"


def test_a_missing_image_never_starts(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html"""
    task = account.run("", image=f"{account.platform['RepositoryUri']}@sha256:{'0' * 64}")
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "exitCode" not in task["containers"][0]


def test_a_missing_log_group_never_starts(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html"""
    options = {
        "awslogs-group": f"/{account.cluster}/no-such-group",
        "awslogs-region": account.client("ecs").meta.region_name,
        "awslogs-stream-prefix": "run",
    }
    task = account.run("", logConfiguration={"logDriver": "awslogs", "options": options})
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("ResourceInitializationError: ")


def test_stop_task_asks_first_and_says_who(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html"""
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))\n"
        "time.sleep(600)"
    )
    ecs = account.client("ecs")
    answer = ecs.run_task(**account.request(account.define(script)))
    arn = answer["tasks"][0]["taskArn"]

    def runs() -> bool:
        found = ecs.describe_tasks(cluster=account.cluster, tasks=[arn])["tasks"]
        return bool(found) and found[0]["lastStatus"] == "RUNNING"

    eventually(runs, account.patience)
    asked = ecs.stop_task(cluster=account.cluster, task=arn, reason="conformance")["task"]
    assert asked["desiredStatus"] == "STOPPED"
    task = account.stopped(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "conformance")


def test_the_metadata_endpoint_has_version_4(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html"""
    script = (
        "import json, os, sys, urllib.request\n"
        "url = os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'\n"
        "found = json.load(urllib.request.urlopen(url))\n"
        "wanted = {'Cluster', 'TaskARN', 'Family', 'Revision', 'DesiredStatus', 'KnownStatus',\n"
        "          'Limits', 'AvailabilityZone', 'LaunchType', 'Containers', 'PullStartedAt'}\n"
        "sys.exit(0 if wanted <= set(found) else 9)"
    )
    assert account.run(script)["containers"][0]["exitCode"] == 0


def test_the_log_stream_is_named_after_prefix_container_and_task(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html"""
    logs = account.client("logs")
    group = f"/{account.cluster}/conformance"
    logs.create_log_group(logGroupName=group)
    try:
        options = {
            "awslogs-group": group,
            "awslogs-region": logs.meta.region_name,
            "awslogs-stream-prefix": "run",
        }
        task = account.run(
            "print('hello')", logConfiguration={"logDriver": "awslogs", "options": options}
        )
        stream = f"run/main/{task['taskArn'].rsplit('/', 1)[-1]}"
        answer = logs.get_log_events(logGroupName=group, logStreamName=stream)
        assert [event["message"] for event in answer["events"]] == ["hello"]
    finally:
        logs.delete_log_group(logGroupName=group)


def test_every_state_change_is_an_event(account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html"""
    arn = account.run("")["taskArn"]
    logs = account.client("logs")
    group = account.platform["LifecycleLogGroupName"]

    def find() -> list[dict[str, Any]] | None:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=f'"{arn.rsplit("/", 1)[-1]}"'
        )
        events = [json.loads(event["message"]) for page in pages for event in page["events"]]
        last = [row for row in events if row["detail"]["lastStatus"] == "STOPPED"]
        return events if last else None

    events = eventually(find, account.patience)
    assert {row["detail-type"] for row in events} == {"ECS Task State Change"}
    assert {row["source"] for row in events} == {"aws.ecs"}
    assert all(row["resources"] == [arn] for row in events)
    versions = {row["detail"]["version"]: row["detail"]["lastStatus"] for row in events}
    assert versions[max(versions)] == "STOPPED"
