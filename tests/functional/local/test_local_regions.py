"""Two regions of one project, side by side on one engine."""

import json
from datetime import UTC, datetime
from pathlib import Path

from attrs import evolve

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
