"""The names of everything that an app owns on AWS, built here and nowhere else.

A schedule is named like its workload or ``<workload>-<suffix>``: the task role of a workload may
write only below ``runs/<workload>`` and ``runs/<workload>-*``, so the name is a permission.
"""

from collections.abc import Iterable

from attrs import frozen

from toolkit.core.errors import ConfigError
from toolkit.runtime.contract import NAME

CONTAINER = "workload"
LOG_STREAM_PREFIX = "run"


@frozen
class AppNames:
    """One installation: a platform and everything on it, told apart by its name."""

    name: str

    @property
    def platform_stack(self) -> str:
        """The stack with the network, cluster, bucket, roles and queue."""
        return f"{self.name}-platform"

    def workload_stack(self, workload: str) -> str:
        """The stack with the task definition of a workload."""
        return f"{self.name}-workload-{workload}"

    def schedule_stack(self, schedule: str) -> str:
        """The stack with one schedule."""
        return f"{self.name}-schedule-{schedule}"

    def family(self, workload: str) -> str:
        """The task definition's family."""
        return f"{self.name}-{workload}"

    def log_group(self, workload: str) -> str:
        """The log group of a workload's tasks."""
        return f"/{self.name}/{workload}"


def check_name(kind: str, name: str) -> str:
    """``name``, or ConfigError when AWS or the templates would refuse it."""
    if NAME.fullmatch(name) is None:
        raise ConfigError(
            f"{kind} name {name!r} is not usable",
            hint="use lower-case letters, digits and '-', a letter first, at most 40 characters",
        )
    return name


def workload_of(schedule: str, workloads: Iterable[str]) -> str | None:
    """The workload whose prefixes a schedule of this name may write: the longest that fits.

    >>> workload_of("stream-bnb", ["stream", "weather"])
    'stream'
    """
    fitting = [name for name in workloads if schedule == name or schedule.startswith(f"{name}-")]
    return max(fitting, key=len, default=None)


def log_stream(task_arn: str) -> str:
    """The awslogs stream of a task: ``prefix/container/task-id``.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specify-log-config.html

    >>> log_stream("arn:aws:ecs:eu-central-1:123456789012:task/app/0123abcd")
    'run/workload/0123abcd'
    """
    return f"{LOG_STREAM_PREFIX}/{CONTAINER}/{task_id(task_arn)}"


def task_id(task_arn: str) -> str:
    """The id of a task, the last part of its ARN."""
    return task_arn.rsplit("/", 1)[-1]
