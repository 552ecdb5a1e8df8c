"""What Secrets Manager and Parameter Store say of a secret. A value is looked at, never kept."""

import json
from typing import Any

from toolkit.adapters.aws.account import asked
from toolkit.adapters.aws.session import Aws, translated
from toolkit.core.deploying.facts import StoredSecret
from toolkit.core.errors import ToolkitError

# The keys that AWS keeps for these services; they need no permission of their own.
_OWN_KEYS = ("alias/aws/secretsmanager", "alias/aws/ssm")
_CURRENT = "AWSCURRENT"


class _MissingSecretError(ToolkitError):
    """There is no secret of that name."""


def stored_secret(aws: Aws, name: str, key: str | None) -> StoredSecret:
    """A secret of Secrets Manager; its value is only read where ``key`` of its JSON is asked for.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html
    """
    client: Any = aws.client("secretsmanager")
    try:
        with translated(f"secret {name}", ResourceNotFoundException=_MissingSecretError):
            row: dict[str, Any] = client.describe_secret(SecretId=name)
    except _MissingSecretError:
        return StoredSecret(aws.region, present=False)
    stages = (row.get("VersionIdsToStages") or {}).values()
    deleted = row.get("DeletedDate") is not None
    current = any(_CURRENT in labels for labels in stages)
    has_key = None
    if key is not None and current and not deleted:
        has_key = asked(lambda: _has_key(client, name, key))
    return StoredSecret(
        aws.region,
        present=True,
        deleted=deleted,
        current=current,
        has_key=has_key,
        kms_key=_customers(row.get("KmsKeyId")),
    )


def stored_parameter(aws: Aws, name: str) -> StoredSecret:
    """A parameter of Parameter Store; its value is not read.

    https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html
    """
    client: Any = aws.client("ssm")
    # The name of a parameter below another begins with a slash.
    full = f"/{name.removeprefix('/')}" if "/" in name else name
    chosen = [{"Key": "Name", "Option": "Equals", "Values": [full]}]
    with translated(f"parameter {full}"):
        # A page may be empty and still not be the last.
        pages = client.get_paginator("describe_parameters").paginate(ParameterFilters=chosen)
        rows = [row for page in pages for row in page["Parameters"] if row["Name"] == full]
    if not rows:
        return StoredSecret(aws.region, present=False)
    return StoredSecret(aws.region, present=True, kms_key=_customers(rows[0].get("KeyId")))


def _has_key(client: Any, name: str, key: str) -> bool:
    with translated(f"the value of secret {name}"):
        text = client.get_secret_value(SecretId=name).get("SecretString")
    try:
        document = json.loads(text or "")
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and key in document


def _customers(key: Any) -> str:
    """A key of the customer's own; empty for AWS's."""
    text = key if isinstance(key, str) else ""
    return "" if text.endswith(_OWN_KEYS) else text
