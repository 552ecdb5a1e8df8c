"""Two regions of one project, side by side on one engine."""

import json
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

from tests.policies import trust

from .rehearsal import PROGRAM, Rehearsal, eventually, push_program, run_bare

REGIONS = ("us-east-1", "eu-central-1")


def test_two_regions_have_registries_tasks_and_schedules_of_their_own(
    own: Rehearsal, tmp_path: Path
) -> None:
    tasks = {}
    for region in REGIONS:
        there = evolve(own, info=evolve(own.info, region=region))
        repository = there.aws("ecr").create_repository(repositoryName="image")["repository"]
        assert f".{region}." in repository["repositoryUri"]
        program = PROGRAM + f"print('{region}')"
        folder = tmp_path / region
        image = push_program(there, folder, repository["repositoryUri"], program)
        task = run_bare(there, until="STOPPED", image=image)
        tasks[region] = task
        assert there.task(task)["containers"][0]["exitCode"] == 0
        images = there.aws("ecr").describe_images(repositoryName="image")["imageDetails"]
        assert [row["imageDigest"] for row in images] == [image.rpartition("@")[2]]
        there.aws("scheduler").create_schedule(
            Name=f"daily-{region}",
            ScheduleExpression="cron(0 3 * * ? *)",
            FlexibleTimeWindow={"Mode": "OFF"},
            StartDate=datetime.now(UTC),
            Target={
                "Arn": f"arn:aws:ecs:{region}:000000000000:cluster/c",
                "RoleArn": "arn:aws:iam::000000000000:role/none",
                "EcsParameters": {
                    "TaskDefinitionArn": there.task(task)["taskDefinitionArn"],
                },
                "RetryPolicy": {"MaximumRetryAttempts": 0},
            },
        )
    assert [arn.split(":")[3] for arn in tasks.values()] == list(REGIONS)
    listed = eventually(lambda: json.dumps(own.engine.status()["schedules"]))
    assert all(f"daily-{region}" in listed for region in REGIONS)
    events = list(own.engine.advance(seconds=86_400))
    lettered = {event["schedule"] for event in events if event["event"] == "dead-lettered"}
    assert lettered == {f"daily-{region}" for region in REGIONS}


def test_stacks_of_one_name_in_two_regions_have_roles_of_their_own(own: Rehearsal) -> None:
    """IAM knows no regions: one role for both would trust the schedules of the second alone."""
    roles = {}
    for region in REGIONS:
        there = evolve(own, info=evolve(own.info, region=region))
        deploy_role(there, "first")
        first = role_of(there)
        deploy_role(there, "second")
        assert role_of(there) == first
        roles[region] = first
    assert len(set(roles.values())) == len(REGIONS)
    there = evolve(own, info=evolve(own.info, region=REGIONS[0]))
    there.aws("cloudformation").delete_stack(StackName="roles")
    eventually(lambda: names_of_roles(own) == [roles[REGIONS[1]]])


def names_of_roles(own: Rehearsal) -> list[str]:
    """The roles of the stacks."""
    names = [row["RoleName"] for row in own.aws("iam").list_roles()["Roles"]]
    return [name for name in names if name.startswith("roles-Role-")]


def deploy_role(there: Rehearsal, description: str) -> None:
    """A stack with one role, which its template does not name, as it is deployed or changed."""
    properties = {
        "AssumeRolePolicyDocument": trust("scheduler.amazonaws.com"),
        "Description": description,
    }
    role = {"Type": "AWS::IAM::Role", "Properties": properties}
    template = json.dumps({"Resources": {"Role": role}})
    formation = there.aws("cloudformation")
    change = formation.create_stack if description == "first" else formation.update_stack
    change(StackName="roles", TemplateBody=template, Capabilities=["CAPABILITY_IAM"])
    eventually(
        lambda: formation.describe_stacks(StackName="roles")["Stacks"][0]["StackStatus"].endswith(
            ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        )
    )
    known = there.aws("iam").get_role(RoleName=role_of(there))["Role"]
    assert known["Description"] == description


def role_of(there: Rehearsal) -> str:
    """The name of the stack's role."""
    rows = there.aws("cloudformation").describe_stack_resources(StackName="roles")
    return str(rows["StackResources"][0]["PhysicalResourceId"])
