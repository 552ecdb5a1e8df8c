"""A running embedded AWS, and what the tests do with it, all through AWS's own calls."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from attrs import frozen
from botocore.config import Config

from toolkit.adapters.embedded import emulator
from toolkit.adapters.embedded.engine import EngineClient, EngineInfo
from toolkit.adapters.images.registry import Login, ecr_login, push_process_image

REPOSITORY = Path(__file__).parents[3]
TEMPLATES = REPOSITORY / "templates"
APP = "app"

# The image under test runs whatever Python the environment variable SCRIPT holds.
PROGRAM = "import os\nexec(os.environ.get('SCRIPT', ''))\n"


@frozen
class Rehearsal:
    """A running engine, and what the tests do with it, all through AWS's own calls."""

    info: EngineInfo
    root: Path

    @property
    def engine(self) -> EngineClient:
        return EngineClient(self.info)

    def aws(self, service: str, **config: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.info.endpoint_url,
            region_name=self.info.region,
            aws_access_key_id=self.info.access_key,
            aws_secret_access_key=self.info.secret_key,
            config=Config(**config),
        )

    def registry_login(self) -> Login:
        return ecr_login(self.aws("ecr").get_authorization_token())

    def deploy(self, stack: str, template: str, **parameters: object) -> dict[str, str]:
        """Deploy a template of the repository by change set; returns the outputs."""
        cloudformation = self.aws("cloudformation")
        cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName="first",
            ChangeSetType="CREATE",
            TemplateBody=(TEMPLATES / template).read_text(),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": str(value)}
                for key, value in parameters.items()
            ],
        )
        wait = {"Delay": 0.1, "MaxAttempts": 300}
        names = {"StackName": stack, "ChangeSetName": "first"}
        cloudformation.get_waiter("change_set_create_complete").wait(WaiterConfig=wait, **names)
        cloudformation.execute_change_set(**names)
        cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig=wait)
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
        return {row["OutputKey"]: row["OutputValue"] for row in outputs}

    def task(self, arn: str) -> dict[str, Any]:
        cluster = arn.split("/")[1]
        return self.aws("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0]

    def await_status(self, arn: str, *statuses: str) -> dict[str, Any]:
        """Poll until the task has one of the statuses."""
        return eventually(
            lambda: found if (found := self.task(arn))["lastStatus"] in statuses else None
        )

    def log_lines(self, group: str) -> list[str]:
        pages = self.aws("logs").get_paginator("filter_log_events").paginate(logGroupName=group)
        return [event["message"] for page in pages for event in page["events"]]


def eventually(find: Callable[[], Any], seconds: float = 300) -> Any:
    """Poll until something is found; the test's timeout is generous and never asserted on."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def network_of(platform: Mapping[str, str]) -> dict[str, Any]:
    """The network of a platform's tasks, by its outputs."""
    return {
        "awsvpcConfiguration": {
            "subnets": platform["SubnetIds"].split(","),
            "securityGroups": [platform["SecurityGroupId"]],
            "assignPublicIp": "ENABLED",
        }
    }


@frozen
class Platform:
    """The shipped templates, deployed: outputs of platform and workload, and the image's URI."""

    rehearsal: Rehearsal
    platform: Mapping[str, str]
    workload: Mapping[str, str]
    image: str

    def network(self) -> dict[str, Any]:
        return network_of(self.platform)

    def run(self, script: str = "", **more: Any) -> str:
        """Run a task on demand that executes ``script``; returns its ARN."""
        answer = self.run_task(script, **more)
        assert not answer["failures"]
        return answer["tasks"][0]["taskArn"]

    def finished(self, script: str, **more: Any) -> tuple[dict[str, Any], list[str]]:
        """Run a script to its end: the stopped task and its log lines."""
        arn = self.run(script, **more)
        task = self.rehearsal.await_status(arn, "STOPPED")
        stream = f"run/workload/{arn.rsplit('/', 1)[-1]}"
        pages = self.rehearsal.aws("logs").filter_log_events(
            logGroupName=f"/{APP}/demo", logStreamNames=[stream]
        )
        return task, [event["message"] for event in pages["events"]]

    def run_task(self, script: str = "", **more: Any) -> dict[str, Any]:
        return self.rehearsal.aws("ecs").run_task(
            **{
                "cluster": APP,
                "taskDefinition": self.workload["TaskDefinitionArn"],
                "launchType": "FARGATE",
                "networkConfiguration": self.network(),
                "overrides": self.overrides(script),
                **more,
            }
        )

    def overrides(self, script: str, **environment: str) -> dict[str, Any]:
        rows = {"SCRIPT": script, **environment}
        environment_rows = [{"name": name, "value": value} for name, value in rows.items()]
        return {"containerOverrides": [{"name": "workload", "environment": environment_rows}]}

    def schedule(self, name: str, expression: str, script: str = "", **parameters: object) -> str:
        """Deploy a schedule by its template; returns its name."""
        context = {
            "SCHEDULED_TIME": "<aws.scheduler.scheduled-time>",
            "EXECUTION_ID": "<aws.scheduler.execution-id>",
            "ATTEMPT": "<aws.scheduler.attempt-number>",
        }
        platform = self.platform
        defaults = {
            "AppName": APP,
            "ScheduleName": name,
            "ScheduleExpression": expression,
            "Input": json.dumps(self.overrides(script, **context)),
            "TaskDefinitionArn": self.workload["TaskDefinitionArn"],
            "DeadLetterQueueArn": platform["DeadLetterQueueArn"],
            "ClusterArn": platform["ClusterArn"],
            "ScheduleGroupName": platform["ScheduleGroupName"],
            "SchedulerRoleArn": platform["SchedulerRoleArn"],
            "SubnetIds": platform["SubnetIds"],
            "SecurityGroupId": platform["SecurityGroupId"],
            "AssignPublicIp": platform["AssignPublicIp"],
        }
        self.rehearsal.deploy(f"app-schedule-{name}", "schedule.yaml", **{**defaults, **parameters})
        return name


def make_project(root: Path) -> Path:
    """A project directory whose emulator is the repository's own installation."""
    python = emulator.ensure_installed(REPOSITORY / ".toolkit", print)
    home = python.parents[1]
    (root / ".toolkit").mkdir(parents=True)
    (root / ".toolkit" / home.name).symlink_to(home)
    return root


def run_bare(
    rehearsal: Rehearsal, *, until: str = "RUNNING", role: str | None = None, **container: Any
) -> str:
    """Run one container without a template; returns the task's ARN."""
    ecs = rehearsal.aws("ecs")
    ecs.create_cluster(clusterName="c")
    roles = {"executionRoleArn": role} if role else {}
    definition = ecs.register_task_definition(
        family="f",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "main", **container}],
        **roles,
    )["taskDefinition"]["taskDefinitionArn"]
    subnet = rehearsal.aws("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    answer = ecs.run_task(
        cluster="c",
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": [subnet]}},
    )
    arn: str = answer["tasks"][0]["taskArn"]
    rehearsal.await_status(arn, until)
    return arn


def tree(folder: Path, program: str) -> dict[str, Path]:
    """The files of a process image whose entry point is one program."""
    names = {"toolkit/__init__.py": "", "toolkit/runtime/__init__.py": ""}
    names |= {"toolkit/runtime/__main__.py": program}
    for name, text in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return {name: folder / name for name in names}


def push_program(rehearsal: Rehearsal, folder: Path, repository: str, program: str) -> str:
    """Push a process image whose entry point is one program; returns the URI by digest."""
    files = tree(folder, program)
    digest = push_process_image(
        rehearsal.info.endpoint_url, repository, files, rehearsal.registry_login()
    )
    return f"{repository}@{digest}"
