"""Every call of AWS that an audit makes, as IAM sees it: an action, and what it is made on.

Role, endpoint and bucket policy are held against this list by a test, because the embedded AWS
plays no endpoint policies; another test holds the list against the calls that audits make.
"""

from attrs import frozen


@frozen
class AuditCall:
    """One operation; ``on`` are kinds of resource that it is made on, with the app's names to fill.

    ``operation`` is botocore's name. ``context`` holds the condition keys that AWS fills in.
    """

    service: str
    operation: str
    action: str
    on: tuple[str, ...]
    context: tuple[tuple[str, str], ...] = ()


_PREFIXES = ("ledger/", "ledger/weather/", "runs/", "runs/weather/", "deployments/")
_KEPT = ("dead-letters/", "changes/", "witness/", "seals/")
_READ = (
    "ledger/weather/weather-20261124T050000Z.succeeded.json",
    "ledger/audit/audit-20261124T050000Z.succeeded.json",
    "runs/weather/weather-20261124T050000Z/claim.json",
    "runs/audit/audit-20261124T050000Z/claim.json",
    "deployments/20261124T050000000Z.json",
    "dead-letters/20261124T050000000Z.json",
    "changes/weather/weather-20261124T050000Z.1-missed.json",
    "witness/weather/weather-20261124T050000Z.json",
    "catalog/0123.json",
    "seals/2026-11-24.json",
)
_WRITTEN = (
    "ledger/audit/audit-20261124T050000Z.succeeded.json",
    "runs/audit/audit-20261124T050000Z/claim.json",
    "runs/audit/audit-20261124T050000Z/audit.json",
    "dead-letters/20261124T050000000Z.json",
    "changes/weather/weather-20261124T050000Z.1-missed.json",
    "changes/weather/weather-20261124T050000Z.1-missed.sent.json",
    "witness/weather/weather-20261124T050000Z.json",
    "seals/2026-11-24.json",
    "seals/signatures/0123.json",
    "seals/keys/0123.pem",
)
_CLUSTER = (("ecs:cluster", "CLUSTER"),)

CALLS = (
    *(
        AuditCall("s3", "ListObjectsV2", "s3:ListBucket", ("BUCKET",), (("s3:prefix", prefix),))
        for prefix in (*_PREFIXES, *_KEPT)
    ),
    AuditCall("s3", "GetObject", "s3:GetObject", tuple(f"BUCKET/{key}" for key in _READ)),
    AuditCall(
        "s3",
        "HeadObject",
        "s3:GetObject",
        ("BUCKET/runs/weather/weather-20261124T050000Z/data.csv",),
    ),
    AuditCall(
        "s3",
        "PutObject",
        "s3:PutObject",
        tuple(f"BUCKET/{key}" for key in _WRITTEN),
        (("s3:if-none-match", "*"),),
    ),
    AuditCall("logs", "FilterLogEvents", "logs:FilterLogEvents", ("RECORDS", "LOGS")),
    AuditCall("logs", "GetLogEvents", "logs:GetLogEvents", ("LOGS",)),
    AuditCall("logs", "DescribeLogGroups", "logs:DescribeLogGroups", ("*",)),
    AuditCall("ecs", "ListTasks", "ecs:ListTasks", ("*",), _CLUSTER),
    AuditCall("ecs", "DescribeTasks", "ecs:DescribeTasks", ("TASK",), _CLUSTER),
    AuditCall("ecs", "DescribeTaskDefinition", "ecs:DescribeTaskDefinition", ("*",)),
    AuditCall("scheduler", "GetSchedule", "scheduler:GetSchedule", ("SCHEDULE",)),
    AuditCall("scheduler", "ListSchedules", "scheduler:ListSchedules", ("*",)),
    AuditCall("sqs", "ReceiveMessage", "sqs:ReceiveMessage", ("QUEUE",)),
    AuditCall("sqs", "ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility", ("QUEUE",)),
    AuditCall("sns", "Publish", "sns:Publish", ("TOPIC",)),
    AuditCall(
        "events", "PutEvents", "events:PutEvents", ("BUS",), (("events:source", "fargate-toolkit"),)
    ),
    AuditCall(
        "cloudwatch",
        "PutMetricData",
        "cloudwatch:PutMetricData",
        ("*",),
        (("cloudwatch:namespace", "FargateToolkit"),),
    ),
)
