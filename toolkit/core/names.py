"""The names of everything that an app owns on AWS, built here and nowhere else.

A schedule is named like its workload or ``<workload>-<suffix>``: the task role of a workload may
write only below ``runs/<workload>`` and ``runs/<workload>-*``, so the name is a permission.
"""

import re
from collections.abc import Iterable

from attrs import frozen

from toolkit.core.errors import ConfigError

# One rule for the names of apps, workloads and schedules: what ECR, ECS, CloudFormation, Scheduler,
# CloudWatch Logs and S3 all take. The templates have it as AllowedPattern.
# https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
_NAME = re.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SHORTEST, _LONGEST = 2, 40
LONGEST = {"app": 24, "workload": _LONGEST, "schedule": _LONGEST}
# The toolkit's own workload and its schedule.
AUDIT = "audit"
_ONLY = "--only platform means the platform"
RESERVED = {
    "app": {
        "aws": "log groups below /aws/ belong to AWS",
        "default": "each account has a schedule group of that name",
    },
    "workload": {"platform": _ONLY, AUDIT: "the toolkit has a workload of that name"},
    "schedule": {"platform": _ONLY},
}
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
    longest = LONGEST.get(kind, _LONGEST)
    if _NAME.fullmatch(name) is None or not _SHORTEST <= len(name) <= longest:
        raise ConfigError(
            f"{kind} name {name!r} is not usable",
            hint=f"use {_SHORTEST} to {longest} lower-case letters, digits and single hyphens in "
            "between, a letter first",
        )
    if why := RESERVED.get(kind, {}).get(name):
        raise ConfigError(f"{kind} name {name!r} is not usable: {why}", hint="choose another name")
    return name


def check_workloads(names: Iterable[str]) -> None:
    """Refuse workload names that AWS would refuse, or that would share their prefixes in S3."""
    known = sorted(check_name("workload", name) for name in names)
    for name in known:
        for other in known:
            if name.startswith(f"{other}-"):
                raise ConfigError(
                    f"workloads {other} and {name}: the task role of {other} may write below "
                    f"runs/{other}-*, so also what belongs to {name}",
                    hint=f"rename {name} so that it does not begin with {other}-",
                )


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
