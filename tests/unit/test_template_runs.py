"""Workload and schedule: what a run is started with."""

from typing import Any

import pytest

from tests.cloudformation import (
    ACCOUNT,
    REGION,
    SCHEDULE,
    WORKLOAD,
    accepts,
    load,
    properties,
    resources,
)
from toolkit.runtime import catalog, contract


def container(**parameters: Any) -> Any:
    (only,) = properties("workload", "TaskDefinition", **parameters)["ContainerDefinitions"]
    return only


def target(**parameters: Any) -> Any:
    return properties("schedule", "Schedule", **parameters)["Target"]


def test_the_container_gives_an_intruder_nothing_to_hold_on_to() -> None:
    made = container()
    assert made["ReadonlyRootFilesystem"] is True
    assert made["User"] == "10001:10001"
    assert made["LinuxParameters"] == {
        "Capabilities": {"Drop": ["ALL"]},
        "InitProcessEnabled": True,
    }
    assert not {"PortMappings", "Privileged", "Secrets"} & set(made)


def test_no_log_line_is_dropped_and_the_stream_has_its_name() -> None:
    options = container()["LogConfiguration"]["Options"]
    assert options["mode"] == "blocking"
    assert options["awslogs-stream-prefix"] == "run"
    assert options["awslogs-group"] == "LogGroup"
    assert properties("workload", "LogGroup")["LogGroupName"] == "/demo/weather"


def test_a_run_has_two_minutes_to_save_what_it_has() -> None:
    assert container()["StopTimeout"] == 120


def test_the_one_writable_place_is_scratch() -> None:
    assert container()["MountPoints"] == [
        {"SourceVolume": "scratch", "ContainerPath": "/scratch", "ReadOnly": False}
    ]
    assert properties("workload", "TaskDefinition")["Volumes"] == [{"Name": "scratch"}]


def test_the_environment_is_the_contracts_and_equal_for_all_workloads() -> None:
    environment = {row["Name"]: row["Value"] for row in container()["Environment"]}
    assert environment == {
        contract.WORKLOAD: "weather",
        contract.BUCKET: "the-bucket",
        contract.MAX_RUNTIME_SECONDS: "900",
        contract.IMAGE: WORKLOAD["ImageUri"],
        "AWS_DEFAULT_REGION": REGION,
        "TMPDIR": "/scratch",
    }


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        ("registry.example/demo@sha256:" + "a" * 64, True),
        ("registry.example:5000/demo@sha256:" + "a" * 64, True),
        ("registry.example/demo:latest", False),
        ("registry.example/demo", False),
        ("registry.example/demo@sha256:" + "a" * 63, False),
    ],
)
def test_an_image_is_named_by_its_digest_or_not_at_all(image: str, taken: bool) -> None:
    assert accepts("workload", "ImageUri", image) is taken


def test_an_earlier_revision_stays_until_its_schedules_have_moved_on() -> None:
    assert resources("workload")["TaskDefinition"]["UpdateReplacePolicy"] == "Retain"


def test_size_and_architecture_are_parameters() -> None:
    default = properties("workload", "TaskDefinition")
    assert (default["Cpu"], default["Memory"]) == ("512", "1024")
    assert default["RuntimePlatform"]["CpuArchitecture"] == "X86_64"
    assert "EphemeralStorage" not in default
    other = properties(
        "workload", "TaskDefinition", CpuArchitecture="ARM64", EphemeralStorageGiB=50
    )
    assert other["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert other["EphemeralStorage"] == {"SizeInGiB": "50"}


@pytest.mark.parametrize("workload", catalog.load().workloads.values(), ids=lambda w: w.name)
def test_the_template_takes_every_workload_of_the_catalog(workload: catalog.Workload) -> None:
    parameters = load("workload")["Parameters"]
    assert accepts("workload", "WorkloadName", workload.name)
    assert workload.cpu in parameters["Cpu"]["AllowedValues"]
    for name, value in {
        "Memory": workload.memory,
        "MaxRuntimeSeconds": workload.max_runtime_seconds,
    }.items():
        assert parameters[name]["MinValue"] <= value <= parameters[name]["MaxValue"]


def test_a_failed_launch_is_not_repeated_unless_asked_and_always_leaves_a_letter() -> None:
    assert target()["RetryPolicy"] == {
        "MaximumRetryAttempts": "0",
        "MaximumEventAgeInSeconds": "900",
    }
    assert target(MaximumRetryAttempts=3)["RetryPolicy"]["MaximumRetryAttempts"] == "3"
    assert target()["DeadLetterConfig"] == {"Arn": SCHEDULE["DeadLetterQueueArn"]}


def test_a_firing_is_on_time_unless_a_window_is_given() -> None:
    assert properties("schedule", "Schedule")["FlexibleTimeWindow"] == {"Mode": "OFF"}
    window = properties("schedule", "Schedule", FlexibleWindowMinutes=15)["FlexibleTimeWindow"]
    assert window == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": "15"}


def test_a_schedule_without_dates_has_none() -> None:
    assert not {"StartDate", "EndDate"} & set(properties("schedule", "Schedule"))
    dated = properties("schedule", "Schedule", StartDate="2026-11-24T05:00:00Z")
    assert dated["StartDate"] == "2026-11-24T05:00:00Z"
    assert "EndDate" not in dated


def test_one_task_of_a_pinned_platform_runs_where_the_platform_says() -> None:
    ecs = target()["EcsParameters"]
    assert target()["Arn"] == SCHEDULE["ClusterArn"]
    assert ecs["TaskCount"] == 1
    assert ecs["TaskDefinitionArn"] == SCHEDULE["TaskDefinitionArn"]
    assert ecs["PlatformVersion"] == "1.4.0"
    assert ecs["NetworkConfiguration"]["AwsvpcConfiguration"] == {
        "Subnets": SCHEDULE["SubnetIds"],
        "SecurityGroups": [SCHEDULE["SecurityGroupId"]],
        "AssignPublicIp": "ENABLED",
    }


@pytest.mark.parametrize("provider", ["FARGATE", "FARGATE_SPOT"])
def test_spot_is_a_parameter_and_no_launch_type_contradicts_it(provider: str) -> None:
    ecs = target(CapacityProvider=provider)["EcsParameters"]
    assert [row["CapacityProvider"] for row in ecs["CapacityProviderStrategy"]] == [provider]
    assert "LaunchType" not in ecs


def test_a_task_carries_its_schedule_and_the_tags_of_its_workload() -> None:
    ecs = target()["EcsParameters"]
    assert ecs["Group"] == "weather-eu"
    assert ecs["PropagateTags"] == "TASK_DEFINITION"
    assert {"Key": "workload", "Value": "weather"} in properties("workload", "TaskDefinition")[
        "Tags"
    ]


@pytest.mark.parametrize(
    ("parameter", "refused"),
    [
        ("TaskDefinitionArn", f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/demo-weather"),
        ("PlatformVersion", "LATEST"),
        ("ScheduleExpression", "every morning"),
        ("ScheduleName", "Weather_EU"),
        ("StartDate", "2026-11-24"),
        ("Input", "[]"),
    ],
)
def test_what_would_not_do_is_refused_before_anything_is_made(parameter: str, refused: str) -> None:
    assert not accepts("schedule", parameter, refused)


@pytest.mark.parametrize("name", ["AppName", "ScheduleName"])
def test_a_name_of_the_contract_is_a_name_of_the_template(name: str) -> None:
    for text in ("weather", "stream-btc", "a1"):
        assert contract.NAME.fullmatch(text)
        assert accepts("schedule", name, text)
