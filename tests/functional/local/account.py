"""An account to ask how AWS behaves: the embedded one, or a real one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from attrs import frozen

from .rehearsal import Platform, eventually, network_of

PUBLIC_IMAGE = "public.ecr.aws/docker/library/python:3.12-slim"


@frozen
class Account:
    """An account to ask: its clients, its platform and an image with Python in it.

    ``history_seconds`` is what a call may take to stand in the event history.
    """

    client: Callable[[str], Any]
    platform: Mapping[str, str]
    image: str
    patience: float
    history_seconds: float
    now: Callable[[], datetime]

    @property
    def cluster(self) -> str:
        return self.platform["ClusterName"]

    def network(self) -> dict[str, Any]:
        return network_of(self.platform)

    def define(self, script: str, **container: Any) -> str:
        """Register a task definition that runs a script; returns its ARN."""
        definition = {
            "name": "main",
            "image": self.image,
            "entryPoint": ["python"],
            "command": ["-c", script],
            **container,
        }
        return self.register(containerDefinitions=[definition])

    def register(self, **changes: Any) -> str:
        request = {
            "family": f"{self.cluster}-conformance",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": self.platform["ExecutionRoleArn"],
            **changes,
        }
        answer = self.client("ecs").register_task_definition(**request)
        return answer["taskDefinition"]["taskDefinitionArn"]

    def request(self, definition: str, **changes: Any) -> dict[str, Any]:
        return {
            "cluster": self.cluster,
            "taskDefinition": definition,
            "launchType": "FARGATE",
            "networkConfiguration": self.network(),
            **changes,
        }

    def schedule(self, **changes: Any) -> dict[str, Any]:
        """A request for a schedule that is off."""
        return {
            "Name": "conformance",
            "GroupName": self.platform["ScheduleGroupName"],
            "ScheduleExpression": "rate(1 day)",
            "State": "DISABLED",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": self.platform["ClusterArn"],
                "RoleArn": self.platform["SchedulerRoleArn"],
                "EcsParameters": {
                    "TaskDefinitionArn": self.define(""),
                    "NetworkConfiguration": {
                        "awsvpcConfiguration": {"Subnets": self.platform["SubnetIds"].split(",")}
                    },
                },
            },
            **changes,
        }

    def stopped(self, arn: str) -> dict[str, Any]:
        ecs = self.client("ecs")

        def find() -> dict[str, Any] | None:
            found = ecs.describe_tasks(cluster=self.cluster, tasks=[arn])["tasks"]
            return found[0] if found and found[0]["lastStatus"] == "STOPPED" else None

        return eventually(find, self.patience)

    def run(self, script: str, **container: Any) -> dict[str, Any]:
        """Run a script to its end; returns the stopped task."""
        request = self.request(self.define(script, **container))
        answer = self.client("ecs").run_task(**request)
        return self.stopped(answer["tasks"][0]["taskArn"])


def differs(words: str) -> pytest.MarkDecorator:
    """What the embedded AWS is known to do otherwise, in the words of docs/local.md."""
    return pytest.mark.differs(words)


def embedded(platform: Platform) -> Account:
    rehearsal = platform.rehearsal
    return Account(rehearsal.aws, platform.platform, platform.image, 300, 0, rehearsal.engine.now)


def real(app: str) -> Account:
    stacks = boto3.client("cloudformation").describe_stacks(StackName=f"{app}-platform")["Stacks"]
    outputs = {row["OutputKey"]: row["OutputValue"] for row in stacks[0]["Outputs"]}
    return Account(boto3.client, outputs, PUBLIC_IMAGE, 300, 900, lambda: datetime.now(UTC))
