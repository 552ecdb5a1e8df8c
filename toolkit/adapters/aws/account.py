"""The account as a preflight sees it: who asks, whose clock is right, which quotas there are."""

from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.deploying.facts import CallerIdentity, Queue, Quota, Unknown
from toolkit.core.errors import ToolkitError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

_T = TypeVar("_T")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-quotas.html
_VCPUS = ("fargate", "L-3032A538")
# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
_VPCS = ("vpc", "L-F678F1CE")
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
_LOG_POLICIES = 10
_GONE = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchEntity",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
    }
)


def asked(question: Callable[[], _T]) -> _T | Unknown:
    """The answer, or why there is none."""
    from botocore.exceptions import ClientError

    try:
        return question()
    except ToolkitError as error:
        cause = error.__cause__
        code = cause.response["Error"]["Code"] if isinstance(cause, ClientError) else ""
        return Unknown(error.message, gone=code in _GONE or code.endswith(".NotFound"))


def identity(aws: Aws) -> CallerIdentity:
    """Whose credentials these are."""
    client: STSClient = aws.client("sts")
    with translated("GetCallerIdentity"):
        row = client.get_caller_identity()
    return CallerIdentity(row["Account"], row["Arn"], aws.region)


def clock_skew(aws: Aws, now: Callable[[], datetime]) -> float:
    """Seconds by which AWS's clock is ahead of ours; it answers in whole seconds."""
    client: STSClient = aws.client("sts")
    with translated("GetCallerIdentity"):
        headers = client.get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]
    if "date" not in headers:
        raise ToolkitError("AWS's answer has no Date header")
    return (parsedate_to_datetime(headers["date"]) - now()).total_seconds()


def quotas(
    aws: Aws, *, largest_vcpus: float, all_vcpus: float, new_network: bool, new_platform: bool
) -> tuple[Quota, ...]:
    """The quotas that a first deployment or a first run may meet."""
    found = [Quota("Fargate vCPUs", _quota(aws, *_VCPUS), largest_vcpus, all_vcpus)]
    if new_network:
        ec2: EC2Client = aws.client("ec2")
        with translated("DescribeVpcs"):
            used = len(ec2.describe_vpcs()["Vpcs"])
        found.append(Quota("VPCs", _quota(aws, *_VPCS), used + 1, used + 1))
    if new_platform:
        logs: CloudWatchLogsClient = aws.client("logs")
        with translated("DescribeResourcePolicies"):
            used = len(logs.describe_resource_policies(limit=_LOG_POLICIES)["resourcePolicies"])
        found.append(Quota("log resource policies", _LOG_POLICIES, used + 1, used + 1))
    return tuple(found)


def queue(aws: Aws, url: str) -> Queue:
    """The dead-letter queue: how many letters, and whether its policy refuses the scheduler."""
    import json

    client: SQSClient = aws.client("sqs")
    with translated(f"queue {url}"):
        attributes = client.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "Policy"]
        )["Attributes"]
    policy = json.loads(attributes.get("Policy") or "{}")
    return Queue(
        url.rpartition("/")[2],
        int(attributes.get("ApproximateNumberOfMessages", "0")),
        any(_denies_all(statement) for statement in policy.get("Statement", ())),
    )


def has_log_group(aws: Aws, name: str) -> bool:
    """Whether there is a log group of exactly this name."""
    client: CloudWatchLogsClient = aws.client("logs")
    with translated(f"log group {name}"):
        rows = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(row["logGroupName"] == name for row in rows)


def _denies_all(statement: dict[str, object]) -> bool:
    """Whether a statement refuses SendMessage without a condition: over TLS, too."""
    actions = statement.get("Action", ())
    named = actions if isinstance(actions, list) else [actions]
    sends = {"sqs:*", "sqs:SendMessage", "SQS:SendMessage", "*"}
    return (
        statement.get("Effect") == "Deny"
        and not statement.get("Condition")
        and bool(sends.intersection(named))
    )


def _quota(aws: Aws, service: str, code: str) -> float:
    client = aws.client("service-quotas")
    with translated(f"quota {service}/{code}"):
        row = client.get_service_quota(ServiceCode=service, QuotaCode=code)
    return float(row["Quota"]["Value"])
