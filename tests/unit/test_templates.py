"""All templates: clean, complete and without surprises for the toolkit that fills them in."""

import re

import pytest
from cfnlint.api import lint_file
from cfnlint.config import ManualArgs
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.cloudformation import ACCOUNT, NAMES, REGION, TEMPLATES, accepts, load, render, resources
from toolkit.core.deploying.plans import LARGEST_TEMPLATE


def test_there_are_three_nouns_and_the_audit() -> None:
    assert NAMES == ["audit", "log", "platform", "schedule", "workload"]


@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_has_nothing_to_say_not_even_for_information(name: str) -> None:
    path = TEMPLATES / f"{name}.yaml"
    findings = lint_file(path, config=ManualArgs(regions=[REGION], include_checks=["I"]))
    assert [str(finding) for finding in findings] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_template_needs_no_upload_and_no_transform(name: str) -> None:
    # The plain AWS CLI takes a template of at most 51,200 bytes as it is.
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
    # The rest is room for what a project adds to its own copy (`toolkit init --eject`).
    assert (TEMPLATES / f"{name}.yaml").stat().st_size <= LARGEST_TEMPLATE - 1_200
    assert "Transform" not in load(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_says_what_it_means_and_what_it_takes(name: str) -> None:
    for parameter, declared in load(name)["Parameters"].items():
        assert declared.get("Description"), parameter
        if "AllowedPattern" in declared:
            assert declared.get("ConstraintDescription"), parameter


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_has_its_place_in_the_console(name: str) -> None:
    template = load(name)
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    placed = [parameter for group in groups for parameter in group["Parameters"]]
    assert sorted(placed) == sorted(template["Parameters"])


@pytest.mark.parametrize("name", NAMES)
def test_a_default_is_a_value_that_the_parameter_takes(name: str) -> None:
    for parameter, declared in load(name)["Parameters"].items():
        if "Default" in declared and "AllowedPattern" in declared:
            assert accepts(name, parameter, str(declared["Default"])), parameter


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_can_carry_a_tag_carries_the_app(name: str) -> None:
    for key, resource in resources(name).items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource["Type"]).schema
        if schema.get("tagging", {}).get("taggable", "Tags" in schema["properties"]):
            assert {"Key": "app", "Value": "demo"} in resource["Properties"].get("Tags", ()), key


def test_stacks_do_not_lock_one_another() -> None:
    for name in NAMES:
        assert "ImportValue" not in (TEMPLATES / f"{name}.yaml").read_text("utf-8")
        assert not any("Export" in output for output in load(name)["Outputs"].values())


def test_the_outputs_are_those_that_the_toolkit_reads() -> None:
    assert {name: set(load(name)["Outputs"]) for name in NAMES} == {
        "platform": {
            "ClusterName",
            "ClusterArn",
            "BucketName",
            "RepositoryName",
            "RepositoryUri",
            "ExecutionRoleArn",
            "SchedulerRoleArn",
            "ScheduleGroupName",
            "DeadLetterQueueArn",
            "DeadLetterQueueUrl",
            "SubnetIds",
            "SecurityGroupId",
            "AssignPublicIp",
            "LifecycleLogGroupName",
            "NotificationTopicArn",
        },
        "audit": {
            "TaskDefinitionArn",
            "TaskRoleArn",
            "LogGroupName",
            "ContainerName",
            "SigningKeyArn",
        },
        "workload": {"TaskDefinitionArn", "TaskRoleArn", "LogGroupName", "ContainerName"},
        "schedule": {"ScheduleName", "ScheduleArn"},
        "log": {"LogGroupName"},
    }


def test_every_check_that_checkov_skips_has_its_reason_in_the_documentation() -> None:
    documented = (TEMPLATES.parent / "docs" / "security.md").read_text("utf-8")
    for name in NAMES:
        text = (TEMPLATES / f"{name}.yaml").read_text("utf-8")
        for check, reason in re.findall(r"checkov:skip=(\w+):?(.*)", text):
            assert reason.strip(), check
            assert f"`{check}`" in documented


# Types whose attributes CloudFormation cannot read back: it looks for the resource by an identifier
# that leaves a part of its name out. https://github.com/aws-cloudformation/
# cloudformation-coverage-roadmap/issues/1726 is the schedule, known by its name without its group.
_UNREADABLE = {"AWS::Scheduler::Schedule"}


@pytest.mark.parametrize("name", NAMES)
def test_no_attribute_is_asked_of_what_cloudformation_cannot_read_back(name: str) -> None:
    text = (TEMPLATES / f"{name}.yaml").read_text("utf-8")
    asked = set(re.findall(r"!GetAtt (\w+)\.", text)) | set(re.findall(r"\$\{(\w+)\.\w+\}", text))
    types = {key: resource["Type"] for key, resource in load(name)["Resources"].items()}
    assert {key for key in asked if types[key] in _UNREADABLE} == set()


def test_a_schedule_is_still_what_cloudformation_cannot_read_back() -> None:
    """When AWS puts the group into the identifier, the rule above may go."""
    for resource_type in _UNREADABLE:
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
        assert "/properties/GroupName" not in schema["primaryIdentifier"]


def test_the_arn_of_a_schedule_names_its_group() -> None:
    output = render("schedule", ScheduleGroupName="demo")["Outputs"]["ScheduleArn"]
    assert output == f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/demo/Schedule"


@pytest.mark.parametrize("name", ["audit", "workload"])
def test_of_a_pruned_workload_the_same_log_group_stays(name: str) -> None:
    """As the same resource: an update of the stack to log.yaml must neither replace nor add one."""
    kept, whole = load("log"), load(name)
    assert kept["Resources"] == {"LogGroup": whole["Resources"]["LogGroup"]}
    assert kept["Conditions"] == {"HasKey": whole["Conditions"]["HasKey"]}
    for parameter in ("AppName", "LogRetentionDays", "KmsKeyArn"):
        assert kept["Parameters"][parameter] == whole["Parameters"][parameter]
    group = resources(name)["LogGroup"]["Properties"]["LogGroupName"]
    assert accepts("log", "WorkloadName", group.rpartition("/")[2])


def test_the_audit_takes_every_parameter_that_a_workload_takes() -> None:
    """What `toolkit.toml` sets for all workloads is set for the audit, too."""
    assert set(load("workload")["Parameters"]) <= set(load("audit")["Parameters"])
