"""ECS: start a task, look at tasks, stop one."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.causes.diagnosis import diagnose_launch
from toolkit.core.errors import RunError
from toolkit.core.proof.expectation import TaskDefinition
from toolkit.core.task import Task
from toolkit.runtime.contract import RunId

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


class Ecs:
    """The tasks of one cluster; an empty name is that of one that was deleted."""

    def __init__(self, aws: Aws, cluster: str) -> None:
        self._client: ECSClient = aws.client("ecs")
        self._cluster = cluster

    def run(self, request: Mapping[str, Any], run_id: RunId) -> Task:
        """RunTask, once; raises RunError for ``failures``, too, which come with HTTP 200."""
        name = request["taskDefinition"].rsplit("/", 1)[-1]

        def explain(code: str, message: str) -> str:
            return diagnose_launch(code, message).about(str(run_id), run_id.schedule).hint

        with translated(f"RunTask {name}", explain):
            answer = self._client.run_task(**request)
        failures = answer.get("failures", [])
        if failures or not answer.get("tasks"):
            reason = failures[0].get("reason", "") if failures else "ECS started no task"
            detail = failures[0].get("detail", "") if failures else ""
            raise RunError(
                f"RunTask {name}: {reason} {detail}".rstrip(), hint=explain(reason, detail)
            )
        return Task.parse(answer["tasks"][0])

    def describe(self, task_arns: Sequence[str]) -> list[Task]:
        """The tasks that ECS still knows; it forgets a stopped one after about an hour.

        Of a cluster that was deleted it knows none.
        """
        found: list[Task] = []
        with translated("DescribeTasks"), suppress(self._gone):
            for start in range(0, len(task_arns) if self._cluster else 0, 100):
                answer = self._client.describe_tasks(
                    cluster=self._cluster, tasks=list(task_arns[start : start + 100])
                )
                found += [Task.parse(task) for task in answer["tasks"]]
        return found

    def task_definition(self, arn: str) -> TaskDefinition | None:
        """A revision as it was registered; None for one that ECS does not know (any more)."""
        from botocore.exceptions import ClientError

        with translated(f"DescribeTaskDefinition {arn}"):
            try:
                answer = self._client.describe_task_definition(taskDefinition=arn)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ClientException":
                    return None
                raise
        return TaskDefinition.parse(answer["taskDefinition"])

    def running(self) -> list[str]:
        """The ARNs of the tasks that have not stopped; a deleted cluster has none."""
        return self._listed()

    def stopped(self) -> list[str]:
        """The ARNs of the tasks that stopped within about an hour."""
        return self._listed(desiredStatus="STOPPED")

    def _listed(self, **chosen: Any) -> list[str]:
        if not self._cluster:
            return []
        with translated("ListTasks"), suppress(self._gone):
            pages = self._client.get_paginator("list_tasks").paginate(
                cluster=self._cluster, **chosen
            )
            return [arn for page in pages for arn in page["taskArns"]]
        return []

    @property
    def _gone(self) -> type[Exception]:
        return self._client.exceptions.ClusterNotFoundException

    def stop(self, task_arn: str, reason: str) -> None:
        """StopTask: SIGTERM, and SIGKILL after the stop timeout."""
        with translated(f"StopTask {task_arn}"):
            self._client.stop_task(cluster=self._cluster, task=task_arn, reason=reason)
