"""The doctor, on an app that somebody broke."""

import json

from tests.functional.conftest import Project

from .conftest import DEPLOY

ILL = "ill"
DOCTOR = ("doctor", "--local", "--config-env", ILL)


def test_a_healthy_app_has_nothing_wrong(shipped: Project) -> None:
    healthy = shipped.toolkit("doctor", "--local").out
    assert "OK    images" in healthy
    assert "OK    network" in healthy
    assert "WARN  roles" in healthy
    assert "FAIL" not in healthy


def test_the_doctor_finds_what_somebody_broke(shipped: Project) -> None:
    shipped.toolkit(*DEPLOY, "--config-env", ILL)
    break_everything(shipped)
    rows = shipped.toolkit(*DOCTOR, "--json", code=1).json()
    told = {row["name"]: json.dumps(row) for row in rows if row["status"] != "OK"}
    assert "weather" in told["log groups"]
    assert "dead-letter queue is arn:aws:sqs:us-east-1:000000000000:another" in told["schedules"]
    assert "1 launches failed lately" in told["dead letters"]
    assert "does not trust scheduler.amazonaws.com" in told["roles"]
    assert "is not in the registry" in told["images"]


def break_everything(project: Project) -> None:
    """What people do by hand, one thing for each check."""
    platform = project.outputs(f"{ILL}-platform")
    project.aws("logs").delete_log_group(logGroupName=f"/{ILL}/weather")
    scheduler = project.aws("scheduler")
    live = scheduler.get_schedule(Name="weather", GroupName=ILL)
    kept = ("Name", "GroupName", "FlexibleTimeWindow", "ScheduleExpression")
    queue = {"Arn": "arn:aws:sqs:us-east-1:000000000000:another"}
    target = {**live["Target"], "DeadLetterConfig": queue}
    scheduler.update_schedule(**{key: live[key] for key in kept}, Target=target)
    letters = platform["DeadLetterQueueUrl"]
    project.aws("sqs").send_message(QueueUrl=letters, MessageBody="{}")
    project.aws("iam").update_assume_role_policy(
        RoleName=platform["SchedulerRoleArn"].rpartition("/")[2],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}),
    )
    registry = project.aws("ecr")
    images = registry.list_images(repositoryName=ILL)["imageIds"]
    registry.batch_delete_image(repositoryName=ILL, imageIds=images)
