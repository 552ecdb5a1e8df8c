"""What an app's stacks put out, by name: nothing else reads an output by its key."""

from collections.abc import Mapping
from typing import Any, Self, overload

from attrs import field, frozen

from toolkit.core.errors import StackError


class StackOutput:
    """One output of a stack; StackError where the stack does not put it out."""

    def __init__(self, key: str) -> None:
        self.key = key

    @overload
    def __get__(self, stack: None, kind: type) -> Self: ...

    @overload
    def __get__(self, stack: "StackOutputs", kind: type) -> str: ...

    def __get__(self, stack: "StackOutputs | None", kind: type) -> Self | str:
        if stack is None:
            return self
        if self.key not in stack.values:
            raise StackError(
                f"stack {stack.stack} has no output {self.key}",
                hint="bring it up to date: toolkit deploy",
            )
        return stack.values[self.key]


@frozen
class StackOutputs:
    """The outputs of one deployed stack."""

    stack: str
    values: Mapping[str, str] = field(factory=dict)

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that the properties read."""
        members: list[Any] = list(vars(cls).values())
        return [member.key for member in members if isinstance(member, StackOutput)]


class Platform(StackOutputs):
    """The platform stack: what workloads, schedules and actions need of it."""

    cluster_name = StackOutput("ClusterName")
    cluster_arn = StackOutput("ClusterArn")
    bucket_name = StackOutput("BucketName")
    repository_name = StackOutput("RepositoryName")
    repository_uri = StackOutput("RepositoryUri")
    execution_role_arn = StackOutput("ExecutionRoleArn")
    scheduler_role_arn = StackOutput("SchedulerRoleArn")
    schedule_group_name = StackOutput("ScheduleGroupName")
    dead_letter_queue_arn = StackOutput("DeadLetterQueueArn")
    dead_letter_queue_url = StackOutput("DeadLetterQueueUrl")
    security_group_id = StackOutput("SecurityGroupId")
    assign_public_ip = StackOutput("AssignPublicIp")
    notification_topic_arn = StackOutput("NotificationTopicArn")
    lifecycle_log_group_name = StackOutput("LifecycleLogGroupName")
    _subnet_ids = StackOutput("SubnetIds")

    @property
    def subnet_ids(self) -> list[str]:
        """Where tasks run."""
        return self._subnet_ids.split(",")

    @property
    def has_public_address(self) -> bool:
        """Whether tasks get a public address."""
        return self.assign_public_ip == "ENABLED"


class WorkloadOutputs(StackOutputs):
    """The stack of one workload."""

    task_definition_arn = StackOutput("TaskDefinitionArn")
    task_role_arn = StackOutput("TaskRoleArn")
    log_group_name = StackOutput("LogGroupName")
