"""Names that a service does not take: patterns and lengths of AWS's API references.

What stacks make has names of the same rules.
"""

import re
from typing import NamedTuple


class NameRule(NamedTuple):
    """What a name has to match, and its lengths."""

    pattern: str
    shortest: int
    longest: int


# Request's member → its rule.
_RULES = {
    # https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html
    "repositoryName": NameRule(
        r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*", 2, 256
    ),
    # https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
    "roleName": NameRule(r"[\w+=,.@-]+", 1, 64),
    # https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    "name": NameRule(r"[0-9a-zA-Z-_.]+", 1, 64),
    # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html
    "logGroupName": NameRule(r"[.\-_/#A-Za-z0-9]+", 1, 512),
    # https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html
    "clusterName": NameRule(r"[a-zA-Z0-9_-]+", 1, 255),
}
# Type of a resource → the property that is its name, and the rule.
OF_TYPES = {
    "AWS::ECR::Repository": ("RepositoryName", "repositoryName"),
    "AWS::ECS::Cluster": ("ClusterName", "clusterName"),
    "AWS::IAM::Role": ("RoleName", "roleName"),
    "AWS::Logs::LogGroup": ("LogGroupName", "logGroupName"),
    "AWS::Scheduler::Schedule": ("Name", "name"),
    "AWS::Scheduler::ScheduleGroup": ("Name", "name"),
}


def problem(name: str, member: str) -> str | None:
    """What AWS says to a name that it does not take in a request's member, or None."""
    rule = _RULES[member]
    if len(name) < rule.shortest:
        complaint = f"have length greater than or equal to {rule.shortest}"
    elif len(name) > rule.longest:
        complaint = f"have length less than or equal to {rule.longest}"
    elif not re.fullmatch(rule.pattern, name):
        complaint = f"satisfy regular expression pattern: {rule.pattern}"
    else:
        return None
    return (
        f"1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: "
        f"Member must {complaint}"
    )
