"""What runs and stands on an engine that one test has for itself."""

import json
from pathlib import Path

from .rehearsal import PROGRAM, Rehearsal, eventually, push_program, run_bare

SLEEP = "import time\nprint('asleep', flush=True)\ntime.sleep(600)"


def run_sleeper(own: Rehearsal, tmp_path: Path) -> str:
    """A task that sleeps; returns its ARN."""
    answer = own.aws("ecr").create_repository(repositoryName="image")
    uri = answer["repository"]["repositoryUri"]
    return run_bare(
        own,
        image=push_program(own, tmp_path / "image", uri, PROGRAM),
        environment=[{"name": "SCRIPT", "value": SLEEP}],
    )


def deploy_schedule(own: Rehearsal) -> None:
    """A stack with one schedule in it, and a queue; it never fires anything that exists."""
    template = {
        "Resources": {
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
            "Schedule": {
                "Type": "AWS::Scheduler::Schedule",
                "Properties": {
                    "Name": "hourly",
                    "ScheduleExpression": "cron(0 * * * ? *)",
                    "FlexibleTimeWindow": {"Mode": "OFF"},
                    "Target": {
                        "Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/none",
                        "RoleArn": "arn:aws:iam::000000000000:role/none",
                        "EcsParameters": {
                            "TaskDefinitionArn": (
                                "arn:aws:ecs:us-east-1:000000000000:task-definition/none:1"
                            )
                        },
                        "RetryPolicy": {"MaximumRetryAttempts": 0},
                    },
                },
            },
        }
    }
    cloudformation = own.aws("cloudformation")
    cloudformation.create_stack(StackName="kept", TemplateBody=json.dumps(template))
    eventually(
        lambda: (
            cloudformation.describe_stacks(StackName="kept")["Stacks"][0]["StackStatus"]
            == "CREATE_COMPLETE"
        )
    )
